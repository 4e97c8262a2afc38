/*
 * Many deadlines on one timer: each waiting request has one, most never pass.
 *
 * Happy path: deadline_set, then deadline_clear when the request ends in time. `passed` is called
 * once, never early, outside of any call of this module. Invariant: a deadline that is set is in
 * the heap; clear it before its memory goes.
 */
#ifndef BROKER_SERVER_DEADLINES_H
#define BROKER_SERVER_DEADLINES_H

#include "base/env.h"
#include "base/timer_heap.h"

struct deadlines;

struct deadline {
    struct timer_entry entry; /* first; the heap's */
    void (*passed)(struct deadline *deadline);
};

struct deadlines *deadlines_new(struct env *env);
void deadlines_free(struct deadlines *deadlines); /* none may be set; NULL does nothing */
/* Passes in `delay_ms`, at least one. Setting again moves it. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, uint32_t delay_ms);
/* Nothing if it is not set. */
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);

#endif
