/* The rounds of SipHash, as its paper gives them: two for each word, four at the end of each half.
 */
#include "storage/clean/siphash.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

static uint64_t load(const uint8_t *from, size_t len) {
    uint64_t word = 0;
    for (size_t i = len; i > 0; i--)
        word = word << 8 | from[i - 1];
    return word;
}

static void mix(struct sip *s, int rounds) {
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct sip *s, uint64_t word) {
    s->v3 ^= word;
    mix(s, 2);
    s->v0 ^= word;
}

void siphash_128(const uint8_t secret[SIPHASH_SECRET_SIZE], const void *data, size_t len,
                 uint64_t hash[2]) {
    const uint8_t *bytes = data;
    uint64_t k0 = load(secret, 8), k1 = load(secret + 8, 8);
    struct sip s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
                    k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    size_t whole = len / 8 * 8;
    for (size_t at = 0; at < whole; at += 8)
        absorb(&s, load(bytes + at, 8));
    /* An empty input may be NULL, to which nothing may be added. */
    uint64_t rest = len > whole ? load(bytes + whole, len - whole) : 0;
    absorb(&s, (uint64_t)len << 56 | rest);
    s.v2 ^= 0xee;
    mix(&s, 4);
    hash[0] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    mix(&s, 4);
    hash[1] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
