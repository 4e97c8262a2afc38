/* What an id waits for, one thing at a time, before it goes on: a record that is written, a
 * producer id, a while. */
#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/error.h"
#include "base/mutant.h"
#include "broker/coordinator/transaction/transaction.h"
#include "broker/producer/producer_state.h"
#include "protocol/kafka_error.h"

enum {
    RETRY_MS = 100,
    ADDS_BY_PRODUCING = 2, /* transaction.version of the client */
};

static struct transaction_table *table_of(const struct transaction_work *work) {
    return work->row->table;
}

/* ---- Pauses ---- */

static void pause_over(struct group_timer *timer) {
    struct transaction_work *work = CONTAINER_OF(timer, struct transaction_work, pause);
    work->doing = TRANSACTION_AT_REST;
    table_of(work)->go_on(work->row);
}

void transaction_pause(struct transaction *row, uint32_t pause_ms) {
    struct transaction_work *work = row->work;
    work->doing = TRANSACTION_PAUSING;
    work->pause.due = pause_over;
    group_timer_set(row->table->timers, &work->pause,
                    env_now_ms(row->table->options.env) + pause_ms);
}

/* ---- Producer ids ---- */

static void on_id(struct producer_id_wait *wait, int16_t error, int64_t id) {
    struct transaction_work *work = CONTAINER_OF(wait, struct transaction_work, id_wait);
    struct transaction *row = work->row;
    struct transaction_call *call = work->runs;
    work->runs = NULL;
    work->doing = TRANSACTION_AT_REST;
    if (error == KAFKA_NONE) {
        work->new_id = id;
        if (call != NULL) transaction_call_wait(row, call, true);
    } else if (call != NULL) {
        transaction_call_answer(row->table, call, KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    } else {
        transaction_pause(row, RETRY_MS);
    }
    table_of(work)->go_on(row);
}

void transaction_take_id(struct transaction *row, struct transaction_call *runs) {
    struct transaction_work *work = row->work;
    work->doing = TRANSACTION_TAKING_ID;
    work->runs = runs;
    if (runs != NULL) runs->stage = TRANSACTION_CALL_RUNS;
    work->id_wait = (struct producer_id_wait){.done = on_id};
    row->table->options.take_id(row->table->options.arg, &work->id_wait);
}

/* ---- Writes ---- */

static int16_t code_of(int16_t error) {
    return error == KAFKA_RECORD_LIST_TOO_LARGE ? KAFKA_UNKNOWN_SERVER_ERROR : error;
}

/* What it has added is in the log. Who adds by producing has the leaders wait for the answer. */
static void invite(const struct transaction *row, const struct transaction_call *call) {
    const struct transaction_table *table = row->table;
    if (call->kind != TRANSACTION_ADD || call->add.client_version >= ADDS_BY_PRODUCING) return;
    struct producer_invitation invitation = {.producer_id = call->add.producer_id,
                                             .epoch = call->add.epoch,
                                             .coordinator_epoch = coordinator_log_epoch(table->log),
                                             .id = row->id.data,
                                             .id_len = (size_t)row->id.len};
    table->options.invite(table->options.arg, &invitation, call->add.partitions);
}

/* Whoever ran is told, or waits again. */
static void runs_over(struct transaction *row, int16_t error) {
    struct transaction_work *work = row->work;
    bool again = work->judges_again && error == KAFKA_NONE;
    while (work->runs != NULL) {
        struct transaction_call *call = work->runs;
        DL_DELETE(work->runs, call);
        if (error == KAFKA_NONE) invite(row, call);
        if (again)
            transaction_call_wait(row, call, true);
        else
            transaction_call_answer(row->table, call, code_of(error));
    }
}

/* The state is what was written, if it was. */
static void on_written(struct coordinator_write *write, int16_t error) {
    struct transaction_work *work = CONTAINER_OF(write, struct transaction_work, write);
    struct transaction *row = work->row;
    struct transaction_table *table = row->table;
    /* Of a completion it is the coordinator's, whoever gains by it. */
    bool own = work->runs == NULL ||
               (row->state != NULL && transaction_is_prepared(row->state->status));
    work->doing = TRANSACTION_AT_REST;
    if (error == KAFKA_NOT_COORDINATOR) table->leading = false;
    if (error == KAFKA_COORDINATOR_NOT_AVAILABLE && coordinator_log_in_doubt(table->log))
        work->in_doubt = true;
    runs_over(row, error);
    if (own && error != KAFKA_NONE && table->leading) transaction_pause(row, RETRY_MS);
    table_of(work)->go_on(row);
}

static void write_states(struct transaction *row, const struct transaction_state *const *next,
                         size_t count) {
    struct coordinator_record records[TRANSACTION_RECORDS_MOST];
    size_t value_at[TRANSACTION_RECORDS_MOST + 1];
    struct kp_writer writer;
    CHECK(count <= TRANSACTION_RECORDS_MOST);
    kp_writer_init(&writer, INT32_MAX);
    transaction_key_write(row->id, &writer);
    value_at[0] = writer.len;
    for (size_t i = 0; i < count; i++) {
        transaction_state_write(next[i], &writer);
        value_at[i + 1] = writer.len;
    }
    CHECK(writer.error == ERR_NONE); /* ids and names came in strings of the protocol */
    records[0] = (struct coordinator_record){
        .key = writer.data, .key_len = value_at[0], .tombstone = true};
    for (size_t i = 0; i < count; i++)
        records[i] = (struct coordinator_record){.key = writer.data,
                                                 .key_len = value_at[0],
                                                 .value = writer.data + value_at[i],
                                                 .value_len = value_at[i + 1] - value_at[i]};
    coordinator_log_write(row->table->log, records, count == 0 ? 1 : count, &row->work->write);
    kp_writer_close(&writer);
}

void transaction_write(struct transaction *row, const struct transaction_state *const *next,
                       size_t count, struct transaction_call *runs) {
    struct transaction_work *work = row->work;
    struct transaction_call *call;
    work->doing = TRANSACTION_WRITING;
    work->runs = runs;
    work->write.done = on_written;
    DL_FOREACH(runs, call) call->stage = TRANSACTION_CALL_RUNS;
    write_states(row, next, count);
    if (runs != NULL && ((MUTANT(MUTANT_END_TOLD_EARLY) && runs->kind == TRANSACTION_END) ||
                         (MUTANT(MUTANT_ADD_TOLD_EARLY) && runs->kind == TRANSACTION_ADD)))
        runs_over(row, KAFKA_NONE);
}
