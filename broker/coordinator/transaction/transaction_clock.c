/*
 * Transactions that have lasted too long.
 *
 * A transaction's time is that of the leader that saw it begin, so a clock that jumps ends none. A
 * leader that found it in the log has only the record to go by, and gives it some seconds at least.
 */
#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/coordinator/transaction/transaction.h"

enum { TAKEN_OVER_LEAST_MS = 5000 };

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
