/*
 * Work of a request in small steps over as many turns of the loop as it takes: the one way in which
 * a handler does what may be much.
 *
 * Happy path: request_steps; the step is called again and again, at once for a moment, then in
 * later turns, where all such work takes turns: what is little first, and what has turned out to
 * be much behind it. Memory that the request's arena takes
 * meanwhile is charged to the budget of answers; a request that has taken much of it waits while
 * that is spent. One of those who wait goes on all the same, so that they never wait for each
 * other, and the next one when its client has taken the answer. Failures: none of its own. When the
 * client goes, no further step comes, and `canceled` of the request runs, or if it has none, it
 * ends. Invariant: a step is never called after the request has ended or its client has gone.
 */
#ifndef BROKER_SERVER_REQUEST_STEPS_H
#define BROKER_SERVER_REQUEST_STEPS_H

#include "broker/server/request.h"

/* Bytes of an answer, up to which it does not wait for those that strangers leave unread, for a
 * while. */
enum { ANSWER_ORDINARY = 1 << 20 };

/* One step is to take less than a millisecond. It returns true while there is more to do; the last
 * one ends the request or makes it wait for something else, and returns false. The first is called
 * inside, unless the turn is long. */
void request_steps(struct request *request, bool (*step)(struct request *request));

/* ---- For the server ---- */

/* The line of requests that are much work, of all its connections. */
struct much_work {
    struct env *env;
    struct env_task goes_on;
    struct request *first;
};
void much_work_open(struct much_work *much, struct env *env);
void much_work_close(struct much_work *much); /* no request is left */

/* ---- For the connection ---- */

/* The client has gone, or the request ends: no further step. */
void request_steps_stop(struct request *request);
/* It is the first of its connection now, and may go on where others had to wait. */
void request_steps_first(struct request *request);
/* Charges what the arena has grown by. */
void request_steps_charge(struct request *request);
/* Gives that back. */
void request_steps_release(struct request *request);

#endif
