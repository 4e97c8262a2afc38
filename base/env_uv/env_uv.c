/*
 * The real environment: made, run, ended; the order of a turn. The floors below are in
 * env_uv_internal.h.
 *
 * Turn order on libuv: the poll delivers bytes, jobs and connections (step 1); then the check
 * handle fires the timers that are due (2), and runs deferred tasks (3). libuv's own timers run
 * before the poll, so one of them only makes the poll end in time. Writes that the kernel took at
 * once are reported behind the tasks, and tasks which those reports defer still run in the same
 * turn; what they write is reported in the next, so that one stream that takes everything cannot
 * keep the loop to itself.
 *
 * Failures: env_uv_new undoes what it began. Invariant: env_uv_free is true only if nothing is left
 * of what callers got.
 */
#include "base/env_uv/env_uv.h"

#include <signal.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

static void turn_end(uv_check_t *handle) {
    struct env *env = handle->data;
    env_running(env, "timers");
    env_uv_time_fire(env);
    env_running(env, "tasks");
    env_uv_time_run_tasks(env);
    env_uv_time_run_later(env);
    env_uv_time_run_tasks(env);
    env_running(env, "writes");
    if (env_uv_report_writes(env)) env_uv_time_run_tasks(env);
    uv_idle_stop(&env->spin);
    bool held = env_uv_streams_resume(env);
    if (env->reports != NULL || env_uv_time_has_yielded(env) || held) env_uv_spin(env);
    env_uv_time_arm(env);
    env_uv_turn_ended(env);
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
    int error = env_uv_hangups_init(env);
    if (error == ERR_NONE && (error = env_uv_jobs_init(env)) != ERR_NONE) env_uv_hangups_close(env);
    if (error != ERR_NONE) {
        uv_run(&env->loop, UV_RUN_DEFAULT); /* closes what is closing */
        status = uv_loop_close(&env->loop);
        CHECK(status == 0);
        mem_free(env);
        return error;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file above the size limit of the process: write says EFBIG */
    env->loop.data = env;
    env->reports_end = &env->reports;
    TAILQ_INIT(&env->held);
    env->watch.running = env->watch.stretch = "start";
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

/* ---- The end ---- */

static void handle_closed(uv_handle_t *handle) {
    struct env *env = handle->loop->data;
    env->ending--;
}

bool env_uv_free(struct env *env) {
    env_uv_signals_close(env);
    while (env->ending > 0 || env->reports != NULL)
        uv_run(&env->loop, UV_RUN_ONCE);
    bool clean = atomic_load(&env->owned) == 0 && env->tasks == NULL &&
                 !env_uv_time_has_yielded(env);
    if (!clean) return false; /* the memory stays: somebody still points into it */

    env_uv_jobs_close(env);
    env_uv_hangups_close(env);
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
