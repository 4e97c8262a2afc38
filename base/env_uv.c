/*
 * The real environment: the loop, and what a process has once (log, entropy, signals).
 *
 * Turn order on libuv: the poll delivers bytes, jobs and connections (step 1); then the check handle fires the timers
 * that are due (2), and runs deferred tasks (3). libuv's own timers run before the poll, so one of them only makes the
 * poll end in time. Writes that the kernel took at once are reported behind the tasks, and tasks which those
 * reports defer still run in the same turn; what they write is reported in the next, so that one stream that takes
 * everything cannot keep the loop to itself.
 *
 * Failures: env_uv_new undoes what it began. Invariant: env_uv_free is true only if nothing is left of what callers got.
 */
#include "base/env_uv.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/env_uv_loop.h"
#include "base/mem.h"

struct env_signal {
    uv_signal_t handle;
    void (*caught)(void *arg, int signal);
    void *arg;
    struct env_signal *next;
};

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
    /* libuv's own range: the errors of name resolution begin at -3000, and none of the others reaches us */
    if (status <= -3000 && status > -4000) return ERR_NAME;
    return error_from_errno(-status);
}

static void turn_end(uv_check_t *handle) {
    struct env *env = handle->data;
    env_uv_time_fire(env);
    env_uv_time_run_tasks(env);
    if (env_uv_report_writes(env)) env_uv_time_run_tasks(env);
    uv_idle_stop(&env->spin);
    if (env->reports != NULL) env_uv_spin(env);
    env_uv_time_arm(env);
}

int env_uv_new(struct env **result, int log_fd) {
    struct env *env = mem_zalloc(sizeof *env);
    env->log_fd = log_fd;
    env->log = (struct log){.env = env, .level = LOG_INFO};
    int status = uv_loop_init(&env->loop);
    if (status != 0) {
        mem_free(env);
        return env_uv_error(status);
    }
    int error = env_uv_jobs_init(env);
    if (error != ERR_NONE) {
        status = uv_loop_close(&env->loop);
        CHECK(status == 0);
        mem_free(env);
        return error;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file above the size limit of the process: write says EFBIG */
    env->loop.data = env;
    env->reports_end = &env->reports;
    uv_check_init(&env->loop, &env->turn_end);
    uv_idle_init(&env->loop, &env->spin);
    env->turn_end.data = env;
    env->spin.data = env;
    uv_check_start(&env->turn_end, turn_end);
    uv_unref((uv_handle_t *)&env->turn_end);
    env_uv_time_init(env);
    *result = env;
    return ERR_NONE;
}

void env_uv_run(struct env *env) {
    uv_run(&env->loop, UV_RUN_DEFAULT);
}

void env_uv_stop(struct env *env) {
    uv_stop(&env->loop);
}

/* ---- Signals ---- */

static void signal_caught(uv_signal_t *handle, int number) {
    struct env_signal *entry = handle->data;
    entry->caught(entry->arg, number);
}

void env_uv_on_signal(struct env *env, int number, void (*caught)(void *arg, int signal), void *arg) {
    struct env_signal *entry = mem_zalloc(sizeof *entry);
    entry->caught = caught;
    entry->arg = arg;
    entry->next = env->signals;
    env->signals = entry;
    int status = uv_signal_init(&env->loop, &entry->handle);
    CHECK(status == 0);
    entry->handle.data = entry;
    status = uv_signal_start(&entry->handle, signal_caught, number);
    if (status != 0) env_fatal(env, "cannot catch signal %d (%s)", number, uv_strerror(status));
    uv_unref((uv_handle_t *)&entry->handle); /* waiting for a signal alone keeps no loop running */
}

static void signal_closed(uv_handle_t *handle) {
    struct env_signal *entry = handle->data;
    struct env *env = handle->loop->data;
    env->ending--;
    mem_free(entry);
}

/* ---- The end ---- */

static void handle_closed(uv_handle_t *handle) {
    struct env *env = handle->loop->data;
    env->ending--;
}

bool env_uv_free(struct env *env) {
    while (env->signals != NULL) {
        struct env_signal *entry = env->signals;
        env->signals = entry->next;
        env->ending++;
        uv_close((uv_handle_t *)&entry->handle, signal_closed);
    }
    while (env->ending > 0 || env->reports != NULL)
        uv_run(&env->loop, UV_RUN_ONCE);
    bool clean = atomic_load(&env->owned) == 0 && env->tasks.first == NULL;
    if (!clean) return false; /* the memory stays: somebody still points into it */

    env_uv_jobs_close(env);
    env_uv_time_close(env);
    env->ending += 2;
    uv_close((uv_handle_t *)&env->turn_end, handle_closed);
    uv_close((uv_handle_t *)&env->spin, handle_closed);
    while (env->ending > 0)
        uv_run(&env->loop, UV_RUN_ONCE);
    int status = uv_loop_close(&env->loop);
    CHECK(status == 0);
    mem_free(env);
    return true;
}

/* ---- Process ---- */

void env_log_line(struct env *env, const char *line) {
    struct iovec parts[2] = {{(void *)line, strlen(line)}, {"\n", 1}};
    ssize_t written;
    do
        written = writev(env->log_fd, parts, 2);
    while (written < 0 && errno == EINTR); /* any other failure: there is no other place to say it */
}

_Noreturn void env_fatal(struct env *env, const char *format, ...) {
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    struct log log = {.env = env, .level = LOG_ERROR}; /* may be called on any thread: not the environment's own */
    log_error(&log, "%s", sentence);
    _exit(1);
}

void env_random(struct env *env, void *into, size_t len) {
    unsigned char *at = into;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            env_fatal(env, "the system gives no random numbers (%s)", error_phrase(error_from_errno(errno)));
        }
        at += got;
        len -= (size_t)got;
    }
}

uint64_t env_random_u64(struct env *env) {
    uint64_t number;
    env_random(env, &number, sizeof number);
    return number;
}
