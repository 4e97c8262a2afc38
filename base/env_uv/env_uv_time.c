/*
 * Timers and deferred tasks of the libuv environment.
 *
 * All timers share one heap and one uv_timer. Invariants: while the heap holds a timer, `wake` is
 * active and due no later than it, or `spin` is active; while a task is queued outside of step 3,
 * `spin` is active. So the poll never sleeps over something. The same holds for tasks that yielded.
 */
#include <utlist.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

struct env_timer {
    struct timer_entry entry; /* first: the heap gives it back */
    struct env *env;
    void (*fire)(void *arg);
    void *arg;
};

/* ---- The loop's side ---- */

static void spun(uv_idle_t *handle) {
    (void)handle;
}

void env_uv_spin(struct env *env) {
    uv_idle_start(&env->spin, spun);
}

/* Runs before the poll. The timers fire behind it, so the poll must not block. */
static void time_woken(uv_timer_t *handle) {
    env_uv_spin(handle->data);
}

void env_uv_time_init(struct env *env) {
    timer_heap_init(&env->timers);
    uv_timer_init(&env->loop, &env->wake);
    env->wake.data = env;
}

static void wake_closed(uv_handle_t *handle) {
    struct env *env = handle->data;
    env->ending--;
}

void env_uv_time_close(struct env *env) {
    CHECK(env->timers.count == 0);
    timer_heap_close(&env->timers);
    env->ending++;
    uv_close((uv_handle_t *)&env->wake, wake_closed);
}

void env_uv_time_arm(struct env *env) {
    struct timer_entry *first = timer_heap_first(&env->timers);
    bool active = uv_is_active((uv_handle_t *)&env->wake);
    if (first == NULL) {
        if (active) uv_timer_stop(&env->wake);
        return;
    }
    /* Waking early costs less than moving it each time. */
    if (active && env->wake_at_ms <= first->at_ms) return;
    uint64_t now_ms = uv_now(&env->loop);
    uv_timer_start(&env->wake, time_woken, first->at_ms > now_ms ? first->at_ms - now_ms : 0, 0);
    env->wake_at_ms = first->at_ms;
}

void env_uv_time_fire(struct env *env) {
    if (env->timers.count == 0) return;
    uint64_t now_ms = env_now_ms(env);
    struct timer_entry *first;
    env->earliest_ms = now_ms + 1; /* a timer that starts itself anew waits for the next turn */
    while ((first = timer_heap_first(&env->timers)) != NULL && first->at_ms <= now_ms) {
        struct env_timer *timer = (struct env_timer *)first;
        timer_heap_remove(&env->timers, first);
        timer->fire(timer->arg);
    }
    env->earliest_ms = 0;
}

static void time_append(struct env_task **queue, struct env_task *task) {
    task->queued = true;
    DL_APPEND(*queue, task);
}

static struct env_task *take_first(struct env_task **queue) {
    struct env_task *task = *queue;
    DL_DELETE(*queue, task);
    task->queued = false;
    return task;
}

void env_uv_time_run_tasks(struct env *env) {
    env->in_tasks = true;
    while (env->tasks != NULL) {
        struct env_task *task = take_first(&env->tasks);
        task->run(task);
    }
    env->in_tasks = false;
}

/* Those that wait when it begins, each once: what yields again has its turn behind the others. */
static void run_yielded(struct env *env, struct yielded *yielded) {
    bool one = true;
    if (yielded->count > 0) env_uv_turn_has_more(env, YIELDED_US);
    for (unsigned left = yielded->count;
         left > 0 && yielded->count > 0 && (one || !env_turn_is_long(env)); left--) {
        yielded->count--;
        struct env_task *task = take_first(&yielded->tasks);
        task->run(task);
        one = false;
    }
}

void env_uv_time_run_later(struct env *env) {
    env->in_tasks = true;
    run_yielded(env, &env->first);
    run_yielded(env, &env->later);
    env->in_tasks = false;
}

bool env_uv_time_has_yielded(const struct env *env) {
    return env->first.count + env->later.count > 0;
}

/* ---- Timers ---- */

struct env_timer *env_timer_new(struct env *env, void (*fire)(void *arg), void *arg) {
    struct env_timer *timer = mem_alloc(sizeof *timer);
    *timer = (struct env_timer){.env = env, .fire = fire, .arg = arg};
    env_uv_own(env);
    return timer;
}

void env_timer_start_at(struct env_timer *timer, uint64_t at_us) {
    struct env *env = timer->env;
    uint64_t at_ms = at_us / 1000 + (at_us % 1000 == 0 ? 0 : 1);
    if (at_ms < env->earliest_ms) at_ms = env->earliest_ms;
    timer_heap_set(&env->timers, &timer->entry, at_ms);
    env_uv_time_arm(env);
}

void env_timer_start(struct env_timer *timer, uint64_t delay_us) {
    uint64_t now_us = env_now_us(timer->env);
    env_timer_start_at(timer, delay_us > UINT64_MAX - now_us ? UINT64_MAX : now_us + delay_us);
}

void env_timer_stop(struct env_timer *timer) {
    timer_heap_remove(&timer->env->timers, &timer->entry);
    env_uv_time_arm(timer->env);
}

void env_timer_free(struct env_timer *timer) {
    if (timer == NULL) return;
    env_timer_stop(timer);
    env_uv_disown(timer->env);
    mem_free(timer);
}

/* ---- Deferred tasks ---- */

void env_defer(struct env *env, struct env_task *task) {
    if (task->queued) return;
    task->yielded = false;
    time_append(&env->tasks, task);
    if (!env->in_tasks) env_uv_spin(env);
}

static struct yielded *yielded_with(struct env *env, const struct env_task *task) {
    return task->goes_first ? &env->first : &env->later;
}

static void time_yield(struct env *env, struct env_task *task, bool goes_first) {
    if (task->queued) return;
    task->yielded = true;
    task->goes_first = goes_first;
    struct yielded *yielded = yielded_with(env, task);
    time_append(&yielded->tasks, task);
    yielded->count++;
    env_uv_spin(env);
}

void env_yield(struct env *env, struct env_task *task) {
    time_yield(env, task, false);
}

void env_yield_first(struct env *env, struct env_task *task) {
    time_yield(env, task, true);
}

void env_defer_cancel(struct env *env, struct env_task *task) {
    if (!task->queued) return;
    struct yielded *yielded = task->yielded ? yielded_with(env, task) : NULL;
    struct env_task **queue = yielded != NULL ? &yielded->tasks : &env->tasks;
    DL_DELETE(*queue, task);
    if (yielded != NULL) yielded->count--;
    task->queued = false;
}
