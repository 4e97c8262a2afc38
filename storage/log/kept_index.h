/*
 * The indexes of the segments that stay, when a log is opened: read, compared with what else is
 * known, saved.
 *
 * Happy path: the index file is believed as far as it goes, and what it lacks is scanned. One that
 * contradicts the segment, the journal, the name of the next segment or the terms before it was
 * written for other blocks, and the segment is scanned without it. What was scanned goes to the
 * file, without a sync, where it was worth it, so that the next start need not do it again.
 * Failures: what the disk says; one that is full is no reason not to open a log, and the index
 * stays as it is. Called while the log is opened, on any thread.
 */
#ifndef STORAGE_LOG_KEPT_INDEX_H
#define STORAGE_LOG_KEPT_INDEX_H

#include "base/env.h"
#include "storage/log_types.h"
#include "storage/segment/segment_index.h"

struct partition_log;

struct kept_segment {
    struct env_file *file;
    struct segment_header header;
    uint64_t limit; /* so much of the file stays */
    bool active;
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
/* Saves what was scanned of the active segment, if it was much. What its file has of another life
 * was cut before. */
int kept_index_save_active(struct partition_log *log, struct error_text *why);

#endif
