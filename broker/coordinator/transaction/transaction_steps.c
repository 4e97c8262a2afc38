/* The steps of an id, one after the other, each when the one before is over. */
#include <utlist.h>

#include "base/check.h"
#include "broker/coordinator/transaction/transaction.h"
#include "protocol/kafka_error.h"

enum {
    /* Of a record, so that its end has room in what a batch may have, too. */
    RECORD_MOST = 512 << 10,
    ADDED_MOST = 1024, /* partitions, by more than one call with one record */
};

/* ---- Steps ---- */

static struct transaction_moment moment_of(const struct transaction *row) {
    const struct transaction_coordinator_options *options = &row->table->options;
    return (struct transaction_moment){.now_ms = env_wall_ms(options->env),
                                       .new_id = row->work->new_id,
                                       .version = options->version(options->arg)};
}

/* `call` and those behind it that are served with it, in that state. */
static struct transaction_verdict judge(const struct transaction *row,
                                        const struct transaction_state *state,
                                        const struct transaction_call *call, size_t count) {
    struct transaction_moment moment = moment_of(row);
    if (call->kind == TRANSACTION_INIT) return transaction_judge_init(state, &call->init, &moment);
    if (call->kind == TRANSACTION_END) return transaction_judge_end(state, &call->end, &moment);
    struct transaction_add_ask ask = call->add;
    struct transaction_partitions all = {0};
    if (count == 1) return transaction_judge_add(state, &ask, &moment);
    for (size_t i = 0; i < count; i++, call = call->next)
        transaction_partitions_add_all(&all, call->add.partitions);
    transaction_partitions_settle(&all);
    ask.partitions = &all;
    struct transaction_verdict verdict = transaction_judge_add(state, &ask, &moment);
    transaction_partitions_close(&all);
    return verdict;
}

/* Each would be judged as the other. */
static bool is_alike(const struct transaction_call *a, const struct transaction_call *b) {
    return a->kind == TRANSACTION_ADD && b->kind == TRANSACTION_ADD && !a->add.verifies &&
           !b->add.verifies && a->add.producer_id == b->add.producer_id &&
           a->add.epoch == b->add.epoch && a->add.client_version == b->add.client_version;
}

/* So many of those that wait are served together. */
static size_t count_alike(const struct transaction_call *first) {
    size_t count = 1, partitions = 0;
    if (!is_alike(first, first)) return count;
    partitions = transaction_partitions_count(first->add.partitions);
    for (const struct transaction_call *call = first->next; call != NULL; call = call->next) {
        if (!is_alike(first, call)) break;
        partitions += transaction_partitions_count(call->add.partitions);
        if (partitions > ADDED_MOST) break;
        count++;
    }
    return count;
}

/* The first that wait, out of the line. */
static struct transaction_call *take_first(struct transaction_work *work, size_t count) {
    struct transaction_call *taken = NULL;
    for (size_t i = 0; i < count; i++) {
        struct transaction_call *call = work->waiting;
        DL_DELETE(work->waiting, call);
        DL_APPEND(taken, call);
    }
    work->waiting_count -= count;
    return taken;
}

/* What would be too large for its end does not begin. */
static bool is_too_large(const struct transaction_state *next) {
    struct kp_writer writer;
    kp_writer_init(&writer, INT32_MAX);
    kp_writer_measure(&writer);
    transaction_state_write(next, &writer);
    bool large = writer.len > RECORD_MOST;
    kp_writer_close(&writer);
    return large;
}

/* The taken id is in it. */
static void note_use_of_id(struct transaction_work *work, const struct transaction_state *next) {
    if (next->producer_id == work->new_id || next->next_id == work->new_id) work->new_id = -1;
}

static bool grows(const struct transaction *row, const struct transaction_state *next) {
    return next->status == TRANSACTION_ONGOING || row->state == NULL;
}

static void answer_all(const struct transaction *row, struct transaction_call *calls,
                       int16_t error) {
    while (calls != NULL) {
        struct transaction_call *call = calls;
        DL_DELETE(calls, call);
        transaction_call_answer(row->table, call, error);
    }
}

static void write_for(struct transaction *row, struct transaction_call *calls,
                      const struct transaction_verdict *verdict) {
    struct transaction_work *work = row->work;
    if (grows(row, &verdict->next) && transaction_memory_spent(row->table, row->state != NULL)) {
        answer_all(row, calls, KAFKA_COORDINATOR_NOT_AVAILABLE);
    } else if (grows(row, &verdict->next) && is_too_large(&verdict->next)) {
        answer_all(row, calls, KAFKA_UNKNOWN_SERVER_ERROR);
    } else {
        calls->producer_id = verdict->producer_id; /* of adds nobody asks for it */
        calls->epoch = verdict->epoch;
        work->judges_again = verdict->kind == TRANSACTION_FENCE;
        note_use_of_id(work, &verdict->next);
        transaction_write(row, (const struct transaction_state *[]){&verdict->next}, 1, calls);
    }
}

static void conclude_all(const struct transaction *row, struct transaction_call *calls,
                         const struct transaction_verdict *verdict) {
    while (calls != NULL) {
        struct transaction_call *call = calls;
        DL_DELETE(calls, call);
        transaction_call_conclude(row->table, call, verdict);
    }
}

/* What is asked may be done or is done. Judging knows no connections: an end of the transaction
 * before looks like one of this one, unless each has its epoch. False: it was held up on its way.
 */
static bool is_heard(struct transaction *row, const struct transaction_call *call,
                     const struct transaction_verdict *verdict) {
    bool refused = verdict->kind == TRANSACTION_ANSWER && verdict->error != KAFKA_NONE;
    if (refused || call->connected_us == 0) return true;
    if (call->connected_us >= row->heard_us) {
        row->heard_us = call->connected_us;
        return true;
    }
    return call->kind != TRANSACTION_END || call->end.raises_epoch;
}

static void serve_first(struct transaction *row) {
    struct transaction_work *work = row->work;
    size_t count = count_alike(work->waiting);
    struct transaction_verdict verdict = judge(row, row->state, work->waiting, count);
    if (count > 1 && verdict.kind == TRANSACTION_WRITE && is_too_large(&verdict.next)) {
        transaction_state_close(&verdict.next);
        count = 1;
        verdict = judge(row, row->state, work->waiting, count);
    }
    CHECK(verdict.kind != TRANSACTION_WAIT); /* nothing is being ended: `step` looked */
    bool heard = is_heard(row, work->waiting, &verdict);
    struct transaction_call *calls = take_first(work, count);
    if (!heard) {
        answer_all(row, calls, KAFKA_NETWORK_EXCEPTION);
        if (verdict.kind == TRANSACTION_WRITE) transaction_state_close(&verdict.next);
    } else if (verdict.kind == TRANSACTION_ANSWER) {
        conclude_all(row, calls, &verdict);
    } else if (verdict.kind == TRANSACTION_TAKE_ID) {
        transaction_take_id(row, calls);
    } else {
        write_for(row, calls, &verdict);
        transaction_state_close(&verdict.next);
    }
}

/* Writes `completed` together with the transaction that the adds that wait begin. False: none of
 * them does now. */
static bool complete_and_begin(struct transaction *row, const struct transaction_state *completed) {
    struct transaction_work *work = row->work;
    if (work->waiting == NULL || work->waiting->kind != TRANSACTION_ADD ||
        transaction_memory_spent(row->table, true))
        return false;
    size_t count = count_alike(work->waiting);
    struct transaction_verdict verdict = judge(row, completed, work->waiting, count);
    if (verdict.kind != TRANSACTION_WRITE) return false;
    bool begins = !is_too_large(&verdict.next);
    if (begins) is_heard(row, work->waiting, &verdict);
    if (begins)
        transaction_write(row, (const struct transaction_state *[]){completed, &verdict.next},
                          TRANSACTION_RECORDS_MOST, take_first(work, count));
    transaction_state_close(&verdict.next);
    return begins;
}

/* All partitions have their markers. */
static void complete(struct transaction *row) {
    struct transaction_state next = transaction_completed(row->state,
                                                          env_wall_ms(row->table->options.env));
    row->work->judges_again = false;
    if (!complete_and_begin(row, &next))
        transaction_write(row, (const struct transaction_state *[]){&next}, 1, NULL);
    transaction_state_close(&next);
}

static void fence(struct transaction *row) {
    struct transaction_moment moment = moment_of(row);
    struct transaction_verdict verdict = transaction_judge_fence(row->state, &moment);
    if (verdict.kind == TRANSACTION_TAKE_ID) {
        transaction_take_id(row, NULL);
        return;
    }
    row->work->judges_again = false;
    note_use_of_id(row->work, &verdict.next);
    transaction_write(row, (const struct transaction_state *[]){&verdict.next}, 1, NULL);
    transaction_state_close(&verdict.next);
}

/* Once: if it cannot be written now, the next look for such ids comes. */
static void expire(struct transaction *row) {
    struct transaction_work *work = row->work;
    work->expires = false;
    work->judges_again = false;
    transaction_write(row, NULL, 0, NULL);
}

/* One; false: there is none to take now. */
static bool step(struct transaction *row) {
    struct transaction_work *work = row->work;
    if (!row->table->leading) return false; /* `lost` comes, and ends them all */
    if (work->in_doubt) {
        transaction_calls_refuse(row, KAFKA_COORDINATOR_NOT_AVAILABLE);
        return false;
    }
    if (work->doing != TRANSACTION_AT_REST) return false;
    bool ends = row->state != NULL && transaction_is_prepared(row->state->status);
    if (ends && !work->is_marked && row->state->partitions.count > 0)
        transaction_send_markers(row);
    else if (ends)
        complete(row);
    else if (work->is_due)
        fence(row);
    else if (work->waiting != NULL)
        serve_first(row);
    else if (work->expires)
        expire(row);
    else
        return false;
    return true;
}

void transaction_go_on(struct transaction *row) {
    struct transaction_work *work = row->work;
    if (work == NULL || work->running) return;
    work->running = true;
    while (step(row))
        continue;
    work->running = false;
    transaction_settle(row);
}
