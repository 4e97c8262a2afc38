/* Calls from their waiting to their answer. Answers leave from a task, so that whoever is told
 * never meets an id that is half changed. */
#include "broker/coordinator/transaction/transaction_call.h"

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "broker/coordinator/transaction/transaction.h"
#include "protocol/kafka_error.h"

/* ---- Answers ---- */

static void tell_first(struct transaction_table *table) {
    struct transaction_call *call = table->answered;
    DL_DELETE(table->answered, call);
    call->stage = TRANSACTION_CALL_IDLE;
    call->done(call);
}

static void tell_answered(struct env_task *task) {
    struct transaction_table *table = CONTAINER_OF(task, struct transaction_table, telling);
    while (table->answered != NULL) {
        tell_first(table);
        if (table->answered != NULL && env_turn_is_long(table->options.env)) {
            env_yield(table->options.env, &table->telling);
            return;
        }
    }
}

void transaction_calls_tell(struct transaction_table *table) {
    while (table->answered != NULL)
        tell_first(table);
    env_defer_cancel(table->options.env, &table->telling);
}

void transaction_call_answer(struct transaction_table *table, struct transaction_call *call,
                             int16_t error) {
    CHECK(call->stage != TRANSACTION_CALL_ANSWERED);
    group_timer_clear(table->timers, &call->late);
    call->stage = TRANSACTION_CALL_ANSWERED;
    call->table = table;
    call->error = error;
    if (error != KAFKA_NONE) {
        call->producer_id = -1;
        call->epoch = -1;
    }
    DL_APPEND(table->answered, call);
    table->telling.run = tell_answered;
    env_defer(table->options.env, &table->telling);
}

static void on_confirmed(struct coordinator_confirm *confirm, int16_t error) {
    struct transaction_call *call = CONTAINER_OF(confirm, struct transaction_call, confirm);
    transaction_call_answer(call->table, call, error == KAFKA_NONE ? call->error : error);
}

void transaction_call_conclude(struct transaction_table *table, struct transaction_call *call,
                               const struct transaction_verdict *verdict) {
    call->producer_id = verdict->producer_id;
    call->epoch = verdict->epoch;
    if (!verdict->confirm) {
        transaction_call_answer(table, call, verdict->error);
        return;
    }
    group_timer_clear(table->timers, &call->late);
    call->stage = TRANSACTION_CALL_CONFIRMS;
    call->table = table;
    call->error = verdict->error;
    call->confirm.done = on_confirmed;
    coordinator_log_confirm(table->log, &call->confirm);
}

/* ---- Waiting ---- */

static void take_out(struct transaction_call *call) {
    struct transaction_work *work = call->row->work;
    DL_DELETE(work->waiting, call);
    work->waiting_count--;
}

static void on_late(struct group_timer *timer) {
    struct transaction_call *call = CONTAINER_OF(timer, struct transaction_call, late);
    call->is_late = true;
    if (call->stage != TRANSACTION_CALL_WAITS) return; /* it is told how that ends */
    struct transaction *row = call->row;
    take_out(call);
    transaction_call_answer(row->table, call, KAFKA_CONCURRENT_TRANSACTIONS);
    transaction_settle(row);
}

void transaction_call_wait(struct transaction *row, struct transaction_call *call, bool first) {
    struct transaction_table *table = row->table;
    struct transaction_work *work = transaction_work_of(row);
    bool anew = call->stage == TRANSACTION_CALL_IDLE;
    if (call->is_late || (anew && work->waiting_count >= TRANSACTION_WAITING_MOST)) {
        transaction_call_answer(table, call, KAFKA_CONCURRENT_TRANSACTIONS);
        return;
    }
    call->stage = TRANSACTION_CALL_WAITS;
    call->table = table;
    call->row = row;
    work->waiting_count++;
    if (first)
        DL_PREPEND(work->waiting, call);
    else
        DL_APPEND(work->waiting, call);
    if (!anew) return;
    bool inits = call->kind == TRANSACTION_INIT;
    call->late.due = on_late;
    group_timer_set(table->timers, &call->late,
                    env_now_ms(table->options.env) +
                        (inits ? TRANSACTION_INIT_PATIENCE_MS : TRANSACTION_PATIENCE_MS));
}

void transaction_calls_refuse(struct transaction *row, int16_t error) {
    while (row->work != NULL && row->work->waiting != NULL) {
        struct transaction_call *call = row->work->waiting;
        take_out(call);
        transaction_call_answer(row->table, call, error);
    }
}

bool transaction_call_cancel(struct transaction_call *call) {
    struct transaction_table *table = call->table;
    switch (call->stage) {
    case TRANSACTION_CALL_WAITS:
        group_timer_clear(table->timers, &call->late);
        take_out(call);
        transaction_settle(call->row);
        break;
    case TRANSACTION_CALL_CONFIRMS: coordinator_confirm_cancel(&call->confirm); break;
    case TRANSACTION_CALL_ANSWERED: DL_DELETE(table->answered, call); break;
    default: return false;
    }
    call->stage = TRANSACTION_CALL_IDLE;
    return true;
}
