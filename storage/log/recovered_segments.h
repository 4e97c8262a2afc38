/*
 * The segment files of a log when it is opened: which there are, which of them stay, what the
 * others tell.
 *
 * Happy path: list; keep, which takes all up to the progress of the journal into the log, each with
 * its index; look behind, which finds the last valid entry that was never known to be synced: it
 * was committed, so the journal has it; cut, which removes what was never synced. Failures:
 * ERR_CORRUPT with the file and what to do where the files and the journal contradict each other
 * (the table of partition_log_recovery.c); what the disk says. Each with a sentence in `why`.
 * Invariants: before the cut nothing is changed on disk but an index that was scanned; segments are
 * kept in order, each beginning where the one before it ended. One that begins inside of a cleaned
 * one before it was merged into that, and a crash came before it was removed: it is not kept.
 * Called while the log is opened, on any thread.
 */
#ifndef STORAGE_LOG_RECOVERED_SEGMENTS_H
#define STORAGE_LOG_RECOVERED_SEGMENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/heal/wound.h"
#include "storage/log_types.h"
#include "storage/segment/segment_index.h"
#include "storage/segment/segment_list.h"

struct partition_log;
struct journal_group;

struct recovered_segments {
    struct partition_log *log;
    const struct journal_group *journal; /* NULL: it never heard of the group */
    int64_t *bases;                      /* base offsets of the files, ascending */
    size_t count;
    /* Files that are not of the log any more: below its start, or merged into others; and what
     * cleanings have left unfinished. For recovered_segments_close, as `all`. */
    struct segment_bases leftovers, unfinished;
    struct segment_bases mends; /* segments that were being mended */
    struct segment_bases all;   /* in which `bases` lies */
    bool no_directory;
    size_t kept;             /* so many of them stay; the last of those may be active */
    bool start_noted;        /* the term of the last entry that is gone is in the table */
    const atomic_bool *stop; /* set: nobody wants it any more, ERR_CANCELED; NULL: nobody sets it */
    log_index unsynced_index; /* the largest one of a valid entry behind the progress; 0: none */
    bool wounded; /* `wound` is what a start has to read, and cannot: another replica has it */
    struct wound wound;
    struct error_text *why;
};

/* Where the log begins, as `start` says. */
int recovered_segments_start(struct recovered_segments *found);
int recovered_segments_list(struct recovered_segments *found);
/* What was being mended when a crash came is written to its end. `sync_failed`: as below. */
int recovered_segments_mend(struct recovered_segments *found, bool *sync_failed);
int recovered_segments_keep(struct recovered_segments *found);
int recovered_segments_look_behind(struct recovered_segments *found);
/* What leftovers were replaced by is durable then, and they may be removed; and what was written
 * behind the last synced position goes: nobody was promised it, and what stays
 * must not follow it. `sync_failed` is set if a sync failed: another one may say that it is done
 * when it is not, so the process has to end. Repeating it later is harmless, but for that. */
int recovered_segments_cut(struct recovered_segments *found, bool *sync_failed);
void recovered_segments_close(struct recovered_segments *found);

/* ---- kept_index.c: the indexes of the segments that stay ----
 *
 * An index file is believed as far as it goes, and what it lacks is scanned. One that contradicts
 * the segment, the journal, the name of the next segment or the terms before it was written for
 * other blocks, and the segment is scanned without it. What was scanned goes to the file, without a
 * sync, where it was worth it, so that the next start need not do it again. Failures: what the disk
 * says; one that is full is no reason not to open a log, and the index stays as it is. */

struct kept_segment {
    struct env_file *file;
    struct segment_header header;
    uint64_t limit; /* so much of the file stays */
    bool active;
    bool header_damaged;     /* `header` is what that must say */
    log_index last_index;    /* in it, as the journal says; 0: it does not */
    kafka_offset end_offset; /* as the name of the next segment says; -1: it does not */
};

/* *index is the caller's; that of the active segment has its points. A sealed segment's is saved.
 * ERR_CORRUPT: *damaged_at is where in the segment. */
int kept_index_read(const struct partition_log *log, const struct kept_segment *kept,
                    const char *index_path, struct segment_index **index, uint64_t *damaged_at);
/* Terms and changes go into the log's tables, behind those of the segments before; false: they do
 * not fit, and nothing was taken. */
bool kept_index_take_tables(struct partition_log *log, const struct segment_index *index);
/* The term of the last entry that is gone, which may be in no file, goes into the table before
 * those of the segments behind it. Once; false: it does not fit. */
bool kept_index_take_start(struct recovered_segments *found);
/* Saves what was scanned of the active segment, if it was much. What its file has of another life
 * was cut before. */
int kept_index_save_active(struct partition_log *log, struct error_text *why);

#endif
