/* Digits and letters for bytes. */
#include "client/format/bytes_text.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/secure/base64.h"

char *hex_text(const void *data, size_t len) {
    static const char digits[] = "0123456789abcdef";
    char *text = mem_alloc(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = ((const uint8_t *)data)[i];
        text[2 * i] = digits[byte >> 4];
        text[2 * i + 1] = digits[byte & 15];
    }
    text[2 * len] = 0;
    return text;
}

char *base64_text(const void *data, size_t len, bool padded) {
    char *text = mem_alloc(BASE64_SIZE(len));
    base64_encode(padded ? BASE64_PADDED : BASE64_BARE, data, len, text);
    return text;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int hex_read(const char *text, size_t text_len, uint8_t **data, size_t *len) {
    uint8_t *bytes = mem_alloc(text_len / 2 + 1);
    bool wrong = text_len % 2 != 0;
    for (size_t i = 0; i + 1 < text_len && !wrong; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        wrong = high < 0 || low < 0;
        bytes[i / 2] = wrong ? 0 : (uint8_t)(high << 4 | low);
    }
    if (wrong) {
        mem_free(bytes);
        return ERR_INVALID;
    }
    *data = bytes;
    *len = text_len / 2;
    return ERR_NONE;
}

int base64_read(const char *text, size_t text_len, uint8_t **data, size_t *len) {
    size_t room = text_len / 4 * 3;
    uint8_t *bytes = mem_alloc(room + 1);
    if (!base64_decode(BASE64_PADDED, text, text_len, bytes, room, len)) {
        mem_free(bytes);
        return ERR_INVALID;
    }
    *data = bytes;
    return ERR_NONE;
}
