/* Checking the characters and the length of topic names. Pure. */
#include "broker/config/topic_name.h"

#include <string.h>

static bool is_legal(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

int topic_name_check(const char *name, size_t len, struct error_text *why) {
    if (len == 0)
        return error_set(why, ERR_INVALID,
                         "Topic name is invalid: the empty string is not allowed.");
    if (len > TOPIC_NAME_MAX)
        return error_set(why, ERR_INVALID,
                         "Topic name is invalid: it has %zu characters, and %d are the most.", len,
                         TOPIC_NAME_MAX);
    if ((len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
        return error_set(why, ERR_INVALID, "Topic name is invalid: '%.*s' is not allowed.",
                         (int)len, name);
    for (size_t i = 0; i < len; i++)
        if (!is_legal(name[i]))
            return error_set(
                why, ERR_INVALID,
                "Topic name is invalid: its character %zu is not possible; use ASCII alphanumerics, '.', '_' and '-'.",
                i + 1);
    return ERR_NONE;
}

bool topic_names_collide(const char *a, size_t a_len, const char *b, size_t b_len) {
    if (a_len != b_len || memcmp(a, b, a_len) == 0) return false;
    for (size_t i = 0; i < a_len; i++)
        if ((a[i] == '.' ? '_' : a[i]) != (b[i] == '.' ? '_' : b[i])) return false;
    return true;
}

static bool is(const char *name, size_t len, const char *other) {
    return len == strlen(other) && memcmp(name, other, len) == 0;
}

bool topic_name_is_internal(const char *name, size_t len) {
    return is(name, len, TOPIC_CONSUMER_OFFSETS) || is(name, len, TOPIC_TRANSACTION_STATE);
}
