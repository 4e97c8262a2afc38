/*
 * The entries of some sealed segments, one after the other, for the passes of a cleaning.
 *
 * Blocks: for jobs. Opens each file by its path, one at a time: the owner holds the segments, so
 * nobody removes them. Failures: ERR_CORRUPT (`damaged_at` in the file of the present input), what
 * opening and reading say.
 */
#ifndef STORAGE_CLEAN_CLEAN_READER_H
#define STORAGE_CLEAN_CLEAN_READER_H

#include "base/env.h"
#include "protocol/record/record_batch.h"
#include "storage/segment/segment.h"
#include "storage/segment/segment_cursor.h"

/* What a job may know of a segment. */
struct clean_input {
    struct segment_header header;
    struct segment_end end;
    char *path; /* the owner's */
};

struct clean_reader {
    struct env *env;
    const struct clean_input *inputs;
    size_t count, at; /* `at`: the present one */
    struct env_file *file;
    struct segment_cursor cursor;
    int error; /* with which the present one could not be read; 0: none */
};

/* The batches of one entry, one after the other, so that a step may end between them. All zero:
 * closed. */
struct clean_batches {
    struct entry *entry; /* NULL: none is under way */
    struct slice raw;
    size_t at;
};

/* Takes over the reference in any case. An error: what the entry has in it cannot be read. */
int clean_batches_open(struct clean_batches *batches, struct entry *entry);
/* ERR_EOF behind the last one. Its bytes live until the close. */
int clean_batches_next(struct clean_batches *batches, struct record_batch *batch);
void clean_batches_close(struct clean_batches *batches); /* twice is harmless */

void clean_reader_open(struct clean_reader *reader, struct env *env,
                       const struct clean_input *inputs, size_t count);
void clean_reader_close(struct clean_reader *reader); /* twice is harmless */
/* The next entry of the present input, the caller's reference. ERR_EOF: that is through, and the
 * reader is at the next one. */
int clean_reader_next(struct clean_reader *reader, struct entry **entry);

#endif
