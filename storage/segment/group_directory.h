/*
 * The directory of a group: made with its first segment, and holding, beside segments and
 * snapshots, the file `name` with the group's label, for people and for `draved log`.
 *
 * All calls block: they belong into jobs. Failures: whatever making a directory or a file gives
 * (ERR_NO_SPACE, ERR_LIMIT, ERR_IO, ...); making it again is harmless. Nothing here is synced: a
 * power cut may leave the label empty, then it is written again.
 */
#ifndef STORAGE_SEGMENT_GROUP_DIRECTORY_H
#define STORAGE_SEGMENT_GROUP_DIRECTORY_H

#include <stdbool.h>

#include "base/env.h"

/* Is it there, with this label? When in doubt: no. */
bool group_directory_is_made(struct env *env, const char *path, const char *label);
int group_directory_make(struct env *env, const char *path, const char *label);

/* What is put aside is called so, behind its own name: nobody needs it any more, and what a crash
 * leaves of it is removed at the next start. */
#define GROUP_DIRECTORY_ASIDE ".deleted"
/* *aside: the new name, for the caller to free, and NULL on failure. ERR_NOT_FOUND: there is none.
 * The directory above is to be synced. */
int group_directory_put_aside(struct env *env, const char *path, char **aside);

#endif
