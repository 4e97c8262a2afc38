/* Digits by arithmetic: neither a table nor a branch depends on what the bytes are. A mask is all
 * ones or nothing, out of the sign of a difference. */
#include "base/secure/base64.h"

#include <stdint.h>

/* c lies within, as a mask. */
static int within(int c, int from, int to) {
    return ((from - 1 - c) & (c - (to + 1))) >> 8;
}

static char digit_of(enum base64_form form, uint32_t bits) {
    int value = (int)(bits & 63), c = value + 'A';
    bool url = form == BASE64_URL;
    c += ((25 - value) >> 8) & ('a' - 'A' - 26);
    c += ((51 - value) >> 8) & ('0' - 'a' - 26);
    c += within(value, 62, 62) & ((url ? '-' : '+') - '0' - 10);
    c += within(value, 63, 63) & ((url ? '_' : '/') - '0' - 11);
    return (char)c;
}

/* -1: it is none. */
static int value_of(enum base64_form form, unsigned char c) {
    bool url = form == BASE64_URL;
    int at62 = url ? '-' : '+', at63 = url ? '_' : '/', value = -1;
    value += within(c, 'A', 'Z') & (c - 'A' + 1);
    value += within(c, 'a', 'z') & (c - 'a' + 27);
    value += within(c, '0', '9') & (c - '0' + 53);
    value += within(c, at62, at62) & 63;
    value += within(c, at63, at63) & 64;
    return value;
}

size_t base64_encode(enum base64_form form, const void *data, size_t len, char *into) {
    const uint8_t *at = data;
    size_t out = 0;
    for (size_t left = len; left > 0;) {
        size_t part = left < 3 ? left : 3;
        uint32_t bits = (uint32_t)at[0] << 16 | (part > 1 ? (uint32_t)at[1] << 8 : 0) |
                        (part > 2 ? at[2] : 0);
        for (size_t i = 0; i < 4; i++)
            if (i <= part)
                into[out++] = digit_of(form, bits >> (18 - 6 * i));
            else if (form == BASE64_PADDED)
                into[out++] = '=';
        at += part;
        left -= part;
    }
    into[out] = '\0';
    return out;
}

bool base64_decode(enum base64_form form, const char *text, size_t len, void *into, size_t room,
                   size_t *got) {
    uint8_t *out = into;
    size_t padding = 0, used = 0;
    uint32_t wrong = 0; /* looked at once, at the end */
    if (form == BASE64_PADDED && len % 4 != 0) return false;
    while (form == BASE64_PADDED && padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    len -= padding;
    if (len % 4 == 1 || len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1) > room) return false;
    for (size_t at = 0; at < len; at += 4) {
        size_t digits = len - at < 4 ? len - at : 4;
        uint32_t bits = 0;
        for (size_t i = 0; i < digits; i++) {
            int value = value_of(form, (unsigned char)text[at + i]);
            wrong |= (uint32_t)value >> 31;
            bits |= ((uint32_t)value & 63) << (18 - 6 * i);
        }
        for (size_t i = 0; i + 1 < digits; i++)
            out[used++] = (uint8_t)(bits >> (16 - 8 * i));
        wrong |= bits & (digits == 2 ? 0xffff : digits == 3 ? 0xff : 0); /* of no byte */
    }
    *got = used;
    return wrong == 0;
}
