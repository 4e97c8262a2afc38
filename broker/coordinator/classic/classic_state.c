/* States and their moves, the time of a state, and the turn in which what is due is done. */
#include "base/check.h"
#include "broker/coordinator/classic/classic_internal.h"

/* ---- States ---- */

const char *classic_state_name(enum classic_state state) {
    static const char *const names[] = {"Empty", "PreparingRebalance", "CompletingRebalance",
                                        "Stable"};
    return names[state];
}

void classic_move(struct classic_group *classic, enum classic_state state) {
    static const bool allowed[4][4] = {
        [CLASSIC_EMPTY] = {[CLASSIC_PREPARING] = true},
        [CLASSIC_PREPARING] = {[CLASSIC_COMPLETING] = true, [CLASSIC_EMPTY] = true},
        [CLASSIC_COMPLETING] = {[CLASSIC_STABLE] = true, [CLASSIC_PREPARING] = true},
        [CLASSIC_STABLE] = {[CLASSIC_PREPARING] = true},
    };
    CHECK(allowed[classic->state][state]);
    struct group_table *table = classic_table(classic);
    if (classic_is_rebalancing(classic->state)) table->rebalancing--;
    if (classic_is_rebalancing(state)) table->rebalancing++;
    if (!classic_is_rebalancing(classic->state)) classic->rebalancing_us = env_now_us(table->env);
    if (state == CLASSIC_STABLE && table->watch != NULL && table->watch->rebalanced != NULL)
        table->watch->rebalanced(table->watch->arg,
                                 env_now_us(table->env) - classic->rebalancing_us);
    classic->state = state;
}

void classic_timer_set(struct classic_group *classic, uint64_t delay_ms) {
    classic->timer_due = false;
    group_timer_clear(classic_table(classic)->timers, &classic->timer);
    group_timer_set(classic_table(classic)->timers, &classic->timer,
                    classic_now_ms(classic) + delay_ms);
}

void classic_timer_clear(struct classic_group *classic) {
    classic->timer_due = false;
    group_timer_clear(classic_table(classic)->timers, &classic->timer);
}

/* ---- The group's own turn ---- */

static void work_refused(struct group_turn *turn, int16_t error) {
    (void)error; /* we lead no more */
    struct classic_work *work = (struct classic_work *)turn;
    work->group->classic->work = NULL;
    mem_free(work);
}

void classic_want_work(struct classic_group *classic) {
    if (classic->work != NULL) return;
    struct classic_work *work = mem_zalloc(sizeof *work);
    work->group = classic->group;
    work->turn = (struct group_turn){.run = classic->work_run,
                                     .written = classic->work_written,
                                     .refused = work_refused,
                                     .unrefused = true};
    classic->work = work;
    group_turn_take(work->group, &work->turn);
}

void classic_work_cancel(struct classic_group *classic) {
    struct classic_work *work = classic->work;
    if (work == NULL) return;
    classic->work = NULL;
    bool waited = group_turn_cancel(&work->turn);
    CHECK(waited); /* whoever cancels it has the turn, or nobody has */
    mem_free(work);
}
