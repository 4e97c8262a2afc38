/*
 * What all files of the libuv environment stand on, and the log, too: the counts of the leak check,
 * the codes, the clock, the descriptor of the log. Needs no loop that runs, and may be called on
 * any thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"

void env_uv_own(struct env *env) {
    atomic_fetch_add_explicit(&env->owned, 1, memory_order_relaxed);
}

void env_uv_disown(struct env *env) {
    unsigned before = atomic_fetch_sub_explicit(&env->owned, 1, memory_order_relaxed);
    CHECK(before > 0);
}

int env_uv_error(int status) {
    CHECK(status <= 0);
    if (status == UV_EOF) return ERR_EOF;
    /* libuv's own range: the errors of name resolution begin at -3000, and none of the others
     * reaches us */
    if (status <= -3000 && status > -4000) return ERR_NAME;
    return error_from_errno(-status);
}

uint64_t env_now_us(struct env *env) {
    (void)env;
    return uv_hrtime() / 1000;
}

uint64_t env_now_ms(struct env *env) {
    return env_now_us(env) / 1000;
}

int64_t env_wall_ms(struct env *env) {
    (void)env;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / (1000 * 1000);
}

void env_log_line(struct env *env, const char *line) {
    struct iovec parts[2] = {{(void *)line, strlen(line)}, {"\n", 1}};
    ssize_t written;
    do
        written = writev(env->log_fd, parts, 2);
    /* Any other failure: there is no other place to say it. */
    while (written < 0 && errno == EINTR);
}
