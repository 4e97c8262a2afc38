/*
 * The hash of ids and names that clients choose: seeded, so that nobody can make them collide.
 * Included before anything that uses uthash.
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_HASH_H
#define BROKER_COORDINATOR_GROUP_GROUP_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include <uthash.h>

/* Eight bytes a step: subscriptions may have a megabyte. */
static inline unsigned group_hash(uint64_t seed, const void *data, size_t len) {
    const uint8_t *bytes = data;
    uint64_t hash = seed ^ (len * UINT64_C(0x9e3779b97f4a7c15));
    for (; len >= 8; bytes += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= (hash >> 35) ^ (seed >> 17);
    }
    uint64_t rest = 0;
    if (len > 0) memcpy(&rest, bytes, len);
    hash = (hash ^ rest) * UINT64_C(0x9fb21c651e98df25);
    hash ^= hash >> 29;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return (unsigned)(hash >> 32);
}

#endif
