/*
 * One write into the active segment of a log, step by step: entries, then, where they are to be
 * synced, the segment's file, its index and the directories.
 *
 * Happy path: who makes the write fills what is to be done; segment_write_run does it, blocking, on
 * the thread of a job; who made it takes the positions over.
 * Failures: the first step that fails ends it, and `step` says which: the whole may be run again
 * when only opening something failed, or the disk was full before the sync. After a sync that
 * failed nothing on disk can be believed.
 * Invariants: the steps are in the order of enum segment_write_step; the index tells nothing that
 * is not synced in the segment; the directory is synced last, and an old index of the same name is
 * gone with it.
 */
#ifndef STORAGE_SEGMENT_SEGMENT_WRITE_H
#define STORAGE_SEGMENT_SEGMENT_WRITE_H

#include "storage/entry.h"
#include "storage/segment/segment.h"

enum segment_write_step {
    STEP_MAKE_DIRECTORY,
    STEP_OPEN,
    STEP_WRITE,
    STEP_SYNC,
    STEP_INDEX,
    STEP_DIRECTORY
};

/* What is to be done. Whoever fills it owns all that it points to. */
struct segment_write {
    struct env *env;
    struct segment *segment; /* held */
    struct entry **entries;
    size_t count;
    uint64_t position; /* where the entries go */
    size_t padding;    /* zeros behind them: the rest of a block that is synced */
    bool make_directory, create, sync, sync_group_directory, sync_parent_directory;
    struct env_file *file; /* NULL: to be opened */
    bool opened;           /* `file`, by this write; else it is the segment's */
    char *path, *index_path;
    const char *group_path, *groups_path, *label;
    uint8_t *index_bytes; /* NULL: nothing to say that is new */
    size_t index_len;
    uint64_t index_position;
    int error;
    enum segment_write_step step; /* at which it happened */
};

void segment_write_run(struct segment_write *write);
/* For "cannot STEP PATH": "open", "sync the directory of", ... */
const char *segment_write_step_name(const struct segment_write *write);
/* Whether the error came from a sync: what it should have brought to the disk may be lost. */
bool segment_write_failed_to_sync(const struct segment_write *write);

#endif
