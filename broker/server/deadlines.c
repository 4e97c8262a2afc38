/* The heap of deadlines, and the one timer. The environment's timer is moved only when the first
 * deadline is due before it fires: it may fire for nobody. */
#include "broker/server/deadlines.h"

#include "base/check.h"
#include "base/mem.h"

struct deadlines {
    struct env *env;
    struct env_timer *timer;
    struct timer_heap heap;
    uint64_t armed_ms; /* when the timer fires; 0: it does not */
};

static void arm(struct deadlines *deadlines) {
    const struct timer_entry *first = timer_heap_first(&deadlines->heap);
    if (first == NULL || (deadlines->armed_ms != 0 && deadlines->armed_ms <= first->at_ms)) return;
    deadlines->armed_ms = first->at_ms;
    env_timer_start_at(deadlines->timer, first->at_ms * 1000);
}

static void fire(void *arg) {
    struct deadlines *deadlines = arg;
    uint64_t now_ms = env_now_ms(deadlines->env);
    deadlines->armed_ms = 0;
    struct timer_entry *first;
    while ((first = timer_heap_first(&deadlines->heap)) != NULL && first->at_ms <= now_ms) {
        struct deadline *deadline = (struct deadline *)first;
        timer_heap_remove(&deadlines->heap, first);
        deadline->passed(deadline);
        /* Hundreds may be due at once, and each may be much. */
        if (env_turn_is_long(deadlines->env)) break;
    }
    arm(deadlines);
}

struct deadlines *deadlines_new(struct env *env) {
    struct deadlines *deadlines = mem_zalloc(sizeof *deadlines);
    deadlines->env = env;
    deadlines->timer = env_timer_new(env, fire, deadlines);
    timer_heap_init(&deadlines->heap);
    return deadlines;
}

void deadlines_free(struct deadlines *deadlines) {
    if (deadlines == NULL) return;
    CHECK(timer_heap_first(&deadlines->heap) == NULL);
    timer_heap_close(&deadlines->heap);
    env_timer_free(deadlines->timer);
    mem_free(deadlines);
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, uint32_t delay_ms) {
    if (delay_ms == 0) delay_ms = 1;
    timer_heap_set(&deadlines->heap, &deadline->entry,
                   (env_now_us(deadlines->env) + 999) / 1000 + delay_ms);
    arm(deadlines);
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline) {
    timer_heap_remove(&deadlines->heap, &deadline->entry);
}
