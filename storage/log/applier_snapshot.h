/*
 * The applier's state, kept beside the segments: `<raft index, 20 digits>.snapshot`, so that a
 * start replays little.
 *
 *   applier_snapshot_keep --> asked for --> given, in parts --> durable --> written --> on the disk
 *                             (the owner takes its time)        (its entries are, here)
 *
 * Happy path: when a segment was sealed the owner is asked for its state. It puts that together in
 * its own time, while entries go on being applied, and gives it with the index of the last one.
 * The parts are written, one behind the other, to a new file, synced and renamed, in the
 * write-behind lane; the two newest stay. It is written when that entry is durable in this log: so
 * at the next start the newest one that is whole and not above the log's end is used, and all up to
 * it is committed. (Of the older format only one that is not above the commit index that recovery
 * knows: it may describe entries that this replica lost.)
 * Where a beginning of the log is gone, or is to go, nothing but the state says what was in it:
 * there it is written twice (`.copy`), so that bytes that rot in one of them cost nothing.
 * Failures: a file that is torn or of another group is passed over; a full disk costs the snapshot;
 * any other error of writing ends the process. Invariants: one is asked for or waits at a time, for
 * each log; a file is the state behind exactly the entries up to its index.
 *
 * File: u32 "DRSS", u32 format, u64 group, u64 index, u32 length, u32 CRC-32C of the bytes before
 * it and of the state; the state, in one piece, whatever parts it came in. Of a partition that is
 * what broker/partition/appliers_snapshot.c says.
 */
#ifndef STORAGE_LOG_APPLIER_SNAPSHOT_H
#define STORAGE_LOG_APPLIER_SNAPSHOT_H

#include "base/buffer.h"
#include "base/env.h"
#include "storage/log_types.h"

struct partition_log;

/* What an applier knows behind the entry `index`: `count` parts, one behind the other. */
struct applier_state {
    log_index index;
    struct slice *parts; /* the array and its references are owned */
    size_t count;        /* 0: none */
    uint64_t len;        /* of all parts */
};

/* Asks the log's owner for the state (partition_log_on_seal), which comes when it comes
 * (partition_log_keep); it is written as soon as what it describes is durable, and all but the two
 * newest are forgotten. Nothing while one is asked for, or waits for that. */
void applier_snapshot_keep(struct partition_log *log);
/* The newest one, or its copy, is damaged on the disk: it counts no more, and another one takes its
 * place as soon as the owner gives it. */
void applier_snapshot_renew(struct partition_log *log, bool copy);
/* Whether the copy of that one is here; it was not read. */
bool applier_snapshot_has_copy(struct env *env, const char *group_path, log_index index);
/* More of the log is durable. */
void applier_snapshot_durable(struct partition_log *log);
/* Another log takes this one's place: what waits is not written, and what was asked for is dropped
 * when it comes. */
void applier_snapshot_forget(struct partition_log *log);
/* The log is closed: none comes, and one that waits is not written. */
void applier_snapshot_close(struct partition_log *log);

/* Which ones are usable when a log is opened. */
struct snapshot_limits {
    log_index committed; /* as far as recovery knows, and: */
    log_index last;      /* of the log */
};
/* The newest usable one, or its copy: false if there is none. `state` is the caller's. Blocks: part
 * of the look at a log that is opened. */
bool applier_snapshot_find(struct env *env, const char *group_path, uint64_t group,
                           const struct snapshot_limits *limits, log_index *index,
                           struct slice *state);
/* Reads and checks one file; *was_durable: what it describes was, when it was written. `state` is
 * the caller's. ERR_MALFORMED, ERR_CORRUPT, ERR_VERSION, ERR_NOT_FOUND, ERR_IO. */
int applier_snapshot_read(struct env *env, const char *path, uint64_t group, log_index index,
                          bool *was_durable, struct slice *state);

#endif
