/*
 * Where the log of a group begins on this disk, once a prefix of it is gone: the file `start` in
 * the group's directory. There are two beginnings: entries up to `index` are gone for the group
 * (they cannot be read by index any more), and entries up to `file_index` are in no file. What lies
 * between is there for consumers, as it was or cleaned (log_cleaning.h).
 *
 * Happy path: it is written as `start.new`, twice inside, synced, renamed over `start`, and the
 * directory is synced; only then may a file go that lies below. A log without one begins at entry 1
 * and offset 0. Failures: a crash leaves the old file or the new one, so one of which neither copy
 * matches its checksum is damage.
 * Invariants: none of the four goes back; file_index <= index; all up to `index` was committed.
 *
 * A copy, little-endian: u32 "DRLS", u32 format 2, u64 group, u64 index, i64 offset, u32 term, u32
 * bytes of the configuration, u64 its index, u64 file index, i64 file offset, u32 CRC-32C of the
 * bytes before it and of the configuration; the configuration; zeros up to a multiple of 4096. The
 * second copy follows. Format 1 had no file index and offset: they were the other two.
 */
#ifndef STORAGE_SEGMENT_START_FILE_H
#define STORAGE_SEGMENT_START_FILE_H

#include "base/buffer.h"
#include "base/env.h"
#include "storage/log_types.h"

struct start_file {
    log_index index;          /* of the last entry that is gone; 0: none is */
    log_term term;            /* of that entry */
    kafka_offset next_offset; /* behind it */
    log_index change_index;   /* of the configuration in force there; 0: there was none */
    struct slice change;      /* its bytes */
    log_index file_index;     /* the first segment begins behind this entry, */
    kafka_offset file_offset; /* ... with this offset */
};

/* `change` is the caller's then. ERR_NOT_FOUND: there is none; ERR_CORRUPT, ERR_VERSION, or what
 * the disk says. Blocks. */
int start_file_read(struct env *env, const char *group_path, uint64_t group,
                    struct start_file *into);
/* Whether both copies are whole, and say the same. ERR_CORRUPT: not; ERR_NOT_FOUND; or what the
 * disk says. Blocks. */
int start_file_check(struct env *env, const char *group_path, uint64_t group);
/* Durable when it returns ERR_NONE; else the old one is, as before. Blocks. */
int start_file_write(struct env *env, const char *group_path, uint64_t group,
                     const struct start_file *start);

#endif
