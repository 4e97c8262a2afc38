/*
 * What a leader does with its shares by the clock: locks end, what waited for its next delivery may
 * be given, a pause is over, and what the log did not take is offered again.
 *
 * Two clocks: deadlines are by one that never jumps; times of records, which are in the log, by
 * that of the wall.
 */
#include "base/container_of.h"
#include "base/env.h"
#include "broker/share/shares_internal.h"

enum { RETRY_MS = 20 };

bool share_look_at_clock(struct share *share) {
    return share_queue_clock(&share->queue, env_wall_ms(share->shares->options.env));
}

/* ---- When something is to be done ---- */

/* When what waits is due, by the clock of deadlines; UINT64_MAX: nothing waits. */
static uint64_t due_at_ms(const struct shares *shares, const struct share *share) {
    int64_t wall_ms = env_wall_ms(shares->options.env), due_ms = share->queue.due_ms;
    if (due_ms == INT64_MAX) return UINT64_MAX;
    return env_now_ms(shares->options.env) + (due_ms > wall_ms ? (uint64_t)(due_ms - wall_ms) : 0);
}

void shares_watch(struct shares *shares) {
    if (!shares->leading) {
        env_timer_stop(shares->timer);
        return;
    }
    uint64_t at_ms = shares->refused ? env_now_ms(shares->options.env) + RETRY_MS : UINT64_MAX;
    if (shares->paused_to_ms != 0 && shares->paused_to_ms < at_ms) at_ms = shares->paused_to_ms;
    for (const struct share *share = shares->first; share != NULL; share = share->next) {
        uint64_t deadline_ms = share_queue_deadline(&share->queue),
                 due_ms = due_at_ms(shares, share);
        if (deadline_ms < at_ms) at_ms = deadline_ms;
        if (due_ms < at_ms) at_ms = due_ms;
    }
    if (at_ms == UINT64_MAX)
        env_timer_stop(shares->timer);
    else
        env_timer_start(shares->timer,
                        env_ms_until(shares->options.env, at_ms) * UINT64_C(1000) + 1);
}

/* ---- A pause ---- */

static void goes_on(struct shares *shares) {
    shares->paused_to_ms = 0;
    for (struct share *share = shares->first; share != NULL; share = share->next)
        share_wake(share);
}

uint64_t shares_held(const struct shares *shares) {
    uint64_t held = 0;
    for (const struct share *share = shares->first; share != NULL; share = share->next)
        held += share->queue.held;
    return held;
}

void shares_pause(struct shares *shares, uint64_t ms) {
    shares->paused_to_ms = env_now_ms(shares->options.env) + ms;
    shares_watch(shares);
}

bool shares_are_paused(const struct shares *shares) {
    return shares->paused_to_ms != 0;
}

/* ---- It is time ---- */

static bool has_come(const struct shares *shares, const struct share *share) {
    return share_queue_deadline(&share->queue) <= env_now_ms(shares->options.env) ||
           share->queue.due_ms <= env_wall_ms(shares->options.env);
}

/* Of as many shares as fit into the turn, at least one: the others are met again in a later one,
 * behind what was sent of these. */
static void expire_some(struct env_task *task) {
    struct shares *shares = CONTAINER_OF(task, struct shares, expire);
    bool any = false;
    struct share *share = shares->first;
    for (; share != NULL; share = share->next) {
        if (!has_come(shares, share)) continue;
        if (any && env_turn_is_long(shares->options.env)) break;
        bool due = share_look_at_clock(share);
        share_queue_expire(&share->queue, &share->limits, env_now_ms(shares->options.env),
                           &share->unsent);
        if (due) share_wake(share);
        any = true;
    }
    env_defer(shares->options.env, &shares->send);
    if (share != NULL) env_yield(shares->options.env, task);
}

static void on_timer(void *arg) {
    struct shares *shares = arg;
    uint64_t now_ms = env_now_ms(shares->options.env);
    if (shares->paused_to_ms != 0 && shares->paused_to_ms <= now_ms) goes_on(shares);
    env_yield(shares->options.env, &shares->expire);
}

/* ---- Life ---- */

void shares_open_time(struct shares *shares) {
    shares->expire.run = expire_some;
    shares->timer = env_timer_new(shares->options.env, on_timer, shares);
}

void shares_stop_time(struct shares *shares) {
    env_timer_stop(shares->timer);
    env_defer_cancel(shares->options.env, &shares->expire);
}

void shares_close_time(struct shares *shares) {
    env_defer_cancel(shares->options.env, &shares->expire);
    env_timer_free(shares->timer);
}
