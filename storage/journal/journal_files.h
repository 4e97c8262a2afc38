/*
 * The files of the journal on disk: made once, written full of zeros, then used over and over.
 *
 * Happy path: open lists the directory; recovery says which files are in use (generation) and the
 * rest is free; a writer takes a free file for a new generation and gives files back when their
 * generation is not needed any more. A new file is made ahead of time by the flusher's lane, a
 * piece at a time, so that rounds pass between the pieces.
 * Failures: a disk that is full while a file is made is reported and the beginning removed; any
 * other error then ends the process (env_fatal), but at open, which returns it.
 * Invariants: a file in `all` is on disk whole (its name and its zeros are synced); names are never
 * used for two files at once, and are reused only when the old file is gone.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_FILES_H
#define STORAGE_JOURNAL_JOURNAL_FILES_H

#include "base/env.h"

enum { JOURNAL_FILE_NUMBER_MAX = 99999999 };

struct journal_file {
    struct env_file *file;
    uint32_t number;     /* in its name */
    uint64_t size;       /* bytes */
    uint64_t generation; /* that it holds; 0: free */
    bool used;           /* it held one before */
};

struct journal_files {
    struct env *env;
    char *path;
    uint64_t file_bytes;
    struct journal_file **all; /* ascending numbers */
    size_t count, capacity;
    uint64_t free_bytes, live_bytes; /* of free files, of the others */
    struct journal_making *making;   /* a file that is being made or removed, or NULL */
    uint64_t made, reused;           /* files, over the life of this struct */
    bool stopping; /* no further piece of the file that is being made; it is removed at the next
                      open */
};

/* Opens all files of the directory for reading and (unless read_only) writing. None: the directory
 * may be missing. */
int journal_files_open(struct journal_files *files, struct env *env, const char *path,
                       uint64_t file_bytes, bool read_only, struct error_text *why);
void journal_files_close(struct journal_files *files); /* not while a file is being made */
/* For messages: path and name of a file, into 512 bytes. */
void journal_files_name(const struct journal_files *files, uint32_t number, char into[512]);

/* After recovery has set the generations: counts, and removes free files that were not made whole.
 */
int journal_files_settle(struct journal_files *files, struct error_text *why);
/* Makes a file now, blocking; it is free. */
int journal_files_make(struct journal_files *files, struct error_text *why);
/* Starts to make a file in the lane; one at a time. `made` gets ERR_NONE: it is there;
 * error_is_no_room, ERR_LIMIT; ERR_CANCELED: `stopping`. */
void journal_files_make_later(struct journal_files *files, struct env_lane *lane,
                              void (*made)(void *arg, int error), void *arg);

/* Removes a free file in the lane, while none is being made; `removed` gets ERR_NONE. One that is
 * there after a crash is free again. */
void journal_files_remove_later(struct journal_files *files, struct env_lane *lane,
                                void (*removed)(void *arg, int error), void *arg);

size_t journal_files_free(const struct journal_files *files); /* how many */
/* The largest free file becomes that of `generation`, or NULL. One that had grown counts as
 * file_bytes again: the caller cuts it. */
struct journal_file *journal_files_take(struct journal_files *files, uint64_t generation);
/* The file is used up to `bytes`, which may be more than it had. */
void journal_files_grown(struct journal_files *files, struct journal_file *file, uint64_t bytes);
/* All generations below `generation` are free; returns how many files that were. */
size_t journal_files_release(struct journal_files *files, uint64_t generation);

#endif
