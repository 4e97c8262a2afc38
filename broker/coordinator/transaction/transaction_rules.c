/* The tables of Kafka's coordinator: by state, then by producer id and epoch. */
#include "broker/coordinator/transaction/transaction_rules.h"

#include "base/check.h"
#include "base/mutant.h"
#include "protocol/kafka_error.h"

/* ---- Verdicts ---- */

static struct transaction_verdict answer(int16_t error) {
    return (struct transaction_verdict){.kind = TRANSACTION_ANSWER,
                                        .error = error,
                                        .confirm = true,
                                        .producer_id = -1,
                                        .epoch = -1};
}

/* Somebody newer is there. Epochs only grow: of one below ours that is known for certain. */
static struct transaction_verdict fenced(const struct transaction_state *state, int64_t producer_id,
                                         int16_t epoch) {
    struct transaction_verdict verdict = answer(KAFKA_PRODUCER_FENCED);
    verdict.confirm = producer_id != state->producer_id || epoch > state->epoch;
    return verdict;
}

static struct transaction_verdict identity(const struct transaction_state *state) {
    struct transaction_verdict verdict = answer(KAFKA_NONE);
    verdict.producer_id = state->producer_id;
    verdict.epoch = state->epoch;
    return verdict;
}

static struct transaction_verdict only(enum transaction_verdict_kind kind) {
    return (struct transaction_verdict){.kind = kind};
}

/* Who the producer is when `next` is over. */
static struct transaction_verdict write(enum transaction_verdict_kind kind,
                                        struct transaction_state next) {
    bool rotates = next.next_id != -1;
    return (struct transaction_verdict){.kind = kind,
                                        .producer_id = rotates ? next.next_id : next.producer_id,
                                        .epoch = rotates ? 0 : next.epoch,
                                        .next = next};
}

/* What follows, with the same partitions, or with none. */
static struct transaction_state follow(const struct transaction_state *state,
                                       enum transaction_status status, bool with_partitions,
                                       int64_t now_ms) {
    struct transaction_state next = *state;
    CHECK(transaction_may_move(state->status, status)); /* each judge has looked at the state */
    next.partitions = with_partitions ? transaction_partitions_copy(&state->partitions)
                                      : (struct transaction_partitions){0};
    next.status = status;
    next.previous_id = state->producer_id;
    next.update_ms = now_ms;
    return next;
}

static bool is_used_up(const struct transaction_state *state) {
    return state->epoch >= TRANSACTION_EPOCH_LAST;
}

/* ---- InitProducerId ---- */

static bool is_its_producer(const struct transaction_state *state,
                            const struct transaction_init_ask *ask) {
    if (ask->producer_id == -1 || ask->producer_id == state->producer_id) return true;
    if (state->epoch == -1) return true;
    /* It may not have heard that it got another id. */
    return ask->producer_id == state->previous_id && ask->epoch >= TRANSACTION_EPOCH_LAST;
}

static struct transaction_verdict init_new(const struct transaction_init_ask *ask,
                                           const struct transaction_moment *moment) {
    if (moment->new_id == -1) return only(TRANSACTION_TAKE_ID);
    return write(TRANSACTION_WRITE, (struct transaction_state){.status = TRANSACTION_EMPTY,
                                                               .producer_id = moment->new_id,
                                                               .previous_id = -1,
                                                               .next_id = -1,
                                                               .last_epoch = -1,
                                                               .timeout_ms = ask->timeout_ms,
                                                               .update_ms = moment->now_ms,
                                                               .start_ms = -1});
}

/* No transaction is open: the next epoch, or id. */
static struct transaction_verdict init_next(const struct transaction_state *state,
                                            const struct transaction_init_ask *ask,
                                            const struct transaction_moment *moment) {
    bool given = ask->producer_id != -1;
    bool goes_on = !given || ask->epoch == state->epoch || state->epoch == -1;
    if (!goes_on && ask->epoch != state->last_epoch)
        return fenced(state, ask->producer_id, ask->epoch);
    if (goes_on && is_used_up(state) && moment->new_id == -1) return only(TRANSACTION_TAKE_ID);
    struct transaction_state next = follow(state, TRANSACTION_EMPTY, false, moment->now_ms);
    next.timeout_ms = ask->timeout_ms;
    next.start_ms = -1;
    if (goes_on) {
        next.last_epoch = given ? state->epoch : -1;
        next.epoch = is_used_up(state) ? 0 : (int16_t)(state->epoch + 1);
        if (MUTANT(MUTANT_INIT_KEEPS_EPOCH)) next.epoch = state->epoch;
        if (is_used_up(state)) next.producer_id = moment->new_id;
    } /* else it asks again for what it did not hear */
    return write(TRANSACTION_WRITE, next);
}

struct transaction_verdict transaction_judge_init(const struct transaction_state *state,
                                                  const struct transaction_init_ask *ask,
                                                  const struct transaction_moment *moment) {
    if (state == NULL) return init_new(ask, moment);
    if (transaction_is_prepared(state->status)) return only(TRANSACTION_WAIT);
    if (!is_its_producer(state, ask)) return fenced(state, ask->producer_id, ask->epoch);
    if (state->status != TRANSACTION_ONGOING) return init_next(state, ask, moment);
    if (ask->producer_id != -1 && ask->epoch != state->epoch)
        return fenced(state, ask->producer_id, ask->epoch);
    return transaction_judge_fence(state, moment);
}

/* ---- AddPartitionsToTxn, AddOffsetsToTxn, verification ---- */

static struct transaction_verdict add(const struct transaction_state *state,
                                      const struct transaction_add_ask *ask,
                                      const struct transaction_moment *moment) {
    bool goes_on = state->status == TRANSACTION_ONGOING;
    struct transaction_state next = follow(state, TRANSACTION_ONGOING, goes_on, moment->now_ms);
    transaction_partitions_add_all(&next.partitions, ask->partitions);
    transaction_partitions_settle(&next.partitions);
    if (!goes_on) next.start_ms = moment->now_ms;
    next.client_version = ask->client_version;
    return write(TRANSACTION_WRITE, next);
}

struct transaction_verdict transaction_judge_add(const struct transaction_state *state,
                                                 const struct transaction_add_ask *ask,
                                                 const struct transaction_moment *moment) {
    if (state == NULL) return answer(KAFKA_INVALID_PRODUCER_ID_MAPPING);
    if (transaction_is_prepared(state->status)) return only(TRANSACTION_WAIT);
    if (ask->producer_id != state->producer_id) return answer(KAFKA_INVALID_PRODUCER_ID_MAPPING);
    if (ask->epoch != state->epoch) return fenced(state, ask->producer_id, ask->epoch);
    bool is_in = state->status == TRANSACTION_ONGOING &&
                 transaction_partitions_have_all(&state->partitions, ask->partitions);
    if (is_in) return identity(state);
    return ask->verifies ? answer(KAFKA_TRANSACTION_ABORTABLE) : add(state, ask, moment);
}

/* ---- EndTxn ---- */

/* PrepareX, the epoch raised, so that what is late of this transaction meets another one. */
static struct transaction_verdict prepare_raised(const struct transaction_state *state,
                                                 enum transaction_status status,
                                                 enum transaction_verdict_kind kind,
                                                 const struct transaction_moment *moment) {
    bool rotates = is_used_up(state) && state->epoch != INT16_MAX;
    if (rotates && moment->new_id == -1) return only(TRANSACTION_TAKE_ID);
    struct transaction_state next = follow(state, status, true, moment->now_ms);
    next.client_version = TRANSACTION_RAISES_EPOCH;
    if (state->status != TRANSACTION_ONGOING) next.start_ms = moment->now_ms; /* of nothing */
    bool kept = (MUTANT(MUTANT_FENCE_KEEPS_EPOCH) && kind == TRANSACTION_FENCE) ||
                (MUTANT(MUTANT_END_KEEPS_EPOCH) && kind == TRANSACTION_WRITE);
    if (state->epoch != INT16_MAX && !kept) {
        next.last_epoch = state->epoch;
        next.epoch = (int16_t)(state->epoch + (MUTANT(MUTANT_EPOCH_RAISED_TWICE) ? 2 : 1));
    }
    if (rotates) next.next_id = moment->new_id;
    return write(kind, next);
}

static struct transaction_verdict end_kept(const struct transaction_state *state,
                                           const struct transaction_end_ask *ask,
                                           const struct transaction_moment *moment) {
    enum transaction_status same = ask->commit ? TRANSACTION_COMPLETE_COMMIT
                                               : TRANSACTION_COMPLETE_ABORT;
    if (ask->producer_id != state->producer_id) return answer(KAFKA_INVALID_PRODUCER_ID_MAPPING);
    if (ask->epoch != state->epoch && !MUTANT(MUTANT_OLD_EPOCH_ENDS))
        return fenced(state, ask->producer_id, ask->epoch);
    if (state->status == same) return identity(state);
    if (state->status != TRANSACTION_ONGOING) return answer(KAFKA_INVALID_TXN_STATE);
    struct transaction_state next = follow(
        state, ask->commit ? TRANSACTION_PREPARE_COMMIT : TRANSACTION_PREPARE_ABORT, true,
        moment->now_ms);
    next.client_version = 0;
    return write(TRANSACTION_WRITE, next);
}

/* It ends with the epoch that it has heard of last. */
static struct transaction_verdict end_current(const struct transaction_state *state,
                                              const struct transaction_end_ask *ask,
                                              const struct transaction_moment *moment) {
    enum transaction_status to = ask->commit ? TRANSACTION_PREPARE_COMMIT
                                             : TRANSACTION_PREPARE_ABORT;
    /* It may abort what did not begin, when it cannot know whether it did. */
    if (state->status != TRANSACTION_ONGOING && ask->commit) return answer(KAFKA_INVALID_TXN_STATE);
    return prepare_raised(state, to, TRANSACTION_WRITE, moment);
}

/* It did not hear how the transaction before ended. */
static struct transaction_verdict end_again(const struct transaction_state *state,
                                            const struct transaction_end_ask *ask) {
    enum transaction_status same = ask->commit ? TRANSACTION_COMPLETE_COMMIT
                                               : TRANSACTION_COMPLETE_ABORT;
    /* A fence took the last epoch, which nobody may have. */
    if (state->epoch == INT16_MAX) return fenced(state, ask->producer_id, ask->epoch);
    if (state->status == same) return identity(state);
    if (state->status == TRANSACTION_COMPLETE_COMMIT) return answer(KAFKA_INVALID_TXN_STATE);
    /* A timeout came before it (KAFKA-20785), or a newer producer. */
    return fenced(state, ask->producer_id, ask->epoch);
}

static struct transaction_verdict end_raised(const struct transaction_state *state,
                                             const struct transaction_end_ask *ask,
                                             const struct transaction_moment *moment) {
    bool own = ask->producer_id == state->producer_id;
    /* Else the newer epoch is that of somebody who came after it, and keeps it at each end. */
    bool raised = state->client_version >= TRANSACTION_RAISES_EPOCH;
    bool rotated = ask->producer_id == state->previous_id && ask->epoch == TRANSACTION_EPOCH_LAST &&
                   state->epoch == 0;
    if (own && ask->epoch == state->epoch) return end_current(state, ask, moment);
    if (raised && (rotated || (own && ask->epoch + 1 == state->epoch)))
        return end_again(state, ask);
    return own ? fenced(state, ask->producer_id, ask->epoch)
               : answer(KAFKA_INVALID_PRODUCER_ID_MAPPING);
}

struct transaction_verdict transaction_judge_end(const struct transaction_state *state,
                                                 const struct transaction_end_ask *ask,
                                                 const struct transaction_moment *moment) {
    if (state == NULL) return answer(KAFKA_INVALID_PRODUCER_ID_MAPPING);
    if (transaction_is_prepared(state->status)) return only(TRANSACTION_WAIT);
    return ask->raises_epoch ? end_raised(state, ask, moment) : end_kept(state, ask, moment);
}

/* ---- Ends that nobody asked for ---- */

struct transaction_verdict transaction_judge_fence(const struct transaction_state *state,
                                                   const struct transaction_moment *moment) {
    CHECK(state->status == TRANSACTION_ONGOING); /* nothing else is to be ended */
    if (moment->version >= TRANSACTION_RAISES_EPOCH)
        return prepare_raised(state, TRANSACTION_PREPARE_ABORT, TRANSACTION_FENCE, moment);
    struct transaction_state next = follow(state, TRANSACTION_PREPARE_ABORT, true, moment->now_ms);
    next.client_version = 0;
    next.last_epoch = -1; /* whoever had it is not to come back with it */
    if (state->epoch != INT16_MAX && !MUTANT(MUTANT_FENCE_KEEPS_EPOCH)) next.epoch++;
    return write(TRANSACTION_FENCE, next);
}

struct transaction_state transaction_completed(const struct transaction_state *state,
                                               int64_t now_ms) {
    struct transaction_state next = follow(state,
                                           state->status == TRANSACTION_PREPARE_COMMIT
                                               ? TRANSACTION_COMPLETE_COMMIT
                                               : TRANSACTION_COMPLETE_ABORT,
                                           false, now_ms);
    if (state->next_id != -1) {
        next.producer_id = state->next_id;
        next.epoch = 0;
    }
    next.next_id = -1;
    return next;
}
