/* A cursor over the message; every byte of it is accounted for. */
#include "broker/tokens/bearer.h"

#include <string.h>
#include <strings.h>

enum { BREAK = 1 };

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, const char *text) {
    size_t len = strlen(text);
    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, text, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_of_token(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool is_of_value(char c) {
    return (c > ' ' && c < 0x7f) || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Up to the comma. */
static bool take_name(struct cursor *cursor, char into[USER_NAME_MAX + 1]) {
    const char *begin = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != ',')
        cursor->at++;
    return user_name_of_sasl(begin, (size_t)(cursor->at - begin), into);
}

/* "Bearer", in any letters, blanks, and the token to the end. */
static bool read_auth(const char *value, size_t len, struct bearer_message *into) {
    static const char scheme[] = "bearer";
    size_t at = sizeof scheme - 1;
    if (len <= at || strncasecmp(value, scheme, at) != 0 || value[at] != ' ') return false;
    while (at < len && value[at] == ' ')
        at++;
    into->token = value + at;
    into->token_len = len - at;
    for (; at < len; at++)
        if (!is_of_token(value[at])) return false;
    return into->token_len > 0;
}

/* KEY=VALUE^A; of "auth" the token. */
static bool take_pair(struct cursor *cursor, struct bearer_message *into) {
    const char *key = cursor->at;
    while (cursor->at < cursor->end && is_letter(*cursor->at))
        cursor->at++;
    size_t key_len = (size_t)(cursor->at - key);
    if (key_len == 0 || !take(cursor, "=")) return false;
    const char *value = cursor->at;
    while (cursor->at < cursor->end && is_of_value(*cursor->at))
        cursor->at++;
    size_t len = (size_t)(cursor->at - value);
    if (len == 0 || cursor->at == cursor->end || *cursor->at++ != BREAK) return false;
    if (key_len != strlen("auth") || memcmp(key, "auth", key_len) != 0) return true;
    return into->token == NULL && read_auth(value, len, into); /* once */
}

bool bearer_read(const void *message, size_t len, struct bearer_message *into) {
    struct cursor cursor = {message, (const char *)message + len};
    *into = (struct bearer_message){.token = NULL};
    if (!take(&cursor, "n,")) return false;
    if (take(&cursor, "a=") && !take_name(&cursor, into->user)) return false;
    if (!take(&cursor, ",\1")) return false;
    while (cursor.at < cursor.end && *cursor.at != BREAK)
        if (!take_pair(&cursor, into)) return false;
    return cursor.end - cursor.at == 1 && into->token != NULL;
}

bool bearer_is_end(const void *message, size_t len) {
    return len == 1 && *(const char *)message == BREAK;
}
