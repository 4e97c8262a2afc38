/* The real environment, on libuv. The only header of it: make it, run it, stop it. */
#ifndef BASE_ENV_UV_ENV_UV_H
#define BASE_ENV_UV_ENV_UV_H

#include "base/env.h"

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
/* True if every handle, job and write was closed or finished: nothing leaked. Frees the
 * environment. */
bool env_uv_free(struct env *env);

#endif
