/* The real environment, on libuv. The only header of it: make it, run it, stop it. */
#ifndef BASE_ENV_UV_ENV_UV_H
#define BASE_ENV_UV_ENV_UV_H

#include "base/env.h"
#include "base/measure/buckets.h"

/* `log_fd`: where log lines go (2: stderr). Ignores SIGPIPE. */
int env_uv_new(struct env **env, int log_fd);
/* Runs until env_uv_stop, or until nothing is left that could happen. */
void env_uv_run(struct env *env);
void env_uv_stop(struct env *env); /* from a callback */
/* Calls `caught` on the loop for each of the signals (SIGTERM, SIGINT, ...). */
void env_uv_on_signal(struct env *env, int signal, void (*caught)(void *arg, int signal),
                      void *arg);
/* From now on measures each turn of the loop: one that takes so much processor time or more is told
 * on the log, with what ran. */
void env_uv_watch_turns(struct env *env, uint64_t warn_us);
/* The longest turn since, and what ran in it. */
uint64_t env_uv_longest_turn_us(const struct env *env, const char **what);
/* All turns that were measured: processor time in microseconds, of bounds_latency. */
const struct buckets *env_uv_turns(const struct env *env);
/* True if every handle, job and write was closed or finished: nothing leaked. Frees the
 * environment. */
bool env_uv_free(struct env *env);

/* ---- Several loops in one process ---- */

/* `woken` runs on the loop of `env` soon after env_uv_wake_up, once for any number of these. It
 * keeps no loop running. */
struct env_uv_wake;
struct env_uv_wake *env_uv_wake_new(struct env *env, void (*woken)(void *arg), void *arg);
void env_uv_wake_up(struct env_uv_wake *wake);   /* on any thread, until it is freed */
void env_uv_wake_free(struct env_uv_wake *wake); /* NULL does nothing */

/* A thread with an environment of its own, on which nothing but that thread works. */
struct env_uv_thread_work {
    int (*begin)(void *arg, struct env *env); /* an error ends the thread */
    void (*end)(void *arg); /* closes what `begin` made; what it began ends by itself */
    void *arg;
};
struct env_uv_thread;
/* Returns when `begin` did, with its error, or one of the system's. */
int env_uv_thread_start(const char *name, int log_fd, const struct env_uv_thread_work *work,
                        struct env_uv_thread **thread);
/* False: something was left of it. NULL does nothing. */
bool env_uv_thread_end(struct env_uv_thread *thread);

#endif
