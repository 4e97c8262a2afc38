/* UTF-8 and control characters, byte by byte. Pure. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

/* The length of the plain character at the beginning of `data` (`len` > 0 bytes); 0: there is none.
 */
static size_t plain_character(const char *data, size_t len) {
    const uint8_t *bytes = (const uint8_t *)data;
    uint32_t character = bytes[0];
    if (character < 0x80) return character >= 0x20 && character != 0x7F ? 1 : 0;
    size_t size = character >= 0xF0 ? 4 : character >= 0xE0 ? 3 : 2;
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    if (character < 0xC2 || character > 0xF4 || size > len) return 0;
    character &= 0x7Fu >> size;
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80) return 0;
        character = character << 6 | (bytes[i] & 0x3F);
    }
    bool control = character < 0xA0; /* C1: terminals obey them, too */
    bool surrogate = character >= 0xD800 && character <= 0xDFFF;
    return control || surrogate || character < least[size] || character > 0x10FFFF ? 0 : size;
}

bool text_is_plain(const char *data, size_t len) {
    for (size_t at = 0, size; at < len; at += size) {
        size = plain_character(data + at, len - at);
        if (size == 0) return false;
    }
    return true;
}

size_t text_trim(const char *data, size_t len, const char **begin) {
    while (len > 0 && (uint8_t)data[len - 1] <= ' ')
        len--;
    while (len > 0 && (uint8_t)*data <= ' ') {
        data++;
        len--;
    }
    *begin = data;
    return len;
}

size_t text_trim_items(char *list, size_t len) {
    size_t used = 0;
    for (size_t at = 0, end; at <= len; at = end + 1) {
        const char *comma = memchr(list + at, ',', len - at), *item;
        end = comma == NULL ? len : (size_t)(comma - list);
        size_t size = text_trim(list + at, end - at, &item);
        memmove(list + used, item, size);
        used += size;
        if (comma != NULL) list[used++] = ',';
    }
    return used;
}

void text_make_plain(char *text) {
    size_t len = strlen(text);
    for (size_t at = 0, size; at < len; at += size == 0 ? 1 : size) {
        size = plain_character(text + at, len - at);
        if (size == 0) text[at] = '?';
    }
}
