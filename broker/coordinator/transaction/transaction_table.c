/* Rows of ids, the memory that they take, and walks over them. */
#include <utlist.h>

#include "base/check.h"
#include "base/error.h"
#include "broker/coordinator/transaction/transaction.h"

void transaction_table_init(struct transaction_table *table,
                            const struct transaction_coordinator_options *options,
                            struct coordinator_log *log) {
    *table = (struct transaction_table){.options = *options, .log = log};
    table->seed = env_random_u64(options->env);
    table->timers = group_timers_new(options->env);
    timer_heap_init(&table->open);
}

void transaction_table_close(struct transaction_table *table) {
    CHECK(!table->leading);         /* `lost` came, if it led */
    CHECK(table->answered == NULL); /* they were told */
    struct transaction *row, *next;
    HASH_ITER(hh, table->rows, row, next) {
        transaction_set_state(row, NULL);
        transaction_settle(row);
    }
    while (table->cursors != NULL)
        transaction_cursor_close(table->cursors);
    group_timers_free(table->timers);
    timer_heap_close(&table->open);
}

/* ---- Rows ---- */

struct transaction *transaction_find(const struct transaction_table *table, struct kp_string id) {
    struct transaction *row;
    unsigned hash = group_hash(table->seed, id.data, (size_t)id.len);
    HASH_FIND_BYHASHVALUE(hh, table->rows, id.data, (unsigned)id.len, hash, row);
    return row;
}

static void row_charge(struct transaction *row) {
    size_t bytes = sizeof *row + (size_t)row->id.len;
    struct budget *memory = row->table->options.memory;
    if (row->state != NULL)
        bytes += sizeof *row->state + transaction_partitions_bytes(&row->state->partitions);
    budget_charge(memory, bytes);
    budget_release(memory, row->charged);
    row->charged = bytes;
}

struct transaction *transaction_make(struct transaction_table *table, struct kp_string id) {
    struct transaction *row = transaction_find(table, id);
    if (row != NULL) return row;
    row = mem_zalloc(sizeof *row);
    row->table = table;
    row->id = (struct kp_string){.data = mem_text(id.data, (size_t)id.len), .len = id.len};
    unsigned hash = group_hash(table->seed, id.data, (size_t)id.len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, table->rows, row->id.data, (unsigned)id.len, hash, row);
    row_charge(row);
    return row;
}

/* Whoever invents an id each time it starts keeps others from inventing some, and not those from
 * going on who have one: an eighth is left to them. */
bool transaction_memory_spent(const struct transaction_table *table, bool known) {
    const struct budget *memory = table->options.memory;
    return memory->used >= memory->limit - (known ? 0 : memory->limit / 8);
}

struct transaction_work *transaction_work_of(struct transaction *row) {
    if (row->work == NULL) {
        row->work = mem_zalloc(sizeof *row->work);
        row->work->row = row;
        row->work->new_id = -1;
        DL_APPEND(row->table->works, row->work);
    }
    return row->work;
}

void transaction_work_free(struct transaction *row) {
    DL_DELETE(row->table->works, row->work);
    mem_free(row->work);
    row->work = NULL;
}

static bool is_at_nothing(const struct transaction_work *work) {
    return work->doing == TRANSACTION_AT_REST && work->waiting == NULL && !work->running &&
           !work->in_doubt && !work->is_due && !group_timer_is_set(&work->timeout);
}

void transaction_settle(struct transaction *row) {
    struct transaction_table *table = row->table;
    if (row->work != NULL && is_at_nothing(row->work)) transaction_work_free(row);
    if (row->work != NULL || row->state != NULL) return;
    for (struct transaction_cursor *cursor = table->cursors; cursor != NULL; cursor = cursor->next)
        if (cursor->at == row) cursor->at = row->hh.next;
    HASH_DEL(table->rows, row);
    budget_release(table->options.memory, row->charged);
    mem_free((void *)row->id.data);
    mem_free(row);
}

/* ---- What is open ---- */

static bool is_open(const struct transaction_state *state) {
    return state != NULL && !transaction_is_over(state->status);
}

static bool is_prepared(const struct transaction_state *state) {
    return state != NULL && transaction_is_prepared(state->status);
}

/* Of the leader: it was decided. */
static void count_decision(struct transaction *row, const struct transaction_state *next) {
    struct transaction_counts *counts = row->table->options.counts;
    bool commit = next->status == TRANSACTION_PREPARE_COMMIT;
    counts->committed += commit;
    counts->aborted += !commit;
    counts->timed_out += !commit && row->work != NULL && row->work->is_due;
}

static void note_open(struct transaction *row, const struct transaction_state *next) {
    struct transaction_table *table = row->table;
    if (table->leading && is_prepared(next) && !is_prepared(row->state)) count_decision(row, next);
    table->ids += (next != NULL) - (size_t)(row->state != NULL);
    table->ending += is_prepared(next) - (size_t)is_prepared(row->state);
    if (is_open(next))
        timer_heap_set(&table->open, &row->began,
                       next->start_ms < 0 ? 0 : (uint64_t)next->start_ms);
    else
        timer_heap_remove(&table->open, &row->began);
}

void transaction_set_state(struct transaction *row, struct transaction_state *state) {
    note_open(row, state);
    if (row->state != NULL) {
        transaction_state_close(row->state);
        mem_free(row->state);
    }
    row->state = state;
    row_charge(row);
}

/* ---- Walks ---- */

void transaction_cursor_open(struct transaction_cursor *cursor, struct transaction_table *table) {
    *cursor = (struct transaction_cursor){
        .table = table, .at = table->rows, .next = table->cursors};
    if (table->cursors != NULL) table->cursors->prev = cursor;
    table->cursors = cursor;
}

struct transaction *transaction_cursor_next(struct transaction_cursor *cursor) {
    struct transaction *row = cursor->at;
    if (row != NULL) cursor->at = row->hh.next;
    return row;
}

void transaction_cursor_close(struct transaction_cursor *cursor) {
    if (cursor->table == NULL) return;
    *(cursor->prev != NULL ? &cursor->prev->next : &cursor->table->cursors) = cursor->next;
    if (cursor->next != NULL) cursor->next->prev = cursor->prev;
    *cursor = (struct transaction_cursor){.table = NULL};
}
