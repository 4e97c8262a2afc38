/*
 * Making a directory that is still there after a power cut.
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

#endif
