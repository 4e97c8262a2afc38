/*
 * The applier's state, kept beside the segments: `<raft index, 20 digits>.snapshot`, so that a
 * start replays little (state_files.h).
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
 * Over all logs no more lies behind the states than half of what the journal may hold, but for what
 * was not synced yet, and a 2,048th for each log: where there are many each is asked earlier. So a
 * start takes no longer for having more. Failures: a file that is torn or of another group is
 * passed over; a full disk, or an owner who has no state to give, costs the snapshot, and what it
 * was for counts on: it is asked for again; any other error of writing ends the process.
 * Invariants: one is asked for or waits at a time, for each log; a file is the state behind exactly
 * the entries up to its index.
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
    uint64_t log_bytes;  /* of the log, when it was asked for */
};

/* So many bytes of log more lie behind the last state of this log. */
void applier_snapshot_wrote(struct partition_log *log, uint64_t bytes);
/* They, and those that were there before: none goes before a state that was asked for behind them
 * is on the disk. */
uint64_t applier_snapshot_unsaved(const struct partition_log *log);
/* Of them those behind the one that was asked for last. */
uint64_t applier_snapshot_unasked(const struct partition_log *log);
/* The log was opened: what lies behind its state, by whole segments. */
void applier_snapshot_opened(struct partition_log *log);
/* Whether the state is to be kept now that the log was written, and synced: not only when a segment
 * is sealed, because what lies behind it the next start applies again, and segments are large. */
bool applier_snapshot_is_due(const struct partition_log *log);
/* Asks the log's owner for the state (partition_log_on_seal), which comes when it comes
 * (partition_log_keep); it is written as soon as what it describes is durable, and all but the two
 * newest are forgotten. Nothing while one is asked for, or waits for that. */
void applier_snapshot_keep(struct partition_log *log);
/* The newest one, or its copy, is damaged on the disk: it counts no more, and another one takes its
 * place as soon as the owner gives it. */
void applier_snapshot_renew(struct partition_log *log, bool copy);
/* More of the log is durable. */
void applier_snapshot_durable(struct partition_log *log);
/* Another log takes this one's place: what waits is not written, and what was asked for is dropped
 * when it comes. */
void applier_snapshot_forget(struct partition_log *log);
/* The log is closed: none comes, and one that waits is not written. */
void applier_snapshot_close(struct partition_log *log);

#endif
