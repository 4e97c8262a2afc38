/* The real environment, on libuv. The only header of it: make it, run it, stop it. */
#ifndef BASE_ENV_UV_H
#define BASE_ENV_UV_H

#include "base/env.h"

/* `log_fd`: where log lines go (2: stderr). Ignores SIGPIPE. */
int env_uv_new(struct env **env, int log_fd);
/* Runs until env_uv_stop, or until nothing is left that could happen. */
void env_uv_run(struct env *env);
void env_uv_stop(struct env *env); /* from a callback */
/* Calls `caught` on the loop for each of the signals (SIGTERM, SIGINT, ...). */
void env_uv_on_signal(struct env *env, int signal, void (*caught)(void *arg, int signal), void *arg);
/* True if every handle, job and write was closed or finished: nothing leaked. Frees the environment. */
bool env_uv_free(struct env *env);

#endif
