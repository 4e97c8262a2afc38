/*
 * What time brings: transactions that have lasted too long, and ids that nobody uses any more.
 *
 * A transaction's time is that of the leader that saw it begin, so a clock that jumps ends none. A
 * leader that found it in the log has only the record to go by, and gives it some seconds at least.
 */
#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/coordinator/transaction/transaction.h"

enum { SWEEP_MS = 3600 * 1000, SWEEP_STEP = 256, TAKEN_OVER_LEAST_MS = 5000 };

/* ---- Transactions ---- */

static void time_is_over(struct group_timer *timer) {
    struct transaction_work *work = CONTAINER_OF(timer, struct transaction_work, timeout);
    work->is_due = true;
    work->row->table->go_on(work->row);
}

void transaction_clock_start(struct transaction *row, uint64_t left_ms) {
    struct transaction_work *work = transaction_work_of(row);
    work->timeout.due = time_is_over;
    group_timer_set(row->table->timers, &work->timeout,
                    env_now_ms(row->table->options.env) + left_ms);
}

void transaction_clock_stop(struct transaction *row) {
    if (row->work == NULL) return;
    row->work->is_due = false;
    group_timer_clear(row->table->timers, &row->work->timeout);
}

uint64_t transaction_time_left_ms(const struct transaction *row) {
    const struct transaction_state *state = row->state;
    int64_t most = state->timeout_ms < 0 ? 0 : state->timeout_ms;
    int64_t least = most < TAKEN_OVER_LEAST_MS ? most : TAKEN_OVER_LEAST_MS;
    int64_t gone = env_wall_ms(row->table->options.env) - state->start_ms;
    int64_t left = gone < 0 ? most : gone > most ? 0 : most - gone;
    return (uint64_t)(left < least && !MUTANT(MUTANT_TIME_BY_WALL_CLOCK) ? least : left);
}

/* ---- Ids ---- */

static bool is_expired(const struct transaction *row, int64_t now_ms) {
    const struct transaction_state *state = row->state;
    int64_t most = row->table->options.settings->transactional_id_expiration_ms;
    return state != NULL && row->work == NULL && transaction_is_over(state->status) &&
           state->update_ms < now_ms - most;
}

static void sweep_step(struct env_task *task) {
    struct transaction_table *table = CONTAINER_OF(task, struct transaction_table, sweep);
    int64_t now_ms = env_wall_ms(table->options.env);
    for (int i = 0; i < SWEEP_STEP; i++) {
        struct transaction *row = transaction_cursor_next(&table->sweeping);
        if (row == NULL) {
            transaction_cursor_close(&table->sweeping);
            return;
        }
        if (!is_expired(row, now_ms)) continue;
        transaction_work_of(row)->expires = true;
        row->table->go_on(row);
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
    group_timer_set(table->timers, &table->sweep_due, env_now_ms(table->options.env) + SWEEP_MS);
}

void transaction_sweep_lost(struct transaction_table *table) {
    group_timer_clear(table->timers, &table->sweep_due);
    env_defer_cancel(table->options.env, &table->sweep);
    transaction_cursor_close(&table->sweeping);
}
