/*
 * Inside of the producer state, shared by producer_state.c (the rules) and producer_snapshot.c (the bytes). Nobody else's.
 */
#ifndef BROKER_PRODUCER_STATE_TABLE_H
#define BROKER_PRODUCER_STATE_TABLE_H

#include "base/mem.h"
#include "broker/producer_state.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include <uthash.h>

struct producer {
    int64_t id;
    int64_t heard_ms;                              /* when its last batch was seen here */
    struct producer_batch window[PRODUCER_WINDOW]; /* the last that committed, all of one epoch, oldest first */
    uint32_t window_count;                         /* 0: nothing has committed */
    struct producer_batch *in_flight;              /* this leader's, oldest at in_flight_first */
    uint32_t in_flight_first, in_flight_count, in_flight_capacity;
    bool refused; /* a batch in sequence was refused and nothing was taken since */
    int16_t refused_epoch;
    int32_t refused_sequence;
    int64_t refused_ms;
    struct producer *next, *prev; /* by heard_ms */
    UT_hash_handle hh;
};

struct producer_state {
    struct producer_state_options options;
    struct producer *table;
    struct producer *oldest, *newest;
    size_t committed_count; /* nodes with window_count > 0 */
    int64_t forgotten_id;   /* the highest id ever forgotten; -1: none */
};

struct producer *producer_find(const struct producer_state *state, int64_t producer_id);
/* The id must not be there. */
struct producer *producer_make(struct producer_state *state, int64_t producer_id, int64_t now_ms);

#endif
