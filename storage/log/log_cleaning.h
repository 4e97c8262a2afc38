/*
 * Cleaning a log: of its sealed segments only the last record of each key stays (compaction).
 *
 * One round of one log at a time, over the whole store, in a lane of its own and in steps of a
 * megabyte, not faster than its options say, and half of the time at most (a sync of the journal
 * waits for what a swap frees, and for the processor):
 *   1 clean_map.h reads the keys of what no round has read yet
 *   2 the progress of the journal is durable beyond all that will be cleaned, and `start` says that
 *     its entries are gone (partition_log_raise_start): from here on nobody reads them by index
 *   3 clean_filter.h writes segments again, as `<base>.clean`, synced
 *   4 each takes the name of the first segment that it stands for; the others are unlinked; the
 *     tables follow on the loop. Whoever reads an old file goes on in it; nobody opens one
 *     meanwhile.
 *
 * A crash leaves                         and the next start (recovered_segments.c)
 *   before 4  `.clean` files             removes them
 *   behind 2  `start` with another S     finds segments as they were: both are right at or below S
 *   within 4  segments that begin        removes them: they were merged into it
 *             inside of a cleaned one
 *   an index of another generation       makes it again
 *
 * From 2 on what is to be cleaned is not served from memory any more either, so that what is gone
 * is gone for everybody.
 * Failures: a full disk, no files, damage end the round; what is done of it stays, and an
 * unfinished `.clean` is removed before another round begins in this log. Where a rename is done
 * and there are no files to sync its directory, that is tried again until it is. The disk fails
 * there, or in a sync: the process ends. Invariants: S (first_index - 1) is not below what is
 * cleaned; segments that are read by the journal's progress are never touched; while a swap is
 * under way no segment is dropped.
 */
#ifndef STORAGE_LOG_LOG_CLEANING_H
#define STORAGE_LOG_LOG_CLEANING_H

#include "storage/clean/clean_aborted.h"
#include "storage/log/partition_log.h"
#include "storage/log_types.h"

struct clean_round;
struct segment;

/* ---- What could be cleaned. Sealed segments at the front, all of them synced, which the journal's
 * progress is past, up to the first one that is too young, or not everywhere, or behind the
 * beginning of a transaction that is open. Pure. ---- */

struct log_clean_limits {
    log_index index;     /* entries up to it are applied here, and nobody will ask for them */
    int64_t young_ms;    /* a segment with a later record is not cleaned, nor any behind it */
    kafka_offset stable; /* all transactions that wrote before it have ended */
};

/* What could be cleaned. */
struct log_cleanable {
    uint64_t clean_bytes, dirty_bytes; /* of sealed segments: read by a round before, or not yet */
    int64_t dirty_since_ms;            /* largest timestamp of the first dirty one; -1: none */
    log_index last_index;              /* of the last one; 0: there is nothing */
    uint64_t output_bytes;             /* that one of the new segments may have */
};
void log_cleanable_look(const struct partition_log *log, const struct log_clean_limits *limits,
                        struct log_cleanable *into);
/* Of the same look, what a lower limit of entries leaves of it as well. */
void log_cleanable_look_below(const struct partition_log *log,
                              const struct log_clean_limits *limits, log_index index,
                              struct log_cleanable *into, struct log_cleanable *below);

/* The offset up to which this log is clean: of no record before it there is a later one of its key
 * before it, in what anybody may read here from now on, or ever will. Never goes back. */
kafka_offset log_clean_to(const struct partition_log *log);

/* How many segments that are. */
size_t log_cleanable_count(const struct partition_log *log, const struct log_clean_limits *limits);
/* Of one: about so many of its bytes no round has read. */
uint64_t log_cleanable_dirty_bytes(const struct segment *segment);

/* ---- log_cleaning.c: cleaning it ---- */

struct log_clean_options {
    uint64_t map_bytes;        /* memory for keys; those that do not fit take another round */
    uint64_t bytes_per_second; /* that are read and written at most */
    size_t unfolded_max; /* bytes of the records of one batch, decompressed; larger ones stay */
    kafka_offset tombstones_below; /* those before it go; not above log_clean_to */
    struct clean_aborted aborted;  /* what was aborted, from log_clean_to on at least */
};

/* One round; the caller's, until `done`. */
struct log_cleaning {
    void (*done)(struct log_cleaning *cleaning, int error);
    /* Of the round so far: bytes that were read and written, and the log's size before and now. */
    uint64_t moved_bytes, bytes_before, bytes_after;
    struct clean_round *round;
};
/* Room for one output of so many bytes (log_cleanable.output_bytes) above what the disk keeps free:
 * it is written before what it stands for goes. */
bool log_cleaning_has_room(const struct partition_log *log, uint64_t output_bytes);
/* Cleans what log_cleanable_look finds with these limits, which must be something. `done` comes
 * later; options.aborted is taken over then, and stays the caller's after an error. ERR_BUSY: there
 * is a round already in this store, or files of this log are still being removed: what a round has
 * left unfinished may be among them, which has the name of a new one's. ERR_NO_SPACE:
 * log_cleaning_has_room says no. */
int log_cleaning_begin(struct partition_log *log, const struct log_clean_limits *limits,
                       const struct log_clean_options *options, struct log_cleaning *cleaning);
/* `done` will not be called. Nothing if it is over. */
void log_cleaning_cancel(struct log_cleaning *cleaning);

#endif
