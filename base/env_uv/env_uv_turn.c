/*
 * How long turns of the loop are, and what ran in them.
 *
 * Happy path: a turn is measured from the end of the one before, in processor time of the loop's
 * thread, so that neither waiting for events nor a busy machine counts. The code names what runs
 * (env_running); the name under which a turn ran the longest stretch is told with it.
 * Failures: none. Invariant: a stretch does not begin before the poll of its turn has ended.
 */
#include <inttypes.h>
#include <time.h>

#include "base/env_uv/env_uv_internal.h"

static uint64_t processor_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

const char *env_running(struct env *env, const char *what) {
    struct turn_watch *watch = &env->watch;
    const char *before = watch->running;
    uint64_t now_ns = uv_hrtime(), turn_ns = uv_now(&env->loop) * 1000000;
    uint64_t began_ns = watch->since_ns > turn_ns ? watch->since_ns : turn_ns;
    if (now_ns > began_ns && now_ns - began_ns > watch->stretch_ns) {
        watch->stretch_ns = now_ns - began_ns;
        watch->stretch = before;
    }
    watch->running = what;
    watch->since_ns = now_ns;
    return before;
}

/* libuv's own clock is set anew with each thousand events that it fetches within one turn. */
static uint64_t long_at_us(struct env *env) {
    struct turn_watch *watch = &env->watch;
    if (watch->long_at_us == 0)
        watch->long_at_us = uv_now(&env->loop) * 1000 + TURN_LONG_US + TURN_GRAIN_US;
    return watch->long_at_us;
}

bool env_turn_is_long(struct env *env) {
    return uv_hrtime() / 1000 >= long_at_us(env);
}

void env_uv_turn_has_more(struct env *env, uint64_t us) {
    uint64_t until_us = uv_hrtime() / 1000 + us;
    if (long_at_us(env) < until_us) env->watch.long_at_us = until_us;
}

void env_uv_watch_turns(struct env *env, uint64_t warn_us) {
    env->watch.warn_us = warn_us;
    env->watch.worst_us = 0;
    env->watch.processor_us = processor_us();
}

uint64_t env_uv_longest_turn_us(const struct env *env, const char **what) {
    *what = env->watch.worst;
    return env->watch.worst_us;
}

const struct buckets *env_uv_turns(const struct env *env) {
    return &env->watch.turns;
}

void env_uv_turn_ended(struct env *env) {
    struct turn_watch *watch = &env->watch;
    env_running(env, "events");
    if (watch->warn_us > 0) {
        uint64_t now_us = processor_us(), took_us = now_us - watch->processor_us;
        watch->processor_us = now_us;
        buckets_add(&watch->turns, &bounds_latency, took_us);
        if (took_us > watch->worst_us) {
            watch->worst_us = took_us;
            watch->worst = watch->stretch;
        }
        if (took_us >= watch->warn_us)
            log_limited(&env->log, &watch->limiter, LOGGED_LOOP_TURN_LONG,
                        "a turn of the loop took %" PRIu64 ".%" PRIu64
                        " ms of processor time (most of it: %s), in which nobody else was served",
                        took_us / 1000, took_us % 1000 / 100, watch->stretch);
    }
    watch->stretch_ns = 0;
    watch->stretch = "events";
    watch->long_at_us = 0;
}
