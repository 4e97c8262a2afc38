/*
 * Write-behind: brings committed entries into the active segment of their log, in big writes, off
 * the loop.
 *
 * Happy path: a commit makes entries writable, and the journal is their copy until there is need to
 * write them: WRITE_BEHIND_BYTES of one log, or a part of the journal over all logs, are in memory
 * only for it. One job in the store's lane then writes them with one call. Synced is when the
 * segment is full (it is sealed then), the journal wants the room of old entries, the file is
 * wanted for others (so few may be open that every write is synced then), or the store is flushed;
 * journal_progress follows. The index file is written and synced before that when the segment is
 * sealed, the store is flushed, or it would lack more than WRITE_BEHIND_INDEX_LAG; a new segment
 * has no index, whatever file of that name there was. A log that waits while a quarter of the
 * journal is in use is synced in the background, a few each second, longest first, so that the
 * journal has not to ask for all of them at once. The directory of the group and the segment's file
 * are made by the first job that needs them, so an idle log costs neither.
 * Failures: a full disk, or no more files, makes the job wait and begin again; any other error of
 * write, create, sync or directory sync ends the process, because the page cache cannot be believed
 * afterwards.
 * Invariants: one job a log at a time, and a few over all logs, because each has a file;
 * journal_progress comes after the sync of what it names and of the directory that names the file;
 * nothing is written into a block of a segment that holds synced bytes; a sealed segment takes at
 * least one offset, because its name is its base offset.
 */
#ifndef STORAGE_LOG_WRITE_BEHIND_H
#define STORAGE_LOG_WRITE_BEHIND_H

#include "storage/log/log_internal.h"
#include "storage/log_types.h"

enum {
    WRITE_BEHIND_BYTES = 256 << 10, /* of one log; less where segments are smaller */
    WRITE_BEHIND_MAX = 4 << 20,     /* of one job */
    /* Of a segment that its index file lacks at most; less where segments are smaller. */
    WRITE_BEHIND_INDEX_LAG = 256 << 10,
    WRITE_BEHIND_JOBS = 64,  /* at one time; less where few files may be open */
    WRITE_BEHIND_PACED = 50, /* logs that are synced in the background in one second */
};

void write_behind_open(struct log_store *store);
void write_behind_close(struct log_store *store); /* its logs are closed; jobs may be under way */

/* More entries of the log may be written now: starts a job, or waits for more. */
void write_behind_look(struct partition_log *log);
/* Entries up to `index` (or as far as they are writable) are to be written and synced soon. */
void write_behind_sync(struct partition_log *log, log_index index);
/* The active segment is sealed as soon as what has committed is in it, if it has a record then. */
void write_behind_roll(struct partition_log *log);
/* The log is closing: it waits for no job any more. */
void write_behind_forget(struct partition_log *log);

#endif
