/*
 * The first pass of a cleaning: the last offset of each key in the segments that no cleaning has
 * read yet, oldest first, until they are through or the map is full.
 *
 * Happy path: open, step until it does not say ERR_AGAIN, then find. Blocks: each step is one job.
 * Failures: as clean_reader.h. A batch that unfolds to more than `unfolded_max`, or that cannot be
 * read to its end, is passed over: of its keys nothing older is removed. Nor is it for what an
 * aborted transaction wrote; all transactions that wrote here have ended.
 * Invariant: what the map says of a key is a record that is there.
 */
#ifndef STORAGE_CLEAN_CLEAN_MAP_H
#define STORAGE_CLEAN_CLEAN_MAP_H

#include "storage/clean/clean_aborted.h"
#include "storage/clean/clean_reader.h"
#include "storage/clean/key_map.h"

struct clean_map {
    struct clean_reader reader;
    struct clean_batches batches;
    struct key_map keys;
    struct clean_aborted *aborted; /* the owner's; sorted by the first step */
    size_t unfolded_max;
    kafka_offset from;  /* keys of records before it are known */
    kafka_offset to;    /* behind the last record whose key is in the map, or that has none */
    size_t input_count; /* of which something was read: so many from the first one on */
    bool full;
};

/* `inputs` from the first one that has a record from `from` on. */
void clean_map_open(struct clean_map *map, struct env *env, const struct clean_input *inputs,
                    size_t count, kafka_offset from, struct clean_aborted *aborted,
                    size_t map_bytes, const uint8_t secret[SIPHASH_SECRET_SIZE]);
void clean_map_close(struct clean_map *map);
/* Reads about so many bytes, and one batch at least; *done: how many, with what they unfold to.
 * ERR_AGAIN: there is more. */
int clean_map_step(struct clean_map *map, uint64_t bytes, uint64_t *done);

#endif
