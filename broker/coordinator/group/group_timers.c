/* One heap of lazy entries, one timer, and a task for what is due beyond a turn. */
#include "broker/coordinator/group/group_timers.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"

struct group_timers {
    struct env *env;
    struct timer_heap heap;
    struct env_timer *timer;
    uint64_t armed_ms; /* when the timer fires; UINT64_MAX: it is not started */
    struct env_task rest;
};

static void arm(struct group_timers *timers) {
    struct timer_entry *first = timer_heap_first(&timers->heap);
    uint64_t at_ms = first == NULL ? UINT64_MAX : first->at_ms;
    if (at_ms == timers->armed_ms) return;
    timers->armed_ms = at_ms;
    if (at_ms == UINT64_MAX)
        env_timer_stop(timers->timer);
    else
        env_timer_start_at(timers->timer, at_ms * 1000);
}

/* One entry whose time has come: put back if its deadline was moved, else told. */
static void fire_first(struct group_timers *timers, uint64_t now_ms) {
    struct group_timer *timer = CONTAINER_OF(timer_heap_first(&timers->heap), struct group_timer,
                                             entry);
    if (timer->due_ms > now_ms) {
        timer_heap_set(&timers->heap, &timer->entry, timer->due_ms);
        return;
    }
    timer_heap_remove(&timers->heap, &timer->entry);
    timer->due(timer);
}

static void fire_due(struct group_timers *timers) {
    uint64_t now_ms = env_now_ms(timers->env);
    struct timer_entry *first;
    while ((first = timer_heap_first(&timers->heap)) != NULL && first->at_ms <= now_ms) {
        fire_first(timers, now_ms);
        if (env_turn_is_long(timers->env)) {
            env_yield(timers->env, &timers->rest);
            return;
        }
    }
    arm(timers);
}

static void timer_fired(void *arg) {
    struct group_timers *timers = arg;
    timers->armed_ms = UINT64_MAX;
    fire_due(timers);
}

static void fire_rest(struct env_task *task) {
    fire_due(CONTAINER_OF(task, struct group_timers, rest));
}

struct group_timers *group_timers_new(struct env *env) {
    struct group_timers *timers = mem_zalloc(sizeof *timers);
    timers->env = env;
    timer_heap_init(&timers->heap);
    timers->timer = env_timer_new(env, timer_fired, timers);
    timers->armed_ms = UINT64_MAX;
    timers->rest.run = fire_rest;
    return timers;
}

void group_timers_free(struct group_timers *timers) {
    if (timers == NULL) return;
    CHECK(timer_heap_first(&timers->heap) == NULL);
    env_defer_cancel(timers->env, &timers->rest);
    env_timer_free(timers->timer);
    timer_heap_close(&timers->heap);
    mem_free(timers);
}

void group_timer_set(struct group_timers *timers, struct group_timer *timer, uint64_t at_ms) {
    timer->due_ms = at_ms;
    if (timer->entry.place != 0 && timer->entry.at_ms <= at_ms) return; /* moved when it fires */
    timer_heap_set(&timers->heap, &timer->entry, at_ms);
    if (!timers->rest.queued) arm(timers);
}

void group_timer_clear(struct group_timers *timers, struct group_timer *timer) {
    timer_heap_remove(&timers->heap, &timer->entry);
}
