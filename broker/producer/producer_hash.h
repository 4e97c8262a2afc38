/*
 * The hash of producer ids, which clients choose: seeded, so that nobody can make them collide.
 * Included before anything that uses uthash.
 */
#ifndef BROKER_PRODUCER_PRODUCER_HASH_H
#define BROKER_PRODUCER_PRODUCER_HASH_H

#include <stdint.h>

#include "base/mem.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include <uthash.h>

static inline uint32_t producer_hash(uint64_t seed, int64_t producer_id) {
    uint64_t mixed = ((uint64_t)producer_id ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
    mixed *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(mixed >> 32);
}

#endif
