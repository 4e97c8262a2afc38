/*
 * What lies in a data directory, read without changing anything: the library behind `draved log
 * dump` and `draved log verify`.
 *
 * Works beside a running broker: no lock is taken, a tail that is being written is passed over.
 * Blocks; for tools only. A log is read from its segments, then what only the journal has.
 * Failures: a directory that is not drave's, or that cannot be read, is an error with a sentence;
 * damage is reported with its exact place, and reading goes on behind it where it can.
 */
#ifndef STORAGE_DUMP_DUMP_H
#define STORAGE_DUMP_DUMP_H

#include "base/env.h"
#include "storage/log_types.h"

/* One record batch. Strings live for the call only. */
struct dump_batch {
    const char *topic; /* as the log's name file says; the group id in hex without one */
    int32_t partition; /* -1: the log has none */
    kafka_offset base_offset, last_offset;
    int32_t leader_epoch;
    log_index raft_index;
    const char *codec;  /* of the batch: "none", "gzip", ...; "unknown" when the entry is damaged */
    const char *stored; /* of the entry: "lz4", "plain" */
    uint32_t records;
    uint64_t size_bytes;   /* of the batch, uncompressed by us */
    uint64_t stored_bytes; /* of the whole entry at its first batch, 0 at the others */
    const char *file;      /* below the data directory; of an entry that only the journal has: the
                              journal's folder */
    uint64_t position;     /* of the entry in the file; 0 in the journal */
    bool crc_ok; /* entry and batch; a damaged entry is one line, with what its header says */
};

struct dump_filter {
    const char *topic; /* NULL: all */
    int32_t partition; /* -1: all */
    /* May be NULL. Told of each log that `topic` leaves out although it may be of that topic: it
     * has batches, all in the journal, and so no directory with its name yet. Its name is its
     * group's id, also for `topic`. */
    void (*unnamed)(void *arg, uint64_t group);
};

/* Calls `each` for every batch, log after log, in order. ERR_NOT_FOUND (no such directory, or it
 * holds no logs), ERR_IO, and ERR_CORRUPT when something could not be read because it is damaged:
 * everything else was given out; `why` tells the first place. */
int dump_batches(struct env *env, const char *data_dir, const struct dump_filter *filter,
                 void (*each)(void *arg, const struct dump_batch *batch), void *arg,
                 struct error_text *why);

/* Lines, without newline, cut to `size`: one JSON object, or columns to be read by people. */
void dump_batch_json(const struct dump_batch *batch, char *into, size_t size);
void dump_batch_text(const struct dump_batch *batch, char *into, size_t size);

struct dump_damage {
    const char *file; /* below the data directory */
    uint64_t position;
    const char *what; /* what is wrong there, a phrase */
};

struct dump_totals {
    uint64_t logs, files, entries, batches, bytes, damages;
};

/* Checks every checksum of segments, indexes, snapshots and the journal, that batches, offsets and
 * indexes are dense, and that indexes tell the truth. Calls `found` for each damage. ERR_CORRUPT if
 * there was any; else as dump_batches. */
int dump_verify(struct env *env, const char *data_dir,
                void (*found)(void *arg, const struct dump_damage *damage), void *arg,
                struct dump_totals *totals, struct error_text *why);

#endif
