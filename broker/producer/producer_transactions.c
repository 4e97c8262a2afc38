/*
 * Markers: whether one may be appended, and what it ends; and invitations, which end with the
 * transaction for which they were. KIP-98, KIP-890, KIP-1228, Kafka's
 * ProducerAppendInfo.
 */
#include <string.h>

#include <utlist.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "broker/producer/producer_state_internal.h"

/* The one that is in flight, or NULL. */
static const struct producer_marker *marker_in_flight(const struct producer *producer) {
    for (uint32_t i = 0; i < producer->in_flight_count; i++) {
        const struct in_flight *taken = &producer->in_flight[producer->in_flight_first + i];
        if (taken->is_marker) return &taken->marker;
    }
    return NULL;
}

static bool are_alike(const struct producer_marker *one, const struct producer_marker *other) {
    return one->epoch == other->epoch && one->coordinator_epoch == other->coordinator_epoch;
}

/* With an epoch for each transaction a marker of the present one has ended the one before. */
static bool is_of_old(const struct producer_marker *marker, int16_t epoch, bool open) {
    if (MUTANT(MUTANT_LATE_MARKER_ENDS)) return false;
    return marker->epoch < epoch ||
           (marker->raises_epoch && open && marker->epoch == epoch && epoch < INT16_MAX);
}

/* Who is told that it is of old takes it that its transaction has ended here: which is not so for
 * good, as long as what shows it is in flight. */
static enum marker_verdict of_old(const struct producer *producer,
                                  const struct producer_marker *marker) {
    return is_of_old(marker, producer->epoch, producer->open_offset >= 0) ? MARKER_OLD_EPOCH
                                                                          : MARKER_BEHIND;
}

/* Of somebody who is not known, so that it has nothing open. A transaction in which the partition
 * takes part ends only with this: also where its producer was refused for want of a place, so
 * markers have some more. Without one it need not be known that it was here, if what is late of
 * this transaction, batch or marker, is told from the next one by its epoch. */
static enum marker_verdict of_stranger(const struct producer_state *state,
                                       const struct producer_marker *marker) {
    uint32_t places = state->options.max_producers;
    if (HASH_COUNT(state->table) <= places + places / 4) return MARKER_APPEND;
    return marker->raises_epoch ? MARKER_DONE : MARKER_TOO_MANY;
}

enum marker_verdict producer_state_check_marker(const struct producer_state *state,
                                                const struct producer_marker *marker,
                                                kafka_offset *offset) {
    const struct producer *producer = producer_find(state, marker->producer_id);
    if (producer == NULL) return of_stranger(state, marker);
    struct producer_outlook outlook = producer_outlook_of(producer);
    if (marker->coordinator_epoch < outlook.coordinator_epoch) return MARKER_OLD_COORDINATOR;
    const struct producer_marker *before = marker_in_flight(producer);
    if (before != NULL && are_alike(before, marker)) {
        *offset = before->offset;
        return MARKER_IN_FLIGHT;
    }
    if (is_of_old(marker, outlook.epoch, outlook.open)) return of_old(producer, marker);
    if (!MUTANT(MUTANT_MARKER_TWICE) && !outlook.open && marker->epoch == outlook.epoch &&
        marker->coordinator_epoch == outlook.coordinator_epoch)
        return MARKER_DONE;
    return before == NULL ? MARKER_APPEND : MARKER_BEHIND;
}

void producer_state_begin_marker(struct producer_state *state,
                                 const struct producer_marker *marker) {
    struct in_flight taken = {.batch = {.producer_id = marker->producer_id,
                                        .epoch = marker->epoch,
                                        .base_sequence = -1,
                                        .last_sequence = -1,
                                        .base_offset = marker->offset},
                              .marker = *marker,
                              .is_marker = true};
    producer_put_in_flight(state, &taken);
}

static void end_open(struct producer_state *state, struct producer *producer,
                     const struct producer_marker *marker) {
    struct aborted_transaction aborted = {.producer_id = producer->id,
                                          .first_offset = producer->open_offset,
                                          .marker_offset = marker->offset,
                                          .stable_offset = marker->offset + 1};
    DL_DELETE2(state->open, producer, open_prev, open_next);
    producer->open_offset = -1;
    if (state->open != NULL) aborted.stable_offset = state->open->open_offset;
    if (!marker->commit) aborted_list_add(&state->aborted, &aborted);
}

void producer_state_commit_marker(struct producer_state *state,
                                  const struct producer_marker *marker) {
    struct producer *producer = producer_find_or_make(state, marker->producer_id);
    producer_landed(producer, marker->offset);
    producer_heard(state, producer, marker->epoch, marker->timestamp);
    producer->coordinator_epoch = marker->coordinator_epoch;
    if (producer->open_offset >= 0) end_open(state, producer, marker);
}

bool producer_state_is_open(const struct producer_state *state, int64_t producer_id) {
    const struct producer *producer = producer_find(state, producer_id);
    return producer != NULL && producer_outlook_of(producer).open;
}

/* ---- Invitations ---- */

/* What it knows of the producer tells that the transaction has not ended here. */
static bool is_timely(const struct producer *producer,
                      const struct producer_invitation *invitation) {
    if (!producer->committed || marker_in_flight(producer) != NULL) return false;
    struct producer_outlook outlook = producer_outlook_of(producer);
    if (MUTANT(MUTANT_OLD_INVITATION_KEPT)) return !outlook.open;
    return !outlook.open && invitation->epoch >= outlook.epoch &&
           invitation->coordinator_epoch >= outlook.coordinator_epoch;
}

void producer_state_invite(struct producer_state *state,
                           const struct producer_invitation *invitation) {
    struct producer *producer = producer_find(state, invitation->producer_id);
    if (producer == NULL || invitation->id_len > PRODUCER_INVITED_ID_MOST ||
        !is_timely(producer, invitation))
        return;
    struct producer_invited *invited = mem_alloc(sizeof *invited + invitation->id_len);
    invited->epoch = invitation->epoch;
    invited->id_len = invitation->id_len;
    memcpy(invited->id, invitation->id, invitation->id_len);
    producer_drop_invitation(producer);
    producer->invited = invited;
}

bool producer_state_is_invited(const struct producer_state *state, int64_t producer_id,
                               int16_t epoch, const char *id, size_t id_len) {
    const struct producer *producer = producer_find(state, producer_id);
    const struct producer_invited *invited = producer == NULL ? NULL : producer->invited;
    return invited != NULL && invited->epoch == epoch && invited->id_len == id_len &&
           memcmp(invited->id, id, id_len) == 0;
}

void producer_state_uninvite(struct producer_state *state, int64_t producer_id) {
    struct producer *producer = producer_find(state, producer_id);
    if (producer != NULL && !MUTANT(MUTANT_INVITATION_KEPT)) producer_drop_invitation(producer);
}

kafka_offset producer_state_first_open(const struct producer_state *state) {
    const struct producer *first = state->open;
    while (MUTANT(MUTANT_STABLE_BY_MARKER_IN_FLIGHT) && first != NULL &&
           !producer_outlook_of(first).open)
        first = first->open_next;
    return first != NULL ? first->open_offset : -1;
}

const struct aborted_list *producer_state_aborted(const struct producer_state *state) {
    return &state->aborted;
}

void producer_state_log_start(struct producer_state *state, kafka_offset start) {
    size_t before = state->aborted.count;
    aborted_list_cut(&state->aborted, start);
    if (state->aborted.count < before) producer_walks_stale(state);
}
