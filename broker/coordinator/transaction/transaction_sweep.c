/*
 * Walks of a leader over all its ids, in pieces: what it found when it began to lead, and, every
 * hour, ids that nobody uses any more.
 *
 * Happy path: what was Ongoing gets the rest of its time, what was prepared is brought to its
 * partitions. An id may be called before the walk comes to it: its steps are taken all the same
 * (transaction_go_on), and what the walk finds at work goes on.
 * Invariants: one walk at a time; none behind `lost`.
 */
#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/coordinator/transaction/transaction.h"

enum { SWEEP_MS = 3600 * 1000, LOOKED_AT = 2048, WORKED_ON = 64 /* of a turn */ };

/* False: there is nothing to do. */
static bool take_over(struct transaction *row) {
    const struct transaction_state *state = row->state;
    const struct transaction_work *work = row->work;
    if (state == NULL) return false;
    if (state->status == TRANSACTION_ONGOING && state->timeout_ms != INT32_MAX) {
        if (work != NULL && (work->is_due || group_timer_is_set(&work->timeout))) return false;
        transaction_clock_start(row, transaction_time_left_ms(row));
        return true;
    }
    if (work != NULL || !transaction_is_prepared(state->status)) return false;
    transaction_work_of(row)->is_marked = MUTANT(MUTANT_TAKEOVER_FORGETS);
    if (MUTANT(MUTANT_TAKEOVER_ABORTS)) row->state->status = TRANSACTION_PREPARE_ABORT;
    transaction_go_on(row);
    return true;
}

static bool expire(struct transaction *row, int64_t now_ms) {
    const struct transaction_state *state = row->state;
    int64_t most = row->table->options.settings->transactional_id_expiration_ms;
    if (state == NULL || row->work != NULL || !transaction_is_over(state->status) ||
        state->update_ms >= now_ms - most)
        return false;
    transaction_work_of(row)->expires = true;
    row->table->go_on(row);
    return true;
}

static void sweep_step(struct env_task *task) {
    struct transaction_table *table = CONTAINER_OF(task, struct transaction_table, sweep);
    int64_t now_ms = env_wall_ms(table->options.env);
    for (int looked_at = 0, worked_on = 0; looked_at < LOOKED_AT && worked_on < WORKED_ON;
         looked_at++) {
        struct transaction *row = transaction_cursor_next(&table->sweeping);
        if (row == NULL) {
            table->taking_over = false;
            transaction_cursor_close(&table->sweeping);
            return;
        }
        bool works = table->taking_over ? take_over(row) : expire(row, now_ms);
        worked_on += works;
        if (works && env_turn_is_long(table->options.env)) break; /* of one with many partitions */
    }
    env_yield(table->options.env, &table->sweep);
}

static void sweep_begin(struct group_timer *timer) {
    struct transaction_table *table = CONTAINER_OF(timer, struct transaction_table, sweep_due);
    group_timer_set(table->timers, timer, env_now_ms(table->options.env) + SWEEP_MS);
    if (table->sweeping.table != NULL) return; /* the last one is not through */
    transaction_cursor_open(&table->sweeping, table);
    env_yield(table->options.env, &table->sweep);
}

void transaction_sweep_leading(struct transaction_table *table) {
    table->sweep_due.due = sweep_begin;
    table->sweep.run = sweep_step;
    table->taking_over = true;
    sweep_begin(&table->sweep_due);
}

void transaction_sweep_lost(struct transaction_table *table) {
    group_timer_clear(table->timers, &table->sweep_due);
    env_defer_cancel(table->options.env, &table->sweep);
    transaction_cursor_close(&table->sweeping);
}
