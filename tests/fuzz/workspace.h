/*
 * An environment and a folder in memory, for the targets that read files. One for the whole
 * process: each input starts with no files.
 */
#ifndef TESTS_FUZZ_WORKSPACE_H
#define TESTS_FUZZ_WORKSPACE_H

#include "base/env_uv/env_uv.h"
#include "base/log.h"

struct workspace {
    struct env *env;
    struct log log; /* to nowhere */
    char path[64];
};

struct workspace *workspace_get(void);
/* Writes a file at that place in the folder; its directories are made. The path is the caller's
 * (mem_free). */
char *workspace_put(struct workspace *workspace, const char *name, const void *data, size_t len);
/* Runs what is under way to its end, and removes all files. */
void workspace_clear(struct workspace *workspace);

/* The input, cut into parts: each begins with its length in two bytes; the last has what is left.
 */
struct parts {
    const uint8_t *at;
    size_t left;
};
const uint8_t *parts_next(struct parts *parts, size_t *len);

#endif
