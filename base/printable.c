/* Decoding UTF-8 and escaping what a terminal would act on. */
#include "base/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* The character at `text` by RFC 3629 (no overlong forms, no surrogates) and its bytes; 0 bytes:
 * none. */
static size_t decode(const unsigned char *text, size_t len, uint32_t *character) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = text[0];
    size_t bytes = first < 0x80                    ? 1
                   : first >= 0xC2 && first < 0xE0 ? 2
                   : first >= 0xE0 && first < 0xF0 ? 3
                                                   : 4;
    if (first >= 0x80 && first < 0xC2) return 0;
    if (first > 0xF4 || bytes > len) return 0;
    *character = bytes == 1 ? first : first & (0x7FU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xC0) != 0x80) return 0;
        *character = *character << 6 | (text[i] & 0x3F);
    }
    bool surrogate = *character >= 0xD800 && *character < 0xE000;
    return surrogate || *character > 0x10FFFF || *character < smallest[bytes] ? 0 : bytes;
}

static bool turns_direction(uint32_t character) {
    return (character >= 0x202A && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069);
}

/* By hand: a text of megabytes may have nothing else. */
static void set_escape(char escape[PRINTABLE_ESCAPE], char kind, uint32_t value, size_t digits) {
    escape[0] = '\\';
    escape[1] = kind;
    escape[2 + digits] = 0;
    for (; digits > 0; digits--, value >>= 4)
        escape[1 + digits] = "0123456789abcdef"[value & 15];
}

size_t printable_step(const char *text, size_t len, char escape[PRINTABLE_ESCAPE]) {
    CHECK(len > 0);
    uint32_t character;
    size_t bytes = decode((const unsigned char *)text, len, &character);
    escape[0] = 0;
    if (bytes == 0)
        set_escape(escape, 'x', (unsigned char)text[0], 2);
    else if (character < 0x20)
        set_escape(escape, 'x', character, 2);
    else if ((character >= 0x7F && character < 0xA0) || turns_direction(character))
        set_escape(escape, 'u', character, 4);
    return bytes == 0 ? 1 : bytes;
}

/* Appends whole pieces only. */
static bool printable_append(char *into, size_t room, size_t *used, const char *piece, size_t len) {
    if (*used + len + 1 > room) return false;
    memcpy(into + *used, piece, len);
    *used += len;
    return true;
}

size_t printable_copy(const char *text, size_t len, char *into, size_t room) {
    CHECK(room > 0);
    size_t used = 0;
    for (size_t at = 0; at < len;) {
        char escape[PRINTABLE_ESCAPE];
        size_t bytes = printable_step(text + at, len - at, escape);
        if (!printable_append(into, room, &used, escape[0] ? escape : text + at,
                              escape[0] ? strlen(escape) : bytes))
            break;
        at += bytes;
    }
    into[used] = 0;
    return used;
}

size_t printable_json(const char *text, size_t len, char *into, size_t room) {
    CHECK(room > 0);
    size_t used = 0;
    for (size_t at = 0; at < len;) {
        char escape[PRINTABLE_ESCAPE];
        uint32_t character;
        size_t bytes = printable_step(text + at, len - at, escape);
        const char *piece = escape[0] ? escape : text + at;
        if (decode((const unsigned char *)text + at, len - at, &character) == 0) {
            piece = "\\ufffd";
        } else if (text[at] == '"' || text[at] == '\\') {
            piece = text[at] == '"' ? "\\\"" : "\\\\";
        } else if ((unsigned char)text[at] < 0x20) {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)text[at]);
        }
        if (!printable_append(into, room, &used, piece, piece == text + at ? bytes : strlen(piece)))
            break;
        at += bytes;
    }
    into[used] = 0;
    return used;
}
