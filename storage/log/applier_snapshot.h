/*
 * The applier's state, kept beside the segments: `<raft index, 20 digits>.snapshot`, so that a
 * start replays little.
 *
 * Happy path: when a segment was sealed the state after the last committed entry is written to a
 * new file, synced and renamed, in the write-behind lane; the two newest stay. At the next start
 * the newest one that is whole and not above the commit index that recovery knows is used (one
 * above may describe entries that this replica lost with its last round; they are committed, so it
 * becomes usable again). Failures: a file that is torn or of another group is passed over; a full
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

/* Writes `state` (taken over) as of `index`; forgets all but the two newest. */
void applier_snapshot_save(struct partition_log *log, log_index index, struct slice state);
/* The newest usable one at or below `limit`: false if there is none. `state` is the caller's.
 * Blocks: part of the look at a log that is opened. */
bool applier_snapshot_find(struct env *env, const char *group_path, uint64_t group, uint64_t limit,
                           log_index *index, struct slice *state);
/* Reads and checks one file. ERR_MALFORMED, ERR_CORRUPT, ERR_VERSION, ERR_NOT_FOUND, ERR_IO. */
int applier_snapshot_read(struct env *env, const char *path, uint64_t group, log_index index,
                          struct slice *state);

#endif
