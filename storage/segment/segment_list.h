/*
 * Which segments a directory has.
 *
 * Happy path: the base offsets, ascending, out of the names of the files; those of which a cleaning
 * has left an unfinished file, and those that were being mended; other files are not looked at.
 * Failures: what the disk says (ERR_NOT_FOUND: there is no such directory), and then the lists are
 * empty. On any thread.
 */
#ifndef STORAGE_SEGMENT_SEGMENT_LIST_H
#define STORAGE_SEGMENT_SEGMENT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"

struct segment_bases {
    int64_t *bases; /* for mem_free; NULL: none */
    size_t count, capacity;
};

/* `unfinished` and `mends` may be NULL. */
int segment_list(struct env *env, const char *path, struct segment_bases *segments,
                 struct segment_bases *unfinished, struct segment_bases *mends);

#endif
