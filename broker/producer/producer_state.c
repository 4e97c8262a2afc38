/*
 * The rules by which a batch of a producer is taken, recognised or refused, and who is forgotten
 * when.
 */
#include "broker/producer/producer_state.h"

#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/producer/producer_state_internal.h"

/* What has committed; who is forgotten may come back in the middle of its sequence. */
static void forget_committed(struct producer_state *state, struct producer *producer) {
    CHECK(producer->committed); /* it is in the list */
    if (producer->id > state->forgotten_id) state->forgotten_id = producer->id;
    producer->committed = false;
    producer->window_count = 0;
    producer->epoch = -1;
    producer->coordinator_epoch = -1;
    producer_drop_invitation(producer);
    state->committed_count--;
    producer_walks_stale(state);
    producer_unlist(state, producer);
    producer_remove_if_empty(state, producer);
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
    CHECK(state->walks == NULL); /* who keeps it has stopped */
    for (struct producer *producer = state->table, *next; producer != NULL; producer = next) {
        next = producer->hh.next;
        producer->committed = false;
        producer->in_flight_count = 0;
        producer_remove_if_empty(state, producer);
    }
    aborted_list_free(&state->aborted);
    refusals_free(state->refusals);
    mem_free(state);
}

size_t producer_state_count(const struct producer_state *state) {
    return state->committed_count;
}

bool producer_state_knows(const struct producer_state *state, int64_t producer_id) {
    return producer_find(state, producer_id) != NULL;
}

void producer_state_each(const struct producer_state *state,
                         void (*each)(void *arg, const struct producer_view *view), void *arg) {
    const struct producer *producer;
    DL_FOREACH(state->oldest, producer) {
        struct producer_view view = {.producer_id = producer->id,
                                     .epoch = producer->epoch,
                                     .last_sequence = -1,
                                     .timestamp = producer->timestamp,
                                     .coordinator_epoch = producer->coordinator_epoch,
                                     .open_offset = producer->open_offset};
        if (producer->window_count > 0)
            view.last_sequence = producer->window[producer->window_count - 1].last_sequence;
        each(arg, &view);
    }
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

static bool find_known(const struct producer *producer, const struct producer_batch *batch,
                       struct producer_batch *known, enum producer_verdict *verdict) {
    for (uint32_t i = 0; i < producer->in_flight_count; i++) {
        const struct producer_batch *candidate =
            &producer->in_flight[producer->in_flight_first + i].batch;
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
    if (batch->base_sequence > 0 && batch->producer_id > state->forgotten_id)
        return behind_refused(state, NULL, batch, now_ms) ? PRODUCER_BEHIND_REFUSED
                                                          : PRODUCER_UNKNOWN;
    return HASH_COUNT(state->table) < state->options.max_producers ? PRODUCER_NEW
                                                                   : PRODUCER_TOO_MANY;
}

/* It is not of the transaction that is open. */
static bool is_strange_to(const struct producer_outlook *outlook,
                          const struct producer_batch *batch, enum producer_verdict *verdict) {
    if (!outlook->open) return false;
    *verdict = batch->epoch > outlook->epoch ? PRODUCER_MARKER_AWAITED : PRODUCER_IN_TRANSACTION;
    return batch->epoch > outlook->epoch || !batch->transactional;
}

static bool in_sequence(const struct producer_state *state, const struct producer_outlook *outlook,
                        const struct producer_batch *batch) {
    if (batch->base_sequence < 0) return true; /* it is in none */
    if (batch->epoch != outlook->epoch) return batch->base_sequence == 0;
    if (outlook->last != NULL) return follows(outlook->last, batch);
    /* only markers are known of it: as of one that is not known */
    return batch->base_sequence == 0 || batch->producer_id <= state->forgotten_id;
}

/* KIP-98 and Kafka's ProducerAppendInfo.checkSequence, in this order: epoch, known batches, the
 * transaction, place in the sequence. */
enum producer_verdict producer_state_check(const struct producer_state *state,
                                           const struct producer_batch *batch, int64_t now_ms,
                                           struct producer_batch *known) {
    const struct producer *producer = producer_find(state, batch->producer_id);
    if (producer == NULL) return check_unknown(state, batch, now_ms);
    struct producer_outlook outlook = producer_outlook_of(producer);
    if (batch->epoch < outlook.epoch) return PRODUCER_FENCED;
    enum producer_verdict verdict;
    if (batch->epoch == outlook.epoch && batch->base_sequence >= 0 &&
        find_known(producer, batch, known, &verdict))
        return verdict;
    if (is_strange_to(&outlook, batch, &verdict)) return verdict;
    if (in_sequence(state, &outlook, batch)) return PRODUCER_APPEND;
    return behind_refused(state, producer, batch, now_ms) ? PRODUCER_BEHIND_REFUSED
                                                          : PRODUCER_OUT_OF_ORDER;
}

void producer_state_begin(struct producer_state *state, const struct producer_batch *batch) {
    struct in_flight taken = {.batch = *batch};
    producer_put_in_flight(state, &taken)->refused = false;
    refusals_drop(state->refusals, batch->producer_id);
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

static void into_window(struct producer *producer, const struct producer_batch *batch) {
    uint32_t window = MUTANT(MUTANT_DEDUP_WINDOW_OF_FOUR) ? PRODUCER_WINDOW - 1 : PRODUCER_WINDOW;
    if (producer->window_count == window) {
        memmove(&producer->window[0], &producer->window[1],
                (window - 1) * sizeof producer->window[0]);
        producer->window_count--;
    }
    producer->window[producer->window_count++] = *batch;
}

void producer_state_commit(struct producer_state *state, const struct producer_batch *batch) {
    struct producer *producer = producer_find_or_make(state, batch->producer_id);
    producer_landed(producer, batch->base_offset);
    producer_heard(state, producer, batch->epoch, batch->timestamp);
    if (batch->base_sequence >= 0) into_window(producer, batch);
    if (batch->transactional) producer_open(state, producer, batch->base_offset);
}

/* What was in flight of the producer from there on is taken back; *first is the first batch of it.
 * False: no batch was. */
static bool take_back(struct producer *producer, kafka_offset from_offset,
                      struct producer_batch *first) {
    bool batches = false;
    while (producer->in_flight_count > 0) {
        uint32_t newest = producer->in_flight_first + producer->in_flight_count - 1;
        const struct in_flight *taken = &producer->in_flight[newest];
        if (taken->batch.base_offset < from_offset) break;
        if (!taken->is_marker) {
            *first = taken->batch;
            batches = true;
        }
        producer->in_flight_count--;
    }
    return batches;
}

void producer_state_withdraw(struct producer_state *state, kafka_offset from_offset,
                             int64_t now_ms) {
    for (struct producer *producer = state->table, *next; producer != NULL; producer = next) {
        next = producer->hh.next;
        struct producer_batch first = {0};
        bool refuse = take_back(producer, from_offset, &first);
        producer_remove_if_empty(state, producer);
        if (refuse) producer_state_refuse(state, &first, now_ms);
    }
}

void producer_state_drop_in_flight(struct producer_state *state) {
    refusals_clear(state->refusals);
    if (MUTANT(MUTANT_IN_FLIGHT_KEPT)) return;
    for (struct producer *producer = state->table, *next; producer != NULL; producer = next) {
        next = producer->hh.next;
        producer->refused = false;
        producer_drop_invitation(producer);
        producer->in_flight_first = producer->in_flight_count = 0;
        producer_remove_if_empty(state, producer);
    }
}

/* Who committed since the clock last went on was heard now at the latest. */
void producer_state_clock(struct producer_state *state, int64_t clock_ms, int64_t expiration_ms) {
    if (clock_ms > state->clock_ms) state->clock_ms = clock_ms;
    struct producer *producer = state->oldest != NULL ? state->oldest->prev : NULL; /* the newest */
    while (producer != NULL && producer->heard_ms == HEARD_SINCE) {
        producer->heard_ms = state->clock_ms;
        producer_walks_stale(state);
        producer = producer != state->oldest ? producer->prev : NULL;
    }
    struct producer *old = state->oldest, *next;
    for (; old != NULL && state->clock_ms - old->heard_ms >= expiration_ms; old = next) {
        next = old->next;
        if (old->open_offset < 0) forget_committed(state, old);
    }
}

int64_t producer_state_clock_ms(const struct producer_state *state) {
    return state->clock_ms;
}
