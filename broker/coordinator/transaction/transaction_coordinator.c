/* Records to rows, calls to rows; and the beginnings and ends of leading. */
#include "broker/coordinator/transaction/transaction_coordinator.h"

#include <utlist.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mutant.h"
#include "broker/coordinator/transaction/transaction.h"
#include "protocol/kafka_error.h"

struct transaction_coordinator {
    struct transaction_table table;
};

/* Of a step of `records`: an id may have many partitions. */
enum { STEP_BYTES = 256 << 10 };

struct transaction_coordinator *transaction_coordinator_new(
    const struct transaction_coordinator_options *options, struct coordinator_log *log) {
    struct transaction_coordinator *coordinator = mem_zalloc(sizeof *coordinator);
    transaction_table_init(&coordinator->table, options, log);
    coordinator->table.go_on = transaction_go_on;
    return coordinator;
}

/* ---- Calls ---- */

void transaction_coordinator_call(struct transaction_coordinator *coordinator,
                                  struct transaction_call *call) {
    struct transaction_table *table = &coordinator->table;
    if (!table->leading || call->id.len > INT16_MAX) { /* longer ones fit into no record */
        transaction_call_answer(table, call,
                                table->leading ? KAFKA_INVALID_REQUEST : KAFKA_NOT_COORDINATOR);
        return;
    }
    struct transaction *row = transaction_find(table, call->id);
    if (row == NULL && call->kind != TRANSACTION_INIT) { /* what is not asked leaves no row */
        struct transaction_verdict none = {.kind = TRANSACTION_ANSWER,
                                           .error = KAFKA_INVALID_PRODUCER_ID_MAPPING,
                                           .confirm = true};
        transaction_call_conclude(table, call, &none);
        return;
    }
    if (row == NULL && transaction_memory_spent(table, false)) {
        transaction_call_answer(table, call, KAFKA_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    row = transaction_make(table, call->id);
    transaction_call_wait(row, call, false);
    transaction_go_on(row);
}

/* ---- The state ---- */

/* On the leader: what it decided has committed. */
static void follow_clock(struct transaction *row, bool was_ongoing) {
    bool ongoing = row->state != NULL && row->state->status == TRANSACTION_ONGOING;
    if (row->work != NULL) row->work->is_marked = false;
    if (!ongoing) transaction_clock_stop(row);
    if (ongoing && !was_ongoing && row->state->timeout_ms != INT32_MAX)
        transaction_clock_start(row, (uint64_t)row->state->timeout_ms);
}

static void coordinator_apply(void *state, const struct coordinator_record *record,
                              const struct coordinator_place *place) {
    struct transaction_table *table = &((struct transaction_coordinator *)state)->table;
    struct transaction_state *next = NULL;
    struct kp_string id;
    (void)place;
    if (transaction_key_read(record->key, record->key_len, &id) != ERR_NONE) return;
    if (!record->tombstone) {
        next = mem_zalloc(sizeof *next);
        if (transaction_state_read(record->value, record->value_len, next) != ERR_NONE) {
            mem_free(next); /* of another program: what was known stays */
            return;
        }
    }
    struct transaction *row = transaction_make(table, id);
    bool was_ongoing = row->state != NULL && row->state->status == TRANSACTION_ONGOING;
    transaction_set_state(row, next);
    if (table->leading) follow_clock(row, was_ongoing);
    transaction_settle(row);
}

static void coordinator_leading(void *state) {
    struct transaction_table *table = &((struct transaction_coordinator *)state)->table;
    table->leading = true;
    transaction_sweep_leading(table);
}

static void drop_work(struct transaction *row) {
    struct transaction_table *table = row->table;
    struct transaction_work *work = row->work;
    transaction_calls_refuse(row, KAFKA_NOT_COORDINATOR);
    transaction_end_cancel(row);
    if (work->doing == TRANSACTION_TAKING_ID) {
        table->options.take_id_cancel(table->options.arg, &work->id_wait);
        if (work->runs != NULL) transaction_call_answer(table, work->runs, KAFKA_NOT_COORDINATOR);
    }
    CHECK(work->doing != TRANSACTION_WRITING); /* writes have ended before */
    group_timer_clear(table->timers, &work->timeout);
    group_timer_clear(table->timers, &work->pause);
    transaction_work_free(row);
    transaction_settle(row);
}

static void coordinator_lost(void *state) {
    struct transaction_table *table = &((struct transaction_coordinator *)state)->table;
    table->leading = false;
    transaction_sweep_lost(table);
    while (table->works != NULL)
        drop_work(table->works->row);
}

static void coordinator_settled(void *state) {
    struct transaction_table *table = &((struct transaction_coordinator *)state)->table;
    struct transaction_work *work, *next;
    DL_FOREACH_SAFE(table->works, work, next) { /* a step ends no work but its own */
        if (!work->in_doubt) continue;
        work->in_doubt = false;
        transaction_go_on(work->row);
    }
}

static void coordinator_free(void *state) {
    struct transaction_coordinator *coordinator = state;
    transaction_calls_tell(&coordinator->table);
    transaction_table_close(&coordinator->table);
    mem_free(coordinator);
}

/* ---- As records ---- */

static size_t give(const struct transaction *row,
                   void (*sink)(void *arg, const struct coordinator_record *record), void *arg) {
    struct kp_writer writer;
    if (row->state == NULL) return 0; /* asked for, and not written yet */
    kp_writer_init(&writer, INT32_MAX);
    transaction_key_write(row->id, &writer);
    size_t key_len = writer.len, bytes;
    transaction_state_write(row->state, &writer);
    CHECK(writer.error == ERR_NONE); /* it came in a record */
    struct coordinator_record record = {.key = writer.data,
                                        .key_len = key_len,
                                        .value = writer.data + key_len,
                                        .value_len = writer.len - key_len};
    sink(arg, &record);
    bytes = writer.len;
    kp_writer_close(&writer);
    return bytes;
}

static void coordinator_records_stop(void *state, void *walk) {
    (void)state;
    transaction_cursor_close(walk);
    mem_free(walk);
}

static bool coordinator_records(void *state, void **walk, size_t most,
                                void (*sink)(void *arg, const struct coordinator_record *record),
                                void *arg) {
    struct transaction_table *table = &((struct transaction_coordinator *)state)->table;
    struct transaction_cursor *cursor = *walk;
    size_t bytes = 0;
    if (cursor == NULL) {
        *walk = cursor = mem_alloc(sizeof *cursor);
        transaction_cursor_open(cursor, table);
    }
    for (size_t i = 0; i < most && bytes < STEP_BYTES; i++) {
        const struct transaction *row = transaction_cursor_next(cursor);
        if (row == NULL) {
            coordinator_records_stop(state, cursor);
            *walk = NULL;
            return true;
        }
        bytes += give(row, sink, arg);
    }
    return false;
}

const struct coordinator_state transaction_coordinator_state = {
    .apply = coordinator_apply,
    .leading = coordinator_leading,
    .lost = coordinator_lost,
    .records = coordinator_records,
    .records_stop = coordinator_records_stop,
    .free = coordinator_free,
    .settled = coordinator_settled};

/* ---- Looking at it ---- */

const struct transaction_state *transaction_coordinator_look(
    const struct transaction_coordinator *coordinator, struct kp_string id) {
    const struct transaction *row = transaction_find(&coordinator->table, id);
    return row == NULL ? NULL : row->state;
}

void transaction_coordinator_count(const struct transaction_coordinator *coordinator,
                                   struct transactions_open *into) {
    const struct transaction_table *table = &coordinator->table;
    into->ids += table->ids;
    into->ending += table->ending;
    into->ongoing += table->open.count - table->ending;
    const struct timer_entry *oldest = timer_heap_first(&table->open);
    if (oldest != NULL && (int64_t)oldest->at_ms < into->oldest_ms)
        into->oldest_ms = (int64_t)oldest->at_ms;
}

struct transaction_walk {
    struct transaction_cursor cursor; /* closed by the table when that goes */
};

struct transaction_walk *transaction_walk_new(struct transaction_coordinator *coordinator) {
    struct transaction_walk *walk = mem_zalloc(sizeof *walk);
    transaction_cursor_open(&walk->cursor, &coordinator->table);
    return walk;
}

const struct transaction_state *transaction_walk_next(struct transaction_walk *walk,
                                                      struct kp_string *id) {
    const struct transaction *row;
    while ((row = transaction_cursor_next(&walk->cursor)) != NULL) {
        if (row->state == NULL) continue;
        *id = row->id;
        return row->state;
    }
    return NULL;
}

void transaction_walk_free(struct transaction_walk *walk) {
    if (walk == NULL) return;
    transaction_cursor_close(&walk->cursor);
    mem_free(walk);
}
