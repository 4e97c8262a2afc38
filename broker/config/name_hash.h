/* The hash of names that clients choose. */
#ifndef BROKER_CONFIG_NAME_HASH_H
#define BROKER_CONFIG_NAME_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a over the seed and the name, then mixed: enough to make a table of chosen names useless to
 * who chose them. */
static inline unsigned metadata_name_hash(uint64_t seed, const char *name, size_t len) {
    uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3ULL + (seed >> 17);
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9ULL;
    return (unsigned)(hash >> 32);
}

#endif
