/* A cursor over the bytes, which goes down where the pointer says, and past everything else. */
#include "broker/console/json_find.h"

#include <string.h>

struct cursor {
    const uint8_t *at, *end;
};

bool json_wish_parse(const char *text, struct json_wish *wish) {
    size_t len = strcspn(text, "=");
    *wish = (struct json_wish){text, len, text[len] == '=' ? text + len + 1 : NULL};
    return *text == '/';
}

static void skip_blanks(struct cursor *cursor) {
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
                                        *cursor->at == '\n' || *cursor->at == '\r'))
        cursor->at++;
}

/* The next byte that is no blank; -1: the end. */
static int next(struct cursor *cursor) {
    skip_blanks(cursor);
    return cursor->at < cursor->end ? *cursor->at : -1;
}

static bool take(struct cursor *cursor, char wanted) {
    if (next(cursor) != (unsigned char)wanted) return false;
    cursor->at++;
    return true;
}

/* ---- Texts ---- */

static int hex4(const struct cursor *cursor) {
    int value = 0;
    if (cursor->end - cursor->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        uint8_t c = cursor->at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t utf8(uint32_t code, uint8_t into[4]) {
    if (code < 0x80) {
        into[0] = (uint8_t)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        into[i] = (uint8_t)(0x80 | (code & 0x3f));
    into[0] = (uint8_t)((0xf00 >> len & 0xf0) | code);
    return len;
}

/* Behind "\u": one character, of two of them where the first is half of one. 0: it is none. */
static size_t take_unicode(struct cursor *cursor, uint8_t into[4]) {
    int code = hex4(cursor);
    if (code < 0) return 0;
    cursor->at += 4;
    if (code >= 0xd800 && code < 0xdc00 && cursor->end - cursor->at >= 6 && cursor->at[0] == '\\' &&
        cursor->at[1] == 'u') {
        struct cursor second = {cursor->at + 2, cursor->end};
        int low = hex4(&second);
        if (low >= 0xdc00 && low < 0xe000) {
            cursor->at += 6;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return utf8((uint32_t)code, into);
}

/* One character of a text, as bytes. 0: there is none, or it is no JSON. */
static size_t take_character(struct cursor *cursor, uint8_t into[4]) {
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint8_t byte = *cursor->at++;
    into[0] = byte;
    if (byte != '\\') return 1;
    if (cursor->at == cursor->end) return 0;
    byte = *cursor->at++;
    if (byte == 'u') return take_unicode(cursor, into);
    const char *found = byte == 0 ? NULL : strchr(escapes, byte);
    if (found == NULL) return 0;
    into[0] = (uint8_t)meant[found - escapes];
    return 1;
}

/* Takes a text and says whether it is that one; a pointer's has ~1 for / and ~0 for ~. False for
 * what is no text at all; *broken then. */
static bool take_text(struct cursor *cursor, const char *wanted, size_t len, bool pointer,
                      bool *broken) {
    size_t at = 0;
    bool same = true;
    uint8_t bytes[4];
    *broken = !take(cursor, '"');
    while (!*broken && cursor->at < cursor->end && *cursor->at != '"') {
        size_t count = take_character(cursor, bytes);
        *broken = count == 0;
        for (size_t i = 0; i < count && same; i++) {
            char c = at < len ? wanted[at] : '\0';
            bool tilde = pointer && c == '~' && at + 1 < len;
            if (tilde) c = wanted[at + 1] == '1' ? '/' : '~';
            same = at < len && (uint8_t)c == bytes[i];
            at += tilde ? 2 : 1;
        }
    }
    *broken = *broken || !take(cursor, '"');
    return !*broken && same && at == len;
}

/* ---- Values ---- */

static bool skip_text(struct cursor *cursor) {
    for (cursor->at++; cursor->at < cursor->end; cursor->at++) {
        if (*cursor->at == '\\')
            cursor->at++;
        else if (*cursor->at == '"')
            break;
    }
    if (cursor->at >= cursor->end) return false;
    cursor->at++;
    return true;
}

static bool is_plain(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '+' || byte == '.';
}

/* Past one value, whatever is inside. */
static bool skip_value(struct cursor *cursor) {
    size_t depth = 0;
    do {
        int byte = next(cursor);
        if (byte < 0) return false;
        if (byte == '"') {
            if (!skip_text(cursor)) return false;
        } else if (byte == '{' || byte == '[') {
            depth++;
            cursor->at++;
        } else if (byte == '}' || byte == ']' || byte == ',' || byte == ':') {
            if (depth == 0) return false;
            depth -= byte == '}' || byte == ']';
            cursor->at++;
        } else {
            const uint8_t *before = cursor->at;
            while (cursor->at < cursor->end && is_plain(*cursor->at))
                cursor->at++;
            if (cursor->at == before) return false;
        }
    } while (depth > 0);
    return true;
}

/* Into the member of that name. */
static bool enter_member(struct cursor *cursor, const char *name, size_t len) {
    bool broken;
    if (!take(cursor, '{')) return false;
    do {
        bool same = take_text(cursor, name, len, true, &broken);
        if (broken || !take(cursor, ':')) return false;
        if (same) return true;
        if (!skip_value(cursor)) return false;
    } while (take(cursor, ','));
    return false;
}

static bool enter_element(struct cursor *cursor, const char *digits, size_t len) {
    size_t index = 0;
    if (!take(cursor, '[') || len == 0 || len > 9) return false;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9') return false;
        index = index * 10 + (size_t)(digits[i] - '0');
    }
    for (; index > 0; index--)
        if (!skip_value(cursor) || !take(cursor, ',')) return false;
    return next(cursor) != ']';
}

static bool is_value(struct cursor *cursor, const char *wanted) {
    bool broken;
    if (next(cursor) == '"') return take_text(cursor, wanted, strlen(wanted), false, &broken);
    const uint8_t *begin = cursor->at;
    return skip_value(cursor) && (size_t)(cursor->at - begin) == strlen(wanted) &&
           memcmp(begin, wanted, strlen(wanted)) == 0;
}

bool json_has(const struct json_wish *wish, const uint8_t *data, size_t len) {
    struct cursor cursor = {data, data + len};
    const char *at = wish->pointer, *end = at + wish->pointer_len;
    while (at < end) {
        const char *name = at + 1, *slash = memchr(name, '/', (size_t)(end - name));
        at = slash == NULL ? end : slash;
        size_t name_len = (size_t)(at - name);
        bool array = next(&cursor) == '[';
        if (array ? !enter_element(&cursor, name, name_len)
                  : !enter_member(&cursor, name, name_len))
            return false;
    }
    return wish->value == NULL ? next(&cursor) >= 0 : is_value(&cursor, wish->value);
}
