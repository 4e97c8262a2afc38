/*
 * Inside of the producer state, shared by producer_state.c (the rules) and producer_snapshot.c (the
 * bytes). Nobody else's.
 */
#ifndef BROKER_PRODUCER_PRODUCER_STATE_INTERNAL_H
#define BROKER_PRODUCER_PRODUCER_STATE_INTERNAL_H

#include "broker/producer/producer_hash.h"
#include "broker/producer/producer_refusals.h"
#include "broker/producer/producer_state.h"

struct producer {
    int64_t id;
    int64_t heard_ms; /* by the clock of the log, at or behind its last commit; HEARD_SINCE: the
                         clock has not gone on since */
    /* The last that committed, all of one epoch, oldest first. */
    struct producer_batch window[PRODUCER_WINDOW];
    uint32_t window_count;            /* 0: nothing has committed, or that was forgotten */
    struct producer_batch *in_flight; /* this leader's, oldest at in_flight_first */
    uint32_t in_flight_first, in_flight_count, in_flight_capacity;
    /* Of a batch in sequence; here, so that nobody else's takes its place. */
    struct refusal refusal;
    bool refused;                 /* `refusal` holds: nothing was taken since */
    struct producer *next, *prev; /* those with something committed, by their last commit */
    UT_hash_handle hh;
};

enum { HEARD_SINCE = -1 };

struct producer_state {
    struct producer_state_options options;
    struct producer *table;
    struct producer *oldest;   /* and behind it the others, by their last commit */
    size_t committed_count;    /* nodes with window_count > 0 */
    int64_t forgotten_id;      /* the highest id ever forgotten; -1: none */
    int64_t clock_ms;          /* of the log */
    struct refusals *refusals; /* of producers that are not in the table */
};

struct producer *producer_find(const struct producer_state *state, int64_t producer_id);
/* A producer with something committed, newest of all; the id must not be there. */
struct producer *producer_restore(struct producer_state *state, int64_t producer_id);

#endif
