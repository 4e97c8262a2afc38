/*
 * A segment that is written again, entry by entry, under the name of an unfinished one
 * (`<base>.clean`), in the format of what was cleaned (segment_format.h): entries may be missing.
 *
 *   begin -> add, add, ... -> finish: the header, which says how far it goes, is written; synced
 *
 * Blocks: for jobs. Happy path: when finish has returned ERR_NONE the file is whole and durable,
 * and `index` is what its index file is to say. Failures: what the disk says; a sync that fails
 * other than for want of room sets `sync_failed` (pages that found their place late: only this file
 * is without them, but nothing on the disk can be believed), and the process has to end. Invariant:
 * an entry goes on where the one before it ended, and lies within what the header covers
 * (segment_index_takes): the caller has looked.
 */
#ifndef STORAGE_CLEAN_SEGMENT_OUTPUT_H
#define STORAGE_CLEAN_SEGMENT_OUTPUT_H

#include "storage/segment/segment_index.h"

/* All zero: none is under way. */
struct segment_output {
    struct segment_index index; /* its header: generation, last index and so on may change until
                                   finish */
    struct env_file *file;      /* NULL: not open */
    char *path;                 /* NULL: there is no file of ours */
    bool sync_failed;
    uint8_t *pending; /* bytes that belong before index.end.position */
    size_t pending_len, pending_room;
};

/* What an earlier try left under that name is cut. */
int segment_output_begin(struct segment_output *output, struct env *env, const char *group_path,
                         const struct segment_header *header, uint64_t interval_bytes);
int segment_output_add(struct segment_output *output, const struct entry *entry);
/* `index` is the caller's then. */
int segment_output_finish(struct segment_output *output);
/* One that is not finished is closed, and its file stays: *unfinished is its base offset; -1: there
 * is none. Twice is harmless. */
void segment_output_close(struct segment_output *output, kafka_offset *unfinished);

#endif
