/*
 * Acknowledgements of one request for one share-partition: all are looked at before any of them
 * counts. How long they take depends on the locks that they touch and the types that were sent, not
 * on the offsets that they name.
 */
#include "base/mutant.h"
#include "broker/share/share_queue_internal.h"
#include "protocol/kafka_error.h"

/* ---- Looking ---- */

static bool makes_sense(const struct share_ack *ack, bool renews) {
    if (ack->at.first < 0 || ack->at.first > ack->at.last || ack->at.last == INT64_MAX ||
        ack->type_count == 0)
        return false;
    if (ack->type_count > 1 &&
        (uint64_t)(ack->at.last - ack->at.first) != (uint64_t)ack->type_count - 1)
        return false;
    for (size_t i = 0; i < ack->type_count; i++)
        if (ack->types[i] < SHARE_ACK_GAP || ack->types[i] > SHARE_ACK_RENEW ||
            (ack->types[i] == SHARE_ACK_RENEW && !renews))
            return false;
    return true;
}

static bool wants_renewal(const struct share_ack *ack) {
    for (size_t i = 0; i < ack->type_count; i++)
        if (ack->types[i] == SHARE_ACK_RENEW) return true;
    return false;
}

/* Every record from there to the end of the acknowledgement is the holder's, and not ending. */
static bool is_held(const struct share_queue *queue, const struct share_ack *ack, uint64_t holder) {
    kafka_offset at = ack->at.first < queue->state->start ? queue->state->start : ack->at.first;
    size_t place = offset_ranges_find(&queue->locks, at);
    while (at <= ack->at.last) {
        const struct share_lock *lock = place < queue->locks.count ? share_lock_at(queue, place++)
                                                                   : NULL;
        if (lock == NULL || lock->at.first > at || lock->ending ||
            (lock->holder != holder && !MUTANT(MUTANT_SHARE_ANY_HOLDER)))
            return false;
        at = lock->at.last + 1;
    }
    return true;
}

/* As in Kafka one may begin with the record with which the one before it ends. */
bool share_acks_make_sense(const struct share_ack *acks, size_t count, bool renews) {
    for (size_t i = 0; i < count; i++)
        if (!makes_sense(&acks[i], renews) || (i > 0 && acks[i].at.first < acks[i - 1].at.last))
            return false;
    return true;
}

/* Of a record that is held the second one finds that the first has ended it. */
static bool is_named_before(const struct share_queue *queue, const struct share_ack *acks,
                            size_t at) {
    return at > 0 && acks[at].at.first == acks[at - 1].at.last &&
           acks[at].at.first >= queue->state->start;
}

static int16_t look(const struct share_queue *queue, const struct share_limits *limits,
                    const struct share_ack *acks, size_t count, uint64_t holder) {
    for (size_t i = 0; i < count; i++) {
        if (is_named_before(queue, acks, i)) return KAFKA_INVALID_RECORD_STATE;
        if (wants_renewal(&acks[i]) && !limits->renew) return KAFKA_INVALID_RECORD_STATE;
        if (!is_held(queue, &acks[i], holder)) return KAFKA_INVALID_RECORD_STATE;
    }
    return KAFKA_NONE;
}

/* ---- Counting ---- */

static enum share_ending ending_of(int8_t type) {
    switch (type) {
    case SHARE_ACK_ACCEPT: return SHARE_ENDS_ACCEPTED;
    case SHARE_ACK_RELEASE: return SHARE_ENDS_RELEASED;
    case SHARE_ACK_REJECT: return SHARE_ENDS_REJECTED;
    default: return SHARE_ENDS_NO_RECORD;
    }
}

/* A gap is no record. */
static void count(const struct share_queue *queue, const struct share_lock *lock, int8_t type) {
    if (type == SHARE_ACK_ACCEPT) share_lock_counts(queue, lock, SHARE_END_ACCEPTED);
    if (type == SHARE_ACK_RELEASE) share_lock_counts(queue, lock, SHARE_END_RELEASED);
    if (type == SHARE_ACK_REJECT) share_lock_counts(queue, lock, SHARE_END_REJECTED);
}

/* These records, of one type. */
static void take_run(struct share_queue *queue, const struct share_limits *limits,
                     struct offset_range run, int8_t type, uint64_t now_ms,
                     struct offset_ranges *outcomes) {
    size_t from = offset_ranges_split(&queue->locks, run.first),
           to = offset_ranges_split(&queue->locks, run.last + 1);
    for (size_t i = from; i < to; i++) {
        struct share_lock *lock = share_lock_at(queue, i);
        if (type == SHARE_ACK_RENEW) {
            lock->deadline_ms = now_ms + limits->lock_ms;
            continue;
        }
        share_lock_end(queue, limits, lock, ending_of(type), outcomes);
        count(queue, lock, type);
    }
}

static void take(struct share_queue *queue, const struct share_limits *limits,
                 const struct share_ack *ack, uint64_t now_ms, struct offset_ranges *outcomes) {
    struct offset_range run = ack->at;
    if (run.first < queue->state->start) run.first = queue->state->start;
    while (run.first <= ack->at.last) {
        size_t at = (size_t)(run.first - ack->at.first), to = at;
        run.last = ack->at.last;
        if (ack->type_count > 1) {
            while (to + 1 < ack->type_count && ack->types[to + 1] == ack->types[at])
                to++;
            run.last = ack->at.first + (kafka_offset)to;
        }
        take_run(queue, limits, run, ack->types[ack->type_count > 1 ? at : 0], now_ms, outcomes);
        run.first = run.last + 1;
    }
}

int16_t share_queue_acknowledge(struct share_queue *queue, const struct share_limits *limits,
                                const struct share_ack *acks, size_t count, uint64_t holder,
                                uint64_t now_ms, struct offset_ranges *outcomes) {
    int16_t code = look(queue, limits, acks, count, holder);
    for (size_t i = 0; code == KAFKA_NONE && i < count; i++)
        take(queue, limits, &acks[i], now_ms, outcomes);
    if (code == KAFKA_NONE) share_queue_followers_end(queue, outcomes);
    return code;
}
