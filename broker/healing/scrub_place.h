/*
 * How far the scrub has come, kept in a small file, so that a broker that is started often still
 * reads all of its disk.
 *
 * Happy path: read once at the start; keep, now and then, which writes in the pool. Failures: a
 * file that is missing, or not whole, is a scrub that begins anew; one for which there is no room
 * is tried the next time; any other error of the disk ends the process, as for every file.
 * Invariant: one write at a time; a crash leaves the old place or the new one.
 *
 * The file: u32 magic, u32 format, u64 group, i64 offset, i64 wall time in ms, u32 CRC-32C of what
 * is before it; little-endian.
 */
#ifndef BROKER_HEALING_SCRUB_PLACE_H
#define BROKER_HEALING_SCRUB_PLACE_H

#include "base/env.h"
#include "storage/log_types.h"

struct scrub_place {
    uint64_t group;      /* the one that is read, or is the next, */
    kafka_offset offset; /* ... from the segment on that begins there or behind it */
    int64_t began_ms;    /* wall time when the present round over all began; 0: none has */
    bool through;        /* that round is over */
};

struct scrub_file;

/* `directory` is copied. Blocks: reads the place as it was kept, else the beginning. */
struct scrub_file *scrub_file_open(struct env *env, const char *directory,
                                   struct scrub_place *place);
void scrub_file_keep(struct scrub_file *file, const struct scrub_place *place);
void scrub_file_close(struct scrub_file *file); /* NULL does nothing */

#endif
