/*
 * The entries of one log that are in memory: the end of the log, without holes.
 *
 * Happy path: entries are pushed as they are appended; those that a segment can serve are "served"
 * and stay as long as the tail cache, which all logs of a store share, has room for them. The
 * oldest by arrival leave first, a run (what write-behind wrote at once) at a time.
 * Invariants: an entry that no segment can serve never leaves; the cache's bytes are the sum of the
 * charges of served entries.
 */
#ifndef STORAGE_TABLES_LOG_MEMORY_H
#define STORAGE_TABLES_LOG_MEMORY_H

#include "storage/entry.h"
#include "storage/log_types.h"

struct tail_run;

struct tail_cache {
    uint64_t bytes; /* of entries that a segment can serve too */
    uint64_t limit;
    struct tail_run *oldest, *newest;
};

void tail_cache_init(struct tail_cache *cache, uint64_t limit_bytes);
/* Another limit. What is too much now goes a little at a time: true, there is more, call again in
 * another turn. */
bool tail_cache_set_limit(struct tail_cache *cache, uint64_t limit_bytes);

struct memory_slot {
    struct entry *entry;
    uint64_t charged; /* bytes in the cache's count; 0 until it is served */
};

struct log_memory {
    struct tail_cache *cache;
    struct memory_slot *slots; /* index i is in slot i % room; room is a power of two */
    size_t room, count;
    log_index first_index; /* of the oldest entry in memory */
    uint64_t served;       /* segments can serve up to this index */
    struct tail_run *oldest, *newest;
};

/* Empty; the next entry has index `next_index`, and segments serve all before. */
void log_memory_init(struct log_memory *memory, struct tail_cache *cache, log_index next_index);
void log_memory_close(struct log_memory *memory);

/* Takes a reference of its own. */
void log_memory_push(struct log_memory *memory, struct entry *entry);
/* Drops entries from `index` on; index > served. */
void log_memory_truncate(struct log_memory *memory, log_index index);
/* Segments serve up to `index` now: they may leave, and some do when the cache is over its limit.
 */
void log_memory_serve(struct log_memory *memory, log_index index);

/* Entries up to `index`, which segments can serve, leave now, whatever room the cache has. */
void log_memory_forget(struct log_memory *memory, log_index index);

/* NULL: not in memory. No reference for the caller. */
struct entry *log_memory_at(const struct log_memory *memory, log_index index);
/* The entry that holds `offset`, or NULL: not in memory. */
struct entry *log_memory_find_offset(const struct log_memory *memory, kafka_offset offset);
/* The uncompressed body of an entry in memory; kept for the next reader if the cache has room for
 * it. ERR_CORRUPT. */
int log_memory_raw(struct log_memory *memory, log_index index, struct slice *raw);

#endif
