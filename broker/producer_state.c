/*
 * The table of producers of one partition and the rules by which a batch is taken, recognised or refused. See producer_state.h.
 *
 * One node a producer: what has committed (epoch, the last batches), and what is in flight on this leader. All nodes are in a hash table
 * by id and in a list by when they were heard last, oldest first, from whose head they are forgotten.
 */
#include "broker/producer_state.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/producer_state_table.h"

static uint32_t hash_of(const struct producer_state *state, int64_t producer_id) {
    uint64_t mixed = ((uint64_t)producer_id ^ state->options.seed) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
    mixed *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(mixed >> 32);
}

struct producer *producer_find(const struct producer_state *state, int64_t producer_id) {
    struct producer *found;
    HASH_FIND_BYHASHVALUE(hh, state->table, &producer_id, sizeof producer_id, hash_of(state, producer_id), found);
    return found;
}

static void list_remove(struct producer_state *state, struct producer *producer) {
    *(producer->prev != NULL ? &producer->prev->next : &state->oldest) = producer->next;
    *(producer->next != NULL ? &producer->next->prev : &state->newest) = producer->prev;
}

static void list_push(struct producer_state *state, struct producer *producer) {
    producer->prev = state->newest;
    producer->next = NULL;
    *(state->newest != NULL ? &state->newest->next : &state->oldest) = producer;
    state->newest = producer;
}

struct producer *producer_make(struct producer_state *state, int64_t producer_id, int64_t now_ms) {
    struct producer *producer = mem_zalloc(sizeof *producer);
    producer->id = producer_id;
    producer->heard_ms = now_ms;
    HASH_ADD_BYHASHVALUE(hh, state->table, id, sizeof producer->id, hash_of(state, producer_id), producer);
    list_push(state, producer);
    return producer;
}

static void producer_remove(struct producer_state *state, struct producer *producer) {
    if (producer->window_count > 0) state->committed_count--;
    HASH_DELETE(hh, state->table, producer);
    list_remove(state, producer);
    mem_free(producer->in_flight);
    mem_free(producer);
}

/* Forgets the producer for its age, or because there are too many. Who is forgotten may come back in the middle of its sequence. */
static void producer_forget(struct producer_state *state, struct producer *producer) {
    CHECK(producer->in_flight_count == 0); /* make_room passes over the others */
    if (producer->window_count > 0 && producer->id > state->forgotten_id) state->forgotten_id = producer->id;
    producer_remove(state, producer);
}

/* Looks at the least recently heard only: a node that cannot go (in flight) moves to the end. */
static void make_room(struct producer_state *state, int64_t now_ms) {
    unsigned looks = HASH_COUNT(state->table);
    while (state->oldest != NULL && looks-- > 0) {
        struct producer *oldest = state->oldest;
        bool old = now_ms - oldest->heard_ms >= state->options.expiration_ms;
        if (!old && HASH_COUNT(state->table) <= state->options.max_producers) return;
        if (oldest->in_flight_count == 0) {
            producer_forget(state, oldest);
        } else {
            list_remove(state, oldest);
            list_push(state, oldest);
        }
    }
}

static struct producer *producer_heard(struct producer_state *state, int64_t producer_id, int64_t now_ms) {
    struct producer *producer = producer_find(state, producer_id);
    if (producer == NULL) {
        producer = producer_make(state, producer_id, now_ms);
    } else {
        producer->heard_ms = now_ms;
        list_remove(state, producer);
        list_push(state, producer);
    }
    return producer;
}

struct producer_state *producer_state_new(const struct producer_state_options *options) {
    CHECK(options->max_producers > 0); /* a constant */
    CHECK(options->expiration_ms > 0); /* a setting with that limit */
    struct producer_state *state = mem_zalloc(sizeof *state);
    state->options = *options;
    state->forgotten_id = -1;
    return state;
}

void producer_state_free(struct producer_state *state) {
    if (state == NULL) return;
    while (state->oldest != NULL)
        producer_remove(state, state->oldest);
    mem_free(state);
}

size_t producer_state_count(const struct producer_state *state) {
    return state->committed_count;
}

static bool same_batch(const struct producer_batch *known, const struct producer_batch *batch) {
    return known->epoch == batch->epoch && known->base_sequence == batch->base_sequence &&
           known->last_sequence == batch->last_sequence;
}

static bool follows(const struct producer_batch *last, const struct producer_batch *batch) {
    return last->last_sequence == INT32_MAX ? batch->base_sequence == 0
                                            : batch->base_sequence == last->last_sequence + 1;
}

/* The newest batch of the producer: in flight if there is one, else committed. NULL: none. */
static const struct producer_batch *newest_batch(const struct producer *producer) {
    if (producer->in_flight_count > 0)
        return &producer->in_flight[producer->in_flight_first + producer->in_flight_count - 1];
    return producer->window_count > 0 ? &producer->window[producer->window_count - 1] : NULL;
}

static bool find_known(const struct producer *producer, const struct producer_batch *batch,
                       struct producer_batch *known, enum producer_verdict *verdict) {
    for (uint32_t i = 0; i < producer->in_flight_count; i++) {
        const struct producer_batch *candidate = &producer->in_flight[producer->in_flight_first + i];
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

static bool behind_refused(const struct producer *producer, const struct producer_batch *batch, int64_t now_ms) {
    return producer->refused && producer->refused_epoch == batch->epoch &&
           batch->base_sequence != producer->refused_sequence && now_ms - producer->refused_ms < PRODUCER_REFUSED_MS;
}

/* KIP-98 and Kafka's ProducerAppendInfo.checkSequence, in this order: epoch, known batches, place in the sequence. */
enum producer_verdict producer_state_check(const struct producer_state *state, const struct producer_batch *batch,
                                           int64_t now_ms, struct producer_batch *known) {
    const struct producer *producer = producer_find(state, batch->producer_id);
    const struct producer_batch *newest = producer != NULL ? newest_batch(producer) : NULL;
    if (newest == NULL) {
        if (batch->base_sequence == 0 || batch->producer_id <= state->forgotten_id) return PRODUCER_APPEND;
        if (producer != NULL && behind_refused(producer, batch, now_ms)) return PRODUCER_BEHIND_REFUSED;
        return PRODUCER_UNKNOWN;
    }
    if (batch->epoch < newest->epoch) return PRODUCER_FENCED;
    enum producer_verdict verdict;
    if (batch->epoch == newest->epoch && find_known(producer, batch, known, &verdict)) return verdict;
    bool in_sequence = batch->epoch == newest->epoch ? follows(newest, batch) : batch->base_sequence == 0;
    if (in_sequence) return PRODUCER_APPEND;
    return behind_refused(producer, batch, now_ms) ? PRODUCER_BEHIND_REFUSED : PRODUCER_OUT_OF_ORDER;
}

void producer_state_begin(struct producer_state *state, const struct producer_batch *batch, int64_t now_ms) {
    struct producer *producer = producer_heard(state, batch->producer_id, now_ms);
    producer->refused = false;
    if (producer->in_flight_first + producer->in_flight_count == producer->in_flight_capacity) {
        if (producer->in_flight_first > producer->in_flight_capacity / 2) {
            memmove(producer->in_flight, producer->in_flight + producer->in_flight_first,
                    producer->in_flight_count * sizeof *producer->in_flight);
            producer->in_flight_first = 0;
        } else {
            producer->in_flight_capacity = producer->in_flight_capacity == 0 ? 8 : producer->in_flight_capacity * 2;
            producer->in_flight = mem_realloc(producer->in_flight,
                                              producer->in_flight_capacity * sizeof *producer->in_flight);
        }
    }
    producer->in_flight[producer->in_flight_first + producer->in_flight_count++] = *batch;
    make_room(state, now_ms);
}

void producer_state_refuse(struct producer_state *state, const struct producer_batch *batch, int64_t now_ms) {
    struct producer *producer = producer_heard(state, batch->producer_id, now_ms);
    producer->refused = true;
    producer->refused_epoch = batch->epoch;
    producer->refused_sequence = batch->base_sequence;
    producer->refused_ms = now_ms;
    make_room(state, now_ms);
}

void producer_state_commit(struct producer_state *state, const struct producer_batch *batch, int64_t now_ms) {
    struct producer *producer = producer_heard(state, batch->producer_id, now_ms);
    if (producer->in_flight_count > 0 &&
        producer->in_flight[producer->in_flight_first].base_offset == batch->base_offset) {
        producer->in_flight_first++;
        producer->in_flight_count--;
        if (producer->in_flight_count == 0) producer->in_flight_first = 0;
    }
    if (producer->window_count == 0) state->committed_count++;
    uint32_t window = MUTANT(MUTANT_DEDUP_WINDOW_OF_FOUR) ? PRODUCER_WINDOW - 1 : PRODUCER_WINDOW;
    if (producer->window_count > 0 && producer->window[0].epoch != batch->epoch) producer->window_count = 0;
    if (producer->window_count == window) {
        memmove(&producer->window[0], &producer->window[1], (window - 1) * sizeof producer->window[0]);
        producer->window_count--;
    }
    producer->window[producer->window_count++] = *batch;
    make_room(state, now_ms);
}

void producer_state_withdraw(struct producer_state *state, int64_t from_offset, int64_t now_ms) {
    for (struct producer *producer = state->oldest; producer != NULL; producer = producer->next) {
        while (producer->in_flight_count > 0) {
            const struct producer_batch *last = newest_batch(producer);
            if (last->base_offset < from_offset) break;
            producer->refused = true;
            producer->refused_epoch = last->epoch;
            producer->refused_sequence = last->base_sequence;
            producer->refused_ms = now_ms;
            producer->in_flight_count--;
        }
    }
}

void producer_state_drop_in_flight(struct producer_state *state) {
    if (MUTANT(MUTANT_IN_FLIGHT_KEPT)) return;
    for (struct producer *producer = state->oldest, *next; producer != NULL; producer = next) {
        next = producer->next;
        producer->refused = false;
        producer->in_flight_first = producer->in_flight_count = 0;
        if (producer->window_count == 0) producer_remove(state, producer);
    }
}
