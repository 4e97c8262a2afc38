/* The steps of an id, one after the other, each when the one before is over. */
#include <utlist.h>

#include "base/check.h"
#include "broker/coordinator/transaction/transaction.h"
#include "protocol/kafka_error.h"

enum {
    /* Of a record, so that its end has room in what a batch may have, too. */
    RECORD_MOST = 512 << 10,
};

/* ---- Steps ---- */

static struct transaction_moment moment_of(const struct transaction *row) {
    const struct transaction_coordinator_options *options = &row->table->options;
    return (struct transaction_moment){.now_ms = env_wall_ms(options->env),
                                       .new_id = row->work->new_id,
                                       .version = options->version(options->arg)};
}

static struct transaction_verdict judge(const struct transaction *row,
                                        const struct transaction_call *call) {
    struct transaction_moment moment = moment_of(row);
    switch (call->kind) {
    case TRANSACTION_INIT: return transaction_judge_init(row->state, &call->init, &moment);
    case TRANSACTION_ADD: return transaction_judge_add(row->state, &call->add, &moment);
    default: return transaction_judge_end(row->state, &call->end, &moment);
    }
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

static void write_for(struct transaction *row, struct transaction_call *call,
                      struct transaction_verdict *verdict) {
    struct transaction_work *work = row->work;
    bool grows = verdict->next.status == TRANSACTION_ONGOING || row->state == NULL;
    if (grows && transaction_memory_spent(row->table, row->state != NULL)) {
        transaction_call_answer(row->table, call, KAFKA_COORDINATOR_NOT_AVAILABLE);
    } else if (grows && is_too_large(&verdict->next)) {
        transaction_call_answer(row->table, call, KAFKA_UNKNOWN_SERVER_ERROR);
    } else {
        call->producer_id = verdict->producer_id;
        call->epoch = verdict->epoch;
        work->judges_again = verdict->kind == TRANSACTION_FENCE;
        note_use_of_id(work, &verdict->next);
        transaction_write(row, &verdict->next, call);
    }
    transaction_state_close(&verdict->next);
}

static void serve_first(struct transaction *row) {
    struct transaction_work *work = row->work;
    struct transaction_call *call = work->waiting;
    struct transaction_verdict verdict = judge(row, call);
    CHECK(verdict.kind != TRANSACTION_WAIT); /* nothing is being ended: `step` looked */
    DL_DELETE(work->waiting, call);
    work->waiting_count--;
    if (verdict.kind == TRANSACTION_ANSWER)
        transaction_call_conclude(row->table, call, &verdict);
    else if (verdict.kind == TRANSACTION_TAKE_ID)
        transaction_take_id(row, call);
    else
        write_for(row, call, &verdict);
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
    transaction_write(row, &verdict.next, NULL);
    transaction_state_close(&verdict.next);
}

/* Once: if it cannot be written now, the next look for such ids comes. */
static void expire(struct transaction *row) {
    struct transaction_work *work = row->work;
    work->expires = false;
    work->judges_again = false;
    transaction_write(row, NULL, NULL);
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
    if (row->state != NULL && transaction_is_prepared(row->state->status))
        transaction_end_step(row);
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
