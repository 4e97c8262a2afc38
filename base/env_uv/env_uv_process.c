/*
 * What a process has once: its end, its random numbers, its signals.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

struct env_signal {
    uv_signal_t handle;
    void (*caught)(void *arg, int signal);
    void *arg;
    struct env_signal *next;
};

_Noreturn void env_fatal(struct env *env, const char *format, ...) {
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    struct log log = {
        .env = env,
        .level = LOG_ERROR}; /* may be called on any thread: not the environment's own */
    log_event(&log, LOGGED_PROCESS_ENDS, "%s", sentence);
    _exit(1);
}

void env_random(struct env *env, void *into, size_t len) {
    unsigned char *at = into;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            env_fatal(env, "the system gives no random numbers (%s)",
                      error_phrase(error_from_errno(errno)));
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

/* ---- Signals ---- */

static void signal_caught(uv_signal_t *handle, int number) {
    struct env_signal *entry = handle->data;
    entry->caught(entry->arg, number);
}

void env_uv_on_signal(struct env *env, int number, void (*caught)(void *arg, int signal),
                      void *arg) {
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

void env_uv_signals_close(struct env *env) {
    while (env->signals != NULL) {
        struct env_signal *entry = env->signals;
        env->signals = entry->next;
        env->ending++;
        uv_close((uv_handle_t *)&entry->handle, signal_closed);
    }
}
