/*
 * Requests that wait because their clients like to (a Fetch for its max_wait_ms), or for room to be
 * decoded: they give way as soon as others need the memory that they hold.
 *
 * Happy path: park, leave. When somebody waits for one of the budgets, which is spent, those who
 * are parked are told, the longest first, until it has room: so no choice of a client keeps others
 * from being served.
 * Failures: none. Invariants: who is told is not parked any more, and is told from the loop, never
 * inside of a charge or a release.
 */
#ifndef BROKER_MEMORY_PARKING_H
#define BROKER_MEMORY_PARKING_H

#include "base/buffer.h"
#include "base/env.h"

/* Lies in whoever parks. Fields belong to the parking but `give_way`. */
struct parked {
    void (*give_way)(struct parked *parked); /* ends the wait, now or soon */
    struct parked *next, *prev;
    bool waiting;
};

enum { PARKING_BUDGETS = 4 };

struct parking {
    struct env *env;
    struct parking *before; /* whoever is parked there gives way first; NULL: nobody */
    const struct budget *budgets[PARKING_BUDGETS];
    size_t budget_count;
    struct parked *oldest; /* and behind it the others, by time */
    size_t count;
    struct env_task relief;
};

/* It is closed when nobody is parked any more, before the budgets go. */
void parking_open(struct parking *parking, struct env *env, struct parking *before);
/* Whose room is what they give way for. */
void parking_for(struct parking *parking, const struct budget *budget);
void parking_close(struct parking *parking);
void parking_wanted(struct parking *parking); /* for `wanted` of these budgets */
void parking_park(struct parking *parking, struct parked *parked); /* who is not parked */
/* Nothing if it is not parked. */
void parking_leave(struct parking *parking, struct parked *parked);

#endif
