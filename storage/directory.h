/*
 * Making a directory, or a small file, that is still there after a power cut.
 *
 * A name is durable when the directory that holds it is synced. One that exists already may have
 * been made by a process that was killed before it synced, so it is synced in either case.
 */
#ifndef STORAGE_DIRECTORY_H
#define STORAGE_DIRECTORY_H

#include "base/env.h"

/* Makes the directory `path` if it is missing; its name is durable on return. ERR_NOT_FOUND: what
 * should hold it is missing; ERR_DENIED, ERR_NO_SPACE, ERR_IO. */
int directory_make(struct env *env, const char *path);
/* Puts the file `path`, which lies in `directory`, in the place of what has that name: whole and
 * durable on return, and after a crash either the old one or the new one. It is written as
 * "<path>.new", which an earlier try may have left. Any error of a file. */
int directory_put_file(struct env *env, const char *directory, const char *path, const void *bytes,
                       size_t len);

#endif
