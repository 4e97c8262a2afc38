/*
 * A loop with a temporary folder, for tests of what needs an environment.
 *
 * loop_run ends when the test calls loop_done; a test that never does fails after 20 s. loop_close
 * asserts that nothing leaked.
 */
#ifndef TESTS_UNIT_BASE_FIXTURE_LOOP_H
#define TESTS_UNIT_BASE_FIXTURE_LOOP_H

#include "base/env_uv/env_uv.h"

struct loop {
    struct env *env;
    char folder[64]; /* empty at first; removed with what is in it */
    char path[128];  /* of the last loop_path */
    int log_read;    /* the lines of the log can be read here */
    int log_write;
};

void loop_open(struct loop *loop);
void loop_close(struct loop *loop);
void loop_run(struct loop *loop);
void loop_done(struct loop *loop);
/* "<folder>/<name>"; valid until the next call. */
const char *loop_path(struct loop *loop, const char *name);
/* What was logged so far, as one text; valid until the next call. */
const char *loop_log(struct loop *loop, char *into, unsigned long size);

#endif
