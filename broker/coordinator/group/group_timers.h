/*
 * Deadlines of consumer groups: one timer of the environment for a whole coordinator.
 *
 * Happy path: group_timer_set, again and again (a heartbeat moves its member's deadline): later
 * ones cost one store, for the entry stays where it is in the heap and is put back when it fires
 * too early. Failures: none.
 * Invariants: `due` is called once for each setting that was not moved or cleared, never early,
 * never inside of a call of this module; many that are due at once are told over several turns. A
 * timer that is set is in the heap: clear it before its memory goes.
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_TIMERS_H
#define BROKER_COORDINATOR_GROUP_GROUP_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/timer_heap.h"

struct group_timers;

/* Lies, zeroed, in whoever waits. */
struct group_timer {
    struct timer_entry entry;               /* first; where it is in the heap */
    uint64_t due_ms;                        /* of env_now_ms: when it really is due */
    void (*due)(struct group_timer *timer); /* may set it again, or free what it lies in */
};

struct group_timers *group_timers_new(struct env *env);
void group_timers_free(struct group_timers *timers); /* none may be set; NULL does nothing */
/* Due at that time of env_now_ms; again: moves it. */
void group_timer_set(struct group_timers *timers, struct group_timer *timer, uint64_t at_ms);
void group_timer_clear(struct group_timers *timers,
                       struct group_timer *timer); /* nothing if it is not set */
static inline bool group_timer_is_set(const struct group_timer *timer) {
    return timer->entry.place != 0;
}

#endif
