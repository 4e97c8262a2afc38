/*
 * The applier's state, kept beside the segments: `<raft index, 20 digits>.snapshot`, so that a
 * start replays little.
 *
 * Happy path: when a segment was sealed the state after the last applied entry is written to a new
 * file, synced and renamed, in the write-behind lane; the two newest stay. It is written when that
 * entry is durable in this log: so at the next start the newest one that is whole and not above the
 * log's end is used, and all up to it is committed. (Of the older format only one that is not above
 * the commit index that recovery knows: it may describe entries that this replica lost.)
 * Failures: a file that is torn or of another group is passed over; a full
 * disk costs the snapshot; any other error of writing ends the process.
 *
 * File: u32 "DRSS", u32 format, u64 group, u64 index, u32 length, u32 CRC-32C of the bytes before
 * it and of the state; the state.
 */
#ifndef STORAGE_LOG_APPLIER_SNAPSHOT_H
#define STORAGE_LOG_APPLIER_SNAPSHOT_H

#include "base/buffer.h"
#include "base/env.h"
#include "storage/log_types.h"

struct partition_log;

/* Asks for the state, and writes it as soon as what it describes is durable; forgets all but the
 * two newest. Nothing while one waits for that. */
void applier_snapshot_keep(struct partition_log *log);
/* More of the log is durable. */
void applier_snapshot_durable(struct partition_log *log);

/* Which ones are usable when a log is opened. */
struct snapshot_limits {
    log_index committed; /* as far as recovery knows, and: */
    log_index last;      /* of the log */
};
/* The newest usable one: false if there is none. `state` is the caller's. Blocks: part of the look
 * at a log that is opened. */
bool applier_snapshot_find(struct env *env, const char *group_path, uint64_t group,
                           const struct snapshot_limits *limits, log_index *index,
                           struct slice *state);
/* Reads and checks one file; *was_durable: what it describes was, when it was written. `state` is
 * the caller's. ERR_MALFORMED, ERR_CORRUPT, ERR_VERSION, ERR_NOT_FOUND, ERR_IO. */
int applier_snapshot_read(struct env *env, const char *path, uint64_t group, log_index index,
                          bool *was_durable, struct slice *state);

#endif
