/*
 * The beginning of a log, held so that it can be given away as files (prefix_files.h).
 *
 *   prefix_source_new, add, add, ... -> prefix_source_begin: all is read once, in the pool
 *   -> ready -> read, read, ... -> close
 *
 * Happy path: the state's file is opened first and stays open, the segments are held: so none of
 * it goes before prefix_source_close. Entries are checked when their segment's blocks are summed;
 * the sums of a segment stay with it for the next one who asks.
 * Failures: what the disk says, and damage, which is not given away. Nothing here waits for it on
 * the loop. Invariants: one job of a source at a time; a job touches only what is its source's own.
 */
#ifndef STORAGE_SEGMENT_PREFIX_SOURCE_H
#define STORAGE_SEGMENT_PREFIX_SOURCE_H

#include "storage/segment/prefix_files.h"
#include "storage/segment/segment.h"

struct prefix_source;

struct prefix_source_events {
    /* The list is there, or why not: ERR_CORRUPT, ERR_TOO_LARGE, ERR_IO, ...; the source is to be
     * closed then, also within the call. */
    void (*ready)(void *arg, int error);
    /* What was asked for; the slice is the receiver's. After an error the source is to be closed,
     * also within the call. */
    void (*done)(void *arg, int error, struct slice bytes);
};

/* The path and `begins->change` are copied. The snapshot describes all up to `state_index`. */
struct prefix_source *prefix_source_new(struct env *env, const char *group_path, uint64_t group,
                                        log_index state_index, const struct start_file *begins);
/* The next segment, sealed and synced; held from now on. It moves `ends` behind itself, whose
 * configuration stays that of `begins`: none of its entries is another. */
void prefix_source_add(struct prefix_source *source, struct segment *segment, log_term last_term);
/* `ready` comes later, never within the call. */
void prefix_source_begin(struct prefix_source *source, const struct prefix_source_events *events,
                         void *arg);
/* What was read of it did not match its sums: they are made anew, from the disk, for the next one.
 */
void prefix_source_distrust(struct prefix_source *source);
/* No event comes any more. */
void prefix_source_close(struct prefix_source *source);
/* The segment that is damaged, if `ready` told that, and where; NULL: none is. */
struct segment *prefix_source_damaged(const struct prefix_source *source, uint64_t *position);
/* The same of the state. */
bool prefix_source_state_is_damaged(const struct prefix_source *source);
/* Behind `ready`. */
const struct prefix_files *prefix_source_files(const struct prefix_source *source);
/* Reads `length` bytes of a file, which has them; `done` comes later. One at a time. */
void prefix_source_read(struct prefix_source *source, size_t file, uint64_t offset,
                        uint32_t length);

#endif
