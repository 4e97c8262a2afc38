/*
 * Which segments a directory has.
 *
 * Happy path: the base offsets, ascending, out of the names of the files; other files are not
 * looked at. Failures: what the disk says (ERR_NOT_FOUND: there is no such directory), and then the
 * list is empty. On any thread.
 */
#ifndef STORAGE_SEGMENT_SEGMENT_LIST_H
#define STORAGE_SEGMENT_SEGMENT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"

/* `*bases` is for mem_free, NULL if there are none. */
int segment_list(struct env *env, const char *path, int64_t **bases, size_t *count);

#endif
