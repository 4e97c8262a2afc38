/*
 * The table of producers of one partition: who is in it, and what is known of each.
 *
 * One node a producer: what has committed (epoch, the last batches, its open transaction), and what
 * is in flight on this leader; never neither. All nodes are in a hash table by id; those with
 * something committed are also in a list by their last commit, from whose head they are forgotten,
 * and those with an open transaction in one by where it begins.
 */
#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/producer/producer_state_internal.h"

struct producer *producer_find(const struct producer_state *state, int64_t producer_id) {
    struct producer *found;
    HASH_FIND_BYHASHVALUE(hh, state->table, &producer_id, sizeof producer_id,
                          producer_hash(state->options.seed, producer_id), found);
    return found;
}

struct producer *producer_find_or_make(struct producer_state *state, int64_t producer_id) {
    struct producer *producer = producer_find(state, producer_id);
    if (producer != NULL) return producer;
    producer = mem_zalloc(sizeof *producer);
    producer->id = producer_id;
    producer->epoch = -1;
    producer->coordinator_epoch = -1;
    producer->open_offset = -1;
    HASH_ADD_BYHASHVALUE(hh, state->table, id, sizeof producer->id,
                         producer_hash(state->options.seed, producer_id), producer);
    return producer;
}

void producer_drop_invitation(struct producer *producer) {
    mem_free(producer->invited);
    producer->invited = NULL;
}

void producer_remove_if_empty(struct producer_state *state, struct producer *producer) {
    if (producer->committed || producer->in_flight_count > 0) return;
    HASH_DELETE(hh, state->table, producer);
    producer_drop_invitation(producer);
    mem_free(producer->in_flight);
    mem_free(producer);
}

void producer_list(struct producer_state *state, struct producer *producer) {
    struct producer_walk *walk;
    DL_APPEND(state->oldest, producer);
    DL_FOREACH(state->walks, walk) if (walk->at == NULL) walk->at = producer;
}

void producer_unlist(struct producer_state *state, struct producer *producer) {
    struct producer_walk *walk;
    DL_FOREACH(state->walks, walk) if (walk->at == producer) walk->at = producer->next;
    DL_DELETE(state->oldest, producer);
}

void producer_walks_stale(struct producer_state *state) {
    struct producer_walk *walk;
    DL_FOREACH(state->walks, walk) walk->stale = true;
}

struct producer *producer_restore(struct producer_state *state, int64_t producer_id) {
    struct producer *producer = producer_find_or_make(state, producer_id);
    if (producer->committed) {
        producer_unlist(state, producer);
        state->committed_count--;
    }
    if (producer->open_offset >= 0) DL_DELETE2(state->open, producer, open_prev, open_next);
    producer->open_offset = -1;
    producer->committed = true;
    producer_list(state, producer);
    state->committed_count++;
    return producer;
}

void producer_heard(struct producer_state *state, struct producer *producer, int16_t epoch,
                    int64_t timestamp) {
    if (producer->committed)
        producer_unlist(state, producer);
    else
        state->committed_count++;
    producer_list(state, producer);
    producer->committed = true;
    if (producer->epoch != epoch) producer->window_count = 0;
    producer->epoch = epoch;
    producer->timestamp = timestamp;
    producer->heard_ms = HEARD_SINCE;
}

void producer_open(struct producer_state *state, struct producer *producer, kafka_offset offset) {
    if (producer->open_offset >= 0) return;
    producer->open_offset = offset;
    DL_APPEND2(state->open, producer, open_prev, open_next);
}

/* ---- In flight ---- */

struct producer *producer_put_in_flight(struct producer_state *state,
                                        const struct in_flight *taken) {
    struct producer *producer = producer_find_or_make(state, taken->batch.producer_id);
    producer_drop_invitation(producer);
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
    producer->in_flight[producer->in_flight_first + producer->in_flight_count++] = *taken;
    return producer;
}

void producer_landed(struct producer *producer, kafka_offset offset) {
    if (producer->in_flight_count == 0 ||
        producer->in_flight[producer->in_flight_first].batch.base_offset != offset)
        return;
    producer->in_flight_first++;
    producer->in_flight_count--;
    if (producer->in_flight_count == 0) producer->in_flight_first = 0;
}

static void look_at_marker(struct producer_outlook *outlook, const struct producer_marker *marker) {
    if (marker->epoch != outlook->epoch) outlook->last = NULL;
    outlook->epoch = marker->epoch;
    outlook->coordinator_epoch = marker->coordinator_epoch;
    outlook->open = false;
}

static void look_at_batch(struct producer_outlook *outlook, const struct producer_batch *batch) {
    if (batch->epoch != outlook->epoch) outlook->last = NULL;
    outlook->epoch = batch->epoch;
    if (batch->base_sequence >= 0) outlook->last = batch;
    if (batch->transactional) outlook->open = true;
}

struct producer_outlook producer_outlook_of(const struct producer *producer) {
    struct producer_outlook outlook = {.epoch = producer->epoch,
                                       .coordinator_epoch = producer->coordinator_epoch,
                                       .open = producer->open_offset >= 0};
    if (producer->window_count > 0) outlook.last = &producer->window[producer->window_count - 1];
    for (uint32_t i = 0; i < producer->in_flight_count; i++) {
        const struct in_flight *taken = &producer->in_flight[producer->in_flight_first + i];
        if (taken->is_marker)
            look_at_marker(&outlook, &taken->marker);
        else
            look_at_batch(&outlook, &taken->batch);
    }
    return outlook;
}
