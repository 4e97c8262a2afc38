/*
 * One segment of a log: its file, how much of it can be read, its index.
 *
 * Happy path: the last segment of a log is the active one, to which write-behind appends; all
 * before it are sealed and never change. Files are opened when they are used, and kept open while
 * the store's limit allows: the longest unused one is closed first. One with bytes that are not
 * synced is never closed; when such files leave no room, their owner is asked to sync the oldest.
 * The index of a sealed segment is loaded when somebody looks for a place.
 * Failures: opening or reading gives the caller an error; ERR_LIMIT: no file may be opened now,
 * `room` says when to try again. Nothing here writes.
 * Invariants: whoever uses `file` or `index` holds the segment (segment_hold); a dropped segment
 * lives until nobody does; a reader opens no file beyond the limit (jobs that write have files of
 * their own, as many as there are jobs).
 */
#ifndef STORAGE_SEGMENT_SEGMENT_H
#define STORAGE_SEGMENT_SEGMENT_H

#include "base/env.h"
#include "storage/segment/segment_index.h"

struct segment;

struct segment_list {
    struct segment *oldest, *newest;
};

/* The segments with open files: one set a store. */
struct segment_files {
    struct env *env;
    unsigned open, limit;
    struct segment_list idle;     /* open, synced and not held */
    struct segment_list unsynced; /* open, not held, with bytes that are not synced */
    /* It should be synced soon, so that it can be closed. */
    void (*want_sync)(void *arg, struct segment *segment);
    void (*room)(void *arg); /* perhaps a file may be opened that could not be before; nothing is
                                opened within the call */
    void *arg;
};

struct segment {
    struct segment_header header;
    char *group_path;
    struct segment_end end; /* what can be read: as far as it is written */
    uint64_t synced;        /* position up to which it is synced */
    bool active;            /* entries may still be appended: keeps its index */
    int64_t sealed_ms;      /* wall time, of one whose records have no timestamps */
    /* Of the active segment always, with points; of a sealed one NULL or loaded. */
    struct segment_index *index;
    uint64_t interval_bytes;
    struct env_file *file; /* NULL: not open */
    unsigned holders;
    struct segment_files *files;   /* NULL: dropped by its log */
    struct segment_list *list;     /* of `files`, or NULL */
    struct segment *older, *newer; /* in it */
    bool damaged;                  /* somebody has met bytes in it that are not what was written */
    struct env *replaced_in;       /* it has no name any more; NULL: it has */
    bool moving;                   /* its name is about to be another file's: it is not opened */
    uint32_t *block_crcs;          /* by somebody who gave it away (prefix_source.c); NULL */
};

/* A segment that exists on disk, or is about to be made. `index` is taken over, may be NULL. */
struct segment *segment_new(struct segment_files *files, const char *group_path,
                            const struct segment_header *header, uint64_t interval_bytes,
                            struct segment_index *index);
/* The log does not know it any more; freed when the last holder lets go. */
void segment_drop(struct segment *segment);

/* The same of one whose name is another file's by now, or nobody's: its file, if it is open, is
 * closed in the pool, because the last close of it frees all that it has. */
void segment_drop_replaced(struct segment *segment);

/* Keeps it in memory, and its file open if it is or gets open. */
void segment_hold(struct segment *segment);
void segment_let_go(struct segment *segment);
/* Opens the file if it is not; the segment is held. ERR_LIMIT (see above), ERR_NOT_FOUND, ERR_IO,
 * ... */
int segment_open_file(struct segment *segment);
/* So many open files are unsynced that whoever writes should sync at once: what it opened can then
 * be closed for others. */
bool segment_files_are_scarce(const struct segment_files *files);
/* Closes idle files, because the process may open no more: somebody else had need of one. */
void segment_files_give_back(struct segment_files *files);
/* The file was opened by somebody else (write-behind): taken over, or closed if there is one. The
 * segment is held. */
void segment_adopt_file(struct segment *segment, struct env_file *file);
/* An index that a reader loaded: taken over, or freed if there is one. */
void segment_adopt_index(struct segment *segment, struct segment_index *index);
/* Its path; the caller's string. */
char *segment_path(const struct segment *segment, enum segment_file_kind kind);

/* Reads the index of a segment up to `limit`, scanning where the index file falls short, and all of
 * it where that contradicts the file or `index_path` is NULL; *index is the caller's. Safe inside a
 * job: touches only what is its own. ERR_CORRUPT, ERR_IO; *damaged_at (may be NULL) is where in
 * `file` then. */
int segment_index_read(struct env *env, struct env_file *file, const char *index_path,
                       const struct segment_header *header, uint64_t limit, uint64_t interval_bytes,
                       bool with_points, struct segment_index **index, uint64_t *damaged_at);
void segment_index_free(struct segment_index *index); /* NULL does nothing */

#endif
