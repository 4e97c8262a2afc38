/*
 * Write-behind: brings committed entries into the active segment of their log, in big writes, off the loop.
 *
 * Happy path: a commit makes entries writable; when WRITE_BEHIND_BYTES of one log wait, or the oldest has waited for
 * WRITE_BEHIND_US, one job in the store's lane writes them with one call. Synced is only when the journal needs room, the segment
 * is full (it is sealed then) or the store is flushed; the index file follows, then journal_progress.
 * Failures: a full disk makes the job wait and begin again; any other error of write, create, sync or directory sync ends the
 * process, because the page cache cannot be believed afterwards.
 * Invariants: one job a log at a time; journal_progress comes after the sync of what it names, of the index beside it and of the
 * directory that names both files; a sealed segment takes at least one offset, because its name is its base offset.
 */
#ifndef STORAGE_WRITE_BEHIND_H
#define STORAGE_WRITE_BEHIND_H

#include "storage/log_parts.h"

enum {
    WRITE_BEHIND_BYTES = 256 << 10, /* wait for so much ... */
    WRITE_BEHIND_US = 1000000,      /* ... but no longer than this */
    WRITE_BEHIND_MAX = 4 << 20,     /* of one job */
};

void write_behind_open(struct log_store *store);
void write_behind_close(struct log_store *store); /* its logs are closed; jobs may be under way */

/* More entries of the log may be written now: starts a job, or waits for more. */
void write_behind_look(struct partition_log *log);
/* Entries up to `index` (or as far as they are writable) are to be written and synced soon. */
void write_behind_sync(struct partition_log *log, uint64_t index);
/* The log is closing: it waits for no deadline any more. */
void write_behind_forget(struct partition_log *log);

#endif
