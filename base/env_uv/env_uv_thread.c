/*
 * A second environment on a thread of its own, and waking a loop from another thread.
 *
 * Happy path: the thread makes its environment, calls `begin` on it, runs it until it is told to
 * end, calls `end`, and frees it. Failures: an environment that cannot be made, or whose `begin`
 * fails, ends the thread, and the start returns that error. Invariant: nothing of one environment
 * is touched on the thread of the other but env_uv_wake_up.
 */
#include <string.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

/* ---- Wakes ---- */

struct env_uv_wake {
    uv_async_t async;
    void (*woken)(void *arg);
    void *arg;
};

static void wake_happened(uv_async_t *async) {
    struct env_uv_wake *wake = async->data;
    if (wake->woken != NULL) wake->woken(wake->arg);
}

struct env_uv_wake *env_uv_wake_new(struct env *env, void (*woken)(void *arg), void *arg) {
    struct env_uv_wake *wake = mem_zalloc(sizeof *wake);
    int status = uv_async_init(&env->loop, &wake->async, wake_happened);
    if (status != 0)
        env_fatal(env, "cannot make what wakes the event loop (%s)", uv_strerror(status));
    uv_unref((uv_handle_t *)&wake->async);
    wake->async.data = wake;
    wake->woken = woken;
    wake->arg = arg;
    env_uv_own(env);
    return wake;
}

void env_uv_wake_up(struct env_uv_wake *wake) {
    uv_async_send(&wake->async);
}

static void wake_closed(uv_handle_t *handle) {
    struct env *env = handle->loop->data;
    env->ending--;
    mem_free(handle->data);
}

void env_uv_wake_free(struct env_uv_wake *wake) {
    if (wake == NULL) return;
    struct env *env = wake->async.loop->data;
    wake->woken = NULL;
    env->ending++;
    env_uv_disown(env);
    uv_close((uv_handle_t *)&wake->async, wake_closed);
}

/* ---- Threads ---- */

struct env_uv_thread {
    pthread_t thread;
    struct env_uv_thread_work work;
    int log_fd, error;
    struct env_uv_wake *stop;
    pthread_mutex_t lock;
    pthread_cond_t begun;
    bool has_begun; /* under lock */
    bool clean;
};

static void stop_loop(void *arg) {
    env_uv_stop(arg);
}

static void say_begun(struct env_uv_thread *thread, int error) {
    pthread_mutex_lock(&thread->lock);
    thread->error = error;
    thread->has_begun = true;
    pthread_cond_signal(&thread->begun);
    pthread_mutex_unlock(&thread->lock);
}

static void *thread_main(void *arg) {
    struct env_uv_thread *thread = arg;
    struct env *env;
    int error = env_uv_new(&env, thread->log_fd);
    if (error != ERR_NONE) {
        thread->clean = true;
        say_begun(thread, error);
        return NULL;
    }
    thread->stop = env_uv_wake_new(env, stop_loop, env);
    uv_ref((uv_handle_t *)&thread->stop->async); /* an idle loop is no end */
    error = thread->work.begin(thread->work.arg, env);
    say_begun(thread, error);
    if (error == ERR_NONE) {
        env_uv_run(env);
        thread->work.end(thread->work.arg);
    }
    env_uv_wake_free(thread->stop);
    thread->clean = env_uv_free(env);
    return NULL;
}

/* When it has ended. Whether nothing was left. */
static bool thread_free(struct env_uv_thread *thread) {
    pthread_join(thread->thread, NULL);
    bool clean = thread->clean;
    pthread_cond_destroy(&thread->begun);
    pthread_mutex_destroy(&thread->lock);
    mem_free(thread);
    return clean;
}

int env_uv_thread_start(const char *name, int log_fd, const struct env_uv_thread_work *work,
                        struct env_uv_thread **result) {
    struct env_uv_thread *thread = mem_zalloc(sizeof *thread);
    thread->work = *work;
    thread->log_fd = log_fd;
    pthread_mutex_init(&thread->lock, NULL);
    pthread_cond_init(&thread->begun, NULL);
    int status = pthread_create(&thread->thread, NULL, thread_main, thread);
    if (status != 0) {
        pthread_cond_destroy(&thread->begun);
        pthread_mutex_destroy(&thread->lock);
        mem_free(thread);
        return error_from_errno(status);
    }
    pthread_setname_np(thread->thread, name);
    pthread_mutex_lock(&thread->lock);
    while (!thread->has_begun)
        pthread_cond_wait(&thread->begun, &thread->lock);
    int error = thread->error;
    pthread_mutex_unlock(&thread->lock);
    if (error != ERR_NONE) {
        thread_free(thread);
        return error;
    }
    *result = thread;
    return ERR_NONE;
}

bool env_uv_thread_end(struct env_uv_thread *thread) {
    if (thread == NULL) return true;
    env_uv_wake_up(thread->stop);
    return thread_free(thread);
}
