/* Reading bytes by letters. */
#include "client/format/unpack.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "client/line/talk.h"

bool unpack_check(const char *letters, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (!memchr("<>bBhHiIqQc.sx $", letters[i], 16)) {
            return false;
        }
    }
    return len > 0;
}

/* Bytes that a letter reads; 0: none. */
static size_t width_of(char letter) {
    switch (letter) {
    case 'b':
    case 'B':
    case 'c':
    case '.': return 1;
    case 'h':
    case 'H': return 2;
    case 'i':
    case 'I': return 4;
    case 'q':
    case 'Q': return 8;
    default: return 0;
    }
}

static void print_unpacked(char letter, const uint8_t *bytes, size_t width, bool little) {
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | bytes[little ? width - 1 - i : i];
    }
    if (letter == 'c' || letter == '.') {
        print_bytes(bytes, 1);
    } else if (isupper((unsigned char)letter)) {
        print_text("%" PRIu64, number);
    } else {
        unsigned shift = (unsigned)(64 - 8 * width);
        print_text("%" PRId64, (int64_t)(number << shift) >> shift);
    }
}

void unpack_print(const char *letters, size_t len, const void *data, size_t data_len) {
    const uint8_t *at = data;
    size_t left = data_len;
    bool little = false;
    for (size_t i = 0; i < len; i++) {
        size_t width = width_of(letters[i]);
        if (width > left) {
            print_text("(unpack: %zu bytes left, %c takes %zu)", left, letters[i], width);
            return;
        }
        if (width > 0) {
            print_unpacked(letters[i], at, width, little);
        } else if (letters[i] == 's') {
            print_bytes(at, left);
            width = left;
        } else if (letters[i] == 'x' || letters[i] == ' ') {
            print_text(" ");
        } else if (letters[i] == '$' && left > 0) {
            print_text("(unpack: %zu bytes behind the end)", left);
            return;
        } else if (letters[i] != '$') {
            little = letters[i] == '<';
        }
        at += width;
        left -= width;
    }
}
