/*
 * The files of a staged directory (staged_directory.h) on their way in: what of them is there, what
 * is missing, and bytes that are written and compared with the list.
 *
 *   look -> take_up -> put, put, ... (each block that is whole is compared; behind the last one of
 *                                     a file the next is taken up)
 *
 * Happy path: look finds out what earlier ones have left and removes what is not listed; take_up
 * stands behind the last block that is there and matches; put writes what comes next.
 * Failures: a block that does not match is wanted again from its beginning (ERR_CORRUPT); what the
 * disk says; ERR_CANCELED when `stop` was set meanwhile. An error that does not pass sets
 * `disk_failed`: nothing that is in the page cache can be believed then. A sync that failed in an
 * earlier process leaves bytes there that read well and are not on the disk: `rewrites` makes them
 * dirty again, so that the sync of this process says what it means.
 * Invariants: a file counts as whole when it is synced; nothing counts that was not compared.
 *
 * All calls block, and are made one at a time; `stop` alone may be set by anybody, at any time.
 */
#ifndef STORAGE_SEGMENT_STAGED_FILES_H
#define STORAGE_SEGMENT_STAGED_FILES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/env.h"
#include "storage/segment/prefix_files.h"

struct staged_files {
    struct env *env;
    char *path;                      /* of the directory; the owner's, as what follows: */
    const struct prefix_files *list; /* its first is the state */
    bool rewrites;                   /* what is there was left by an earlier process */
    atomic_bool stop;                /* nobody wants it any more */

    size_t at;         /* the file that comes in; list->count: all are there */
    uint64_t position; /* in it */
    bool disk_failed;
    /* Inside. */
    uint32_t crc; /* of the block so far */
    struct env_file *file;
    uint64_t unsynced;       /* bytes of it */
    uint64_t *there;         /* of each file, what the disk has of it, right or wrong */
    uint64_t missing_behind; /* of the files behind this one */
};

/* Behind it staged_files_missing is known. */
int staged_files_look(struct staged_files *files);
int staged_files_take_up(struct staged_files *files);
/* Bytes at the position, within one block. */
int staged_files_put(struct staged_files *files, struct slice bytes);
void staged_files_close(struct staged_files *files);

bool staged_files_are_whole(const struct staged_files *files);
/* Where the block at that position of the present file ends. */
uint64_t staged_files_block_end(const struct staged_files *files, uint64_t position);
/* Bytes that are still to be written where the disk has none for them. */
uint64_t staged_files_missing(const struct staged_files *files);

#endif
