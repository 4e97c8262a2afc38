/*
 * The table of producers of one partition and the rules by which a batch is taken, recognised or
 * refused.
 *
 * One node a producer: what has committed (epoch, the last batches), and what is in flight on this
 * leader; never neither. All nodes are in a hash table by id; those with something committed are
 * also in a list by their last commit, from whose head they are forgotten.
 */
#include "broker/producer/producer_state.h"

#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/producer/producer_state_internal.h"

struct producer *producer_find(const struct producer_state *state, int64_t producer_id) {
    struct producer *found;
    HASH_FIND_BYHASHVALUE(hh, state->table, &producer_id, sizeof producer_id,
                          producer_hash(state->options.seed, producer_id), found);
    return found;
}

static struct producer *find_or_make(struct producer_state *state, int64_t producer_id) {
    struct producer *producer = producer_find(state, producer_id);
    if (producer != NULL) return producer;
    producer = mem_zalloc(sizeof *producer);
    producer->id = producer_id;
    HASH_ADD_BYHASHVALUE(hh, state->table, id, sizeof producer->id,
                         producer_hash(state->options.seed, producer_id), producer);
    return producer;
}

struct producer *producer_restore(struct producer_state *state, int64_t producer_id) {
    struct producer *producer = find_or_make(state, producer_id);
    DL_APPEND(state->oldest, producer);
    state->committed_count++;
    return producer;
}

static void remove_if_empty(struct producer_state *state, struct producer *producer) {
    if (producer->window_count > 0 || producer->in_flight_count > 0) return;
    HASH_DELETE(hh, state->table, producer);
    mem_free(producer->in_flight);
    mem_free(producer);
}

/* What has committed; who is forgotten may come back in the middle of its sequence. */
static void forget_committed(struct producer_state *state, struct producer *producer) {
    CHECK(producer->window_count > 0); /* it is in the list */
    if (producer->id > state->forgotten_id) state->forgotten_id = producer->id;
    producer->window_count = 0;
    state->committed_count--;
    DL_DELETE(state->oldest, producer);
    remove_if_empty(state, producer);
}

struct producer_state *producer_state_new(const struct producer_state_options *options) {
    CHECK(options->max_producers > 0); /* a row of the settings, at least 1 */
    struct producer_state *state = mem_zalloc(sizeof *state);
    state->options = *options;
    state->forgotten_id = -1;
    state->refusals = refusals_new(options->max_producers, options->seed);
    return state;
}

void producer_state_free(struct producer_state *state) {
    if (state == NULL) return;
    for (struct producer *producer = state->table, *next; producer != NULL; producer = next) {
        next = producer->hh.next;
        producer->window_count = producer->in_flight_count = 0;
        remove_if_empty(state, producer);
    }
    refusals_free(state->refusals);
    mem_free(state);
}

size_t producer_state_count(const struct producer_state *state) {
    return state->committed_count;
}

void producer_state_each(const struct producer_state *state,
                         void (*each)(void *arg, const struct producer_batch *last), void *arg) {
    const struct producer *producer;
    DL_FOREACH(state->oldest, producer) each(arg, &producer->window[producer->window_count - 1]);
}

static bool same_batch(const struct producer_batch *known, const struct producer_batch *batch) {
    return known->epoch == batch->epoch && known->base_sequence == batch->base_sequence &&
           known->last_sequence == batch->last_sequence;
}

/* Behind the largest sequence comes 0 (KIP-98). */
static bool follows(const struct producer_batch *last, const struct producer_batch *batch) {
    return last->last_sequence == INT32_MAX ? batch->base_sequence == 0
                                            : batch->base_sequence == last->last_sequence + 1;
}

/* The newest batch of the producer: in flight if there is one, else committed. */
static const struct producer_batch *newest_batch(const struct producer *producer) {
    if (producer->in_flight_count > 0)
        return &producer->in_flight[producer->in_flight_first + producer->in_flight_count - 1];
    CHECK(producer->window_count > 0); /* a producer with neither is not in the table */
    return &producer->window[producer->window_count - 1];
}

static bool find_known(const struct producer *producer, const struct producer_batch *batch,
                       struct producer_batch *known, enum producer_verdict *verdict) {
    for (uint32_t i = 0; i < producer->in_flight_count; i++) {
        const struct producer_batch *candidate =
            &producer->in_flight[producer->in_flight_first + i];
        if (same_batch(candidate, batch)) {
            *known = *candidate;
            *verdict = MUTANT(MUTANT_RETRY_ACKED_EARLY) ? PRODUCER_COMMITTED : PRODUCER_IN_FLIGHT;
            return true;
        }
    }
    for (uint32_t i = 0; i < producer->window_count; i++) {
        if (same_batch(&producer->window[i], batch)) {
            *known = producer->window[i];
            *verdict = PRODUCER_COMMITTED;
            return true;
        }
    }
    return false;
}

/* Of a producer that is not known here it may be that its refusal was lost among too many. */
static bool behind_refused(const struct producer_state *state, const struct producer *producer,
                           const struct producer_batch *batch, int64_t now_ms) {
    const struct refusal *refusal = producer == NULL
                                        ? refusals_find(state->refusals, batch->producer_id)
                                    : producer->refused ? &producer->refusal
                                                        : NULL;
    if (refusal == NULL) return producer == NULL && refusals_lost_one(state->refusals, now_ms);
    return refusal->epoch == batch->epoch && batch->base_sequence != refusal->sequence &&
           now_ms - refusal->when_ms < PRODUCER_REFUSED_MS;
}

static enum producer_verdict check_unknown(const struct producer_state *state,
                                           const struct producer_batch *batch, int64_t now_ms) {
    if (batch->base_sequence != 0 && batch->producer_id > state->forgotten_id)
        return behind_refused(state, NULL, batch, now_ms) ? PRODUCER_BEHIND_REFUSED
                                                          : PRODUCER_UNKNOWN;
    return HASH_COUNT(state->table) < state->options.max_producers ? PRODUCER_NEW
                                                                   : PRODUCER_TOO_MANY;
}

/* KIP-98 and Kafka's ProducerAppendInfo.checkSequence, in this order: epoch, known batches, place
 * in the sequence. */
enum producer_verdict producer_state_check(const struct producer_state *state,
                                           const struct producer_batch *batch, int64_t now_ms,
                                           struct producer_batch *known) {
    const struct producer *producer = producer_find(state, batch->producer_id);
    if (producer == NULL) return check_unknown(state, batch, now_ms);
    const struct producer_batch *newest = newest_batch(producer);
    if (batch->epoch < newest->epoch) return PRODUCER_FENCED;
    enum producer_verdict verdict;
    if (batch->epoch == newest->epoch && find_known(producer, batch, known, &verdict))
        return verdict;
    bool in_sequence = batch->epoch == newest->epoch ? follows(newest, batch)
                                                     : batch->base_sequence == 0;
    if (in_sequence) return PRODUCER_APPEND;
    return behind_refused(state, producer, batch, now_ms) ? PRODUCER_BEHIND_REFUSED
                                                          : PRODUCER_OUT_OF_ORDER;
}

void producer_state_begin(struct producer_state *state, const struct producer_batch *batch) {
    struct producer *producer = find_or_make(state, batch->producer_id);
    producer->refused = false;
    refusals_drop(state->refusals, batch->producer_id);
    if (producer->in_flight_first + producer->in_flight_count == producer->in_flight_capacity) {
        if (producer->in_flight_first > producer->in_flight_capacity / 2) {
            memmove(producer->in_flight, producer->in_flight + producer->in_flight_first,
                    producer->in_flight_count * sizeof *producer->in_flight);
            producer->in_flight_first = 0;
        } else {
            producer->in_flight_capacity = producer->in_flight_capacity == 0
                                               ? 8
                                               : producer->in_flight_capacity * 2;
            producer->in_flight = mem_realloc(producer->in_flight, producer->in_flight_capacity *
                                                                       sizeof *producer->in_flight);
        }
    }
    producer->in_flight[producer->in_flight_first + producer->in_flight_count++] = *batch;
}

void producer_state_refuse(struct producer_state *state, const struct producer_batch *batch,
                           int64_t now_ms) {
    struct refusal refusal = {
        .epoch = batch->epoch, .sequence = batch->base_sequence, .when_ms = now_ms};
    struct producer *producer = producer_find(state, batch->producer_id);
    if (producer != NULL) {
        producer->refused = true;
        producer->refusal = refusal;
        return;
    }
    refusals_note(state->refusals, batch->producer_id, &refusal);
    bool crowded = HASH_COUNT(state->table) + refusals_count(state->refusals) >
                   state->options.max_producers;
    if (MUTANT(MUTANT_STRANGERS_TAKE_PLACES) && crowded && state->oldest != NULL)
        forget_committed(state, state->oldest);
}

void producer_state_commit(struct producer_state *state, const struct producer_batch *batch) {
    struct producer *producer = find_or_make(state, batch->producer_id);
    if (producer->in_flight_count > 0 &&
        producer->in_flight[producer->in_flight_first].base_offset == batch->base_offset) {
        producer->in_flight_first++;
        producer->in_flight_count--;
        if (producer->in_flight_count == 0) producer->in_flight_first = 0;
    }
    if (producer->window_count > 0)
        DL_DELETE(state->oldest, producer);
    else
        state->committed_count++;
    DL_APPEND(state->oldest, producer);
    producer->heard_ms = HEARD_SINCE;
    uint32_t window = MUTANT(MUTANT_DEDUP_WINDOW_OF_FOUR) ? PRODUCER_WINDOW - 1 : PRODUCER_WINDOW;
    if (producer->window_count > 0 && producer->window[0].epoch != batch->epoch)
        producer->window_count = 0;
    if (producer->window_count == window) {
        memmove(&producer->window[0], &producer->window[1],
                (window - 1) * sizeof producer->window[0]);
        producer->window_count--;
    }
    producer->window[producer->window_count++] = *batch;
}

void producer_state_withdraw(struct producer_state *state, kafka_offset from_offset,
                             int64_t now_ms) {
    for (struct producer *producer = state->table, *next; producer != NULL; producer = next) {
        next = producer->hh.next;
        struct producer_batch first = {0};
        bool taken_back = false;
        while (producer->in_flight_count > 0 &&
               newest_batch(producer)->base_offset >= from_offset) {
            first = *newest_batch(producer);
            taken_back = true;
            producer->in_flight_count--;
        }
        if (!taken_back) continue;
        remove_if_empty(state, producer);
        producer_state_refuse(state, &first, now_ms);
    }
}

void producer_state_drop_in_flight(struct producer_state *state) {
    refusals_clear(state->refusals);
    if (MUTANT(MUTANT_IN_FLIGHT_KEPT)) return;
    for (struct producer *producer = state->table, *next; producer != NULL; producer = next) {
        next = producer->hh.next;
        producer->refused = false;
        producer->in_flight_first = producer->in_flight_count = 0;
        remove_if_empty(state, producer);
    }
}

/* Who committed since the clock last went on was heard now at the latest. */
void producer_state_clock(struct producer_state *state, int64_t clock_ms, int64_t expiration_ms) {
    if (clock_ms > state->clock_ms) state->clock_ms = clock_ms;
    struct producer *producer = state->oldest != NULL ? state->oldest->prev : NULL; /* the newest */
    while (producer != NULL && producer->heard_ms == HEARD_SINCE) {
        producer->heard_ms = state->clock_ms;
        producer = producer != state->oldest ? producer->prev : NULL;
    }
    while (state->oldest != NULL && state->clock_ms - state->oldest->heard_ms >= expiration_ms)
        forget_committed(state, state->oldest);
}

int64_t producer_state_clock_ms(const struct producer_state *state) {
    return state->clock_ms;
}
