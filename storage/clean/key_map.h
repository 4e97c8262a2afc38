/*
 * The last offset of each key, for one round of cleaning, in memory of a fixed size: keys are known
 * by a hash of 128 bits under a secret that is drawn for the round, because two keys that collide
 * would delete each other's records, and clients choose the keys.
 *
 * Open addressing, 24 bytes a slot, nine tenths of them at most in use. Failures: the map is full.
 * Invariant: the offset of a key is the largest that was put.
 */
#ifndef STORAGE_CLEAN_KEY_MAP_H
#define STORAGE_CLEAN_KEY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/clean/siphash.h"
#include "storage/log_types.h"

struct key_slot;

struct key_map {
    uint8_t secret[SIPHASH_SECRET_SIZE];
    struct key_slot *slots;
    size_t room, most, count;
};

/* In `bytes` of memory, enough for one key at least; what is not used is not touched. */
void key_map_open(struct key_map *map, size_t bytes, const uint8_t secret[SIPHASH_SECRET_SIZE]);
void key_map_close(struct key_map *map);
/* False: there is no room for another key. */
bool key_map_put(struct key_map *map, const void *key, size_t len, kafka_offset offset);
/* -1: it was not put. */
kafka_offset key_map_find(const struct key_map *map, const void *key, size_t len);

#endif
