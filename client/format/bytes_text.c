/* Digits and letters for bytes. */
#include "client/format/bytes_text.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
enum { ALPHABET = sizeof(alphabet) - 1 };

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
    const uint8_t *at = data;
    char *text = mem_alloc(len / 3 * 4 + 5), *to = text;
    for (size_t left = len; left > 0; at += 3) {
        size_t part = left < 3 ? left : 3;
        uint32_t bits = (uint32_t)at[0] << 16 | (part > 1 ? (uint32_t)at[1] << 8 : 0) |
                        (part > 2 ? at[2] : 0);
        for (size_t i = 0; i < (padded ? 4 : part + 1); i++) {
            *to++ = i <= part ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
        }
        left -= part;
    }
    *to = 0;
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
    uint8_t *bytes = mem_alloc(text_len / 4 * 3 + 1);
    size_t padding = 0, used = 0;
    while (padding < 2 && padding < text_len && text[text_len - 1 - padding] == '=') {
        padding++;
    }
    uint32_t bits = 0;
    bool wrong = text_len % 4 != 0;
    for (size_t i = 0; i < text_len && !wrong; i++) {
        const char *place = i >= text_len - padding ? alphabet
                                                    : memchr(alphabet, text[i], ALPHABET);
        wrong = !place;
        bits = bits << 6 | (uint32_t)(wrong ? 0 : place - alphabet);
        if (i % 4 == 3) {
            bytes[used++] = (uint8_t)(bits >> 16);
            bytes[used++] = (uint8_t)(bits >> 8);
            bytes[used++] = (uint8_t)bits;
        }
    }
    if (wrong) {
        mem_free(bytes);
        return ERR_INVALID;
    }
    *data = bytes;
    *len = used - padding;
    return ERR_NONE;
}
