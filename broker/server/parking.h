/*
 * Requests that wait only because their clients like to (a Fetch for its max_wait_ms): they give way as soon as others need the memory
 * that they hold.
 *
 * Happy path: park, leave. When somebody waits for one of the budgets, which is spent, those who are parked are told, the longest first, until
 * it has room: so no choice of a client keeps others from being served.
 * Failures: none. Invariants: who is told is not parked any more, and is told from the loop, never inside of a charge or a release.
 */
#ifndef BROKER_SERVER_PARKING_H
#define BROKER_SERVER_PARKING_H

#include "base/buffer.h"
#include "base/env.h"

/* Lies in whoever parks. Fields belong to the parking but `give_way`. */
struct parked {
    void (*give_way)(struct parked *parked); /* ends the wait, now or soon */
    struct parked *next, *prev;
    bool waiting;
};

struct parking {
    struct env *env;
    struct budget *requests, *answers;
    struct parked *oldest; /* and behind it the others, by time */
    struct env_task relief;
};

/* The budgets tell it who waits. It is closed when nobody is parked any more, before the budgets go. */
void parking_open(struct parking *parking, struct env *env, struct budget *requests, struct budget *answers);
void parking_close(struct parking *parking);
void parking_park(struct parking *parking, struct parked *parked);  /* who is not parked */
void parking_leave(struct parking *parking, struct parked *parked); /* nothing if it is not parked */

#endif
