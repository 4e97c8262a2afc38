/*
 * The segment files of a log when it is opened: which there are, which of them stay, what the
 * others tell.
 *
 * Happy path: list; keep, which takes all up to the progress of the journal into the log, each with
 * its index; look behind, which finds the last valid entry that was never known to be synced: it
 * was committed, so the journal has it. Failures: ERR_CORRUPT with the file and what to do where
 * the files and the journal contradict each other (the table of partition_log_recovery.c); what the
 * disk says. Each with a sentence in `why`. Invariants: nothing is changed on disk but an index
 * that was scanned; segments are kept in order, each beginning where the one before it ended.
 * Called while the log is opened, on any thread.
 */
#ifndef STORAGE_LOG_RECOVERED_SEGMENTS_H
#define STORAGE_LOG_RECOVERED_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/log_types.h"

struct partition_log;
struct journal_group;

struct recovered_segments {
    struct partition_log *log;
    const struct journal_group *journal; /* NULL: it never heard of the group */
    int64_t *bases;                      /* base offsets of the files, ascending; the owner's */
    size_t below;                        /* so many, before them, lie below the log's start */
    int64_t *all_bases;                  /* `bases` with those; the owner's */
    size_t count;
    bool no_directory;
    size_t kept;              /* so many of them stay; the last of those is active */
    log_index unsynced_index; /* the largest one of a valid entry behind the progress; 0: none */
    struct error_text *why;
};

/* Where the log begins, as `start` says. */
int recovered_segments_start(struct recovered_segments *found);
int recovered_segments_list(struct recovered_segments *found);
int recovered_segments_keep(struct recovered_segments *found);
int recovered_segments_look_behind(struct recovered_segments *found);

#endif
