/*
 * Numbers by chance, from a seed: the same seed gives the same frames on every machine
 * (splitmix64).
 */
#ifndef TESTS_GARBAGE_CHANCE_H
#define TESTS_GARBAGE_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance) {
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Stirs one more number into the seed. */
static inline void chance_mix(struct chance *chance, uint64_t value) {
    chance->state ^= value * UINT64_C(0xd6e8feb86659fd93);
    chance->state = chance_next(chance);
}

static inline size_t chance_below(struct chance *chance, size_t limit) {
    return (size_t)(chance_next(chance) % limit);
}

static inline bool chance_of(struct chance *chance, unsigned percent) {
    return chance_below(chance, 100) < percent;
}

static inline void chance_fill(struct chance *chance, uint8_t *into, size_t len) {
    for (size_t i = 0; i < len; i++)
        into[i] = (uint8_t)chance_next(chance);
}

#endif
