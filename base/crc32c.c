/*
 * CRC-32C by libisal where the build found it (hardware instructions), else by tables of eight
 * bytes a step.
 *
 * libisal's crc32_iscsi works on the raw register: the inversion before and after is ours.
 */
#include "base/crc32c.h"

#include <limits.h>
#include <string.h>

enum { POLYNOMIAL_REVERSED = (int)0x82F63B78 };

#ifdef DRAVE_HAVE_ISAL

#include <isa-l/crc.h>

uint32_t crc32c(uint32_t seed, const void *data, size_t len) {
    const unsigned char *bytes = data;
    uint32_t state = ~seed;
    while (len > 0) {
        int part = len > INT_MAX ? INT_MAX : (int)len;
        state = crc32_iscsi((unsigned char *)bytes, part, state);
        bytes += part;
        len -= (size_t)part;
    }
    return ~state;
}

#else

#include <endian.h>

/* table[k][b]: the register after byte b and k zero bytes. Filled at program start, before any
 * thread exists. */
static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t state = byte;
        for (int bit = 0; bit < 8; bit++)
            state = (state >> 1) ^ ((state & 1) != 0 ? (uint32_t)POLYNOMIAL_REVERSED : 0);
        table[0][byte] = state;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++)
            table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 0xFF];
}

uint32_t crc32c(uint32_t seed, const void *data, size_t len) {
    const unsigned char *bytes = data;
    uint32_t state = ~seed;
    for (; len >= 8; bytes += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        word = le64toh(word) ^ state;
        state = 0;
        for (int k = 0; k < 8; k++)
            state ^= table[7 - k][(word >> (8 * k)) & 0xFF];
    }
    for (; len > 0; bytes++, len--)
        state = (state >> 8) ^ table[0][(state ^ *bytes) & 0xFF];
    return ~state;
}

#endif

/* ---- A change in the middle ---- */

/* The product of two polynomials modulo that of the checksum; bit 31 is x^0, as in the register. */
static uint32_t multiply(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit != 0; bit >>= 1) {
        if ((a & bit) != 0) product ^= b;
        b = (b >> 1) ^ ((b & 1) != 0 ? (uint32_t)POLYNOMIAL_REVERSED : 0);
    }
    return product;
}

/* The checksum is linear but for its inversions, which cancel in a difference: what changed is
 * moved over the bytes behind it by a multiplication with x^8 for each. */
uint32_t crc32c_changed(uint32_t crc, const void *old, const void *new, size_t len,
                        uint64_t behind) {
    uint32_t difference = crc32c(0, old, len) ^ crc32c(0, new, len);
    uint32_t power = UINT32_C(1) << 23; /* x^8 */
    for (; behind > 0; behind >>= 1, power = multiply(power, power)) {
        if ((behind & 1) != 0) difference = multiply(difference, power);
    }
    return crc ^ difference;
}
