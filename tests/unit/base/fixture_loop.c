/* Making, running and closing the loop of a test. */
#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void loop_open(struct loop *loop) {
    int ends[2];
    *loop = (struct loop){0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    loop->log_read = ends[0];
    loop->log_write = ends[1];
    snprintf(loop->folder, sizeof loop->folder, "/tmp/drave-unit-XXXXXX");
    assert_non_null(mkdtemp(loop->folder));
    assert_int_equal(env_uv_new(&loop->env, loop->log_write), ERR_NONE);
}

static void remove_one(void *arg, const char *name) {
    struct loop *loop = arg;
    const char *path = loop_path(loop, name);
    if (env_unlink(loop->env, path) != ERR_NONE)
        assert_int_equal(env_rmdir(loop->env, path), ERR_NONE);
}

void loop_close(struct loop *loop) {
    assert_int_equal(env_list_dir(loop->env, loop->folder, remove_one, loop), ERR_NONE);
    assert_int_equal(env_rmdir(loop->env, loop->folder), ERR_NONE);
    assert_true(env_uv_free(loop->env));
    close(loop->log_read);
    close(loop->log_write);
}

static void patience_over(void *arg) {
    (void)arg;
    fail_msg("the test did not come to its end within %d s", UNIT_PATIENCE_S);
}

void loop_run(struct loop *loop) {
    struct env_timer *patience = env_timer_new(loop->env, patience_over, loop);
    env_timer_start(patience, UNIT_PATIENCE_S * 1000 * 1000);
    env_uv_run(loop->env);
    env_timer_free(patience);
}

void loop_done(struct loop *loop) {
    env_uv_stop(loop->env);
}

const char *loop_path(struct loop *loop, const char *name) {
    snprintf(loop->path, sizeof loop->path, "%s/%s", loop->folder, name);
    return loop->path;
}

const char *loop_log(struct loop *loop, char *into, unsigned long size) {
    ssize_t len = read(loop->log_read, into, size - 1);
    into[len > 0 ? len : 0] = '\0';
    return into;
}
