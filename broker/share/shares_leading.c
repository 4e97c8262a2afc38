/*
 * What a leader does with its shares: outcomes of a turn become one command for each share, commits
 * are told. What it does by the clock is in shares_time.c, who waits for records in
 * shares_waiting.c.
 *
 * Invariants: while it leads, the commands that are applied are its own, in the order in which they
 * were submitted; `done` of a commit is never called within the call that began it.
 */
#include <utlist.h>

#include "base/container_of.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/share/shares_internal.h"
#include "protocol/kafka_error.h"

/* A group that is about to begin here, to begin anew, or to go. */
struct begin {
    struct slice command; /* empty: the log has it */
    bool follows;         /* it has none of its own, but ends with the one before it of the group */
    bool drops;
    bool adds;      /* the group is not here yet */
    int32_t number; /* that goes */
    char *group;
    struct share_commit *commit; /* NULL: nobody waits any more */
    struct begin *next, *prev;
};

/* ---- Ends ---- */

static void commit_over(struct share_commit *commit, int16_t error) {
    DL_DELETE(commit->shares->commits, commit);
    commit->shares = NULL;
    commit->done(commit, error);
}

static void begin_free(struct shares *shares, struct begin *begin) {
    DL_DELETE(shares->begins, begin);
    slice_unref(&begin->command);
    mem_free(begin->group);
    mem_free(begin);
}

void share_commit_cancel(struct share_commit *commit) {
    struct begin *begin;
    if (commit->shares == NULL) return;
    DL_SEARCH_SCALAR(commit->shares->begins, begin, commit, commit);
    if (begin != NULL) begin->commit = NULL;
    if (begin != NULL && begin->follows) begin_free(commit->shares, begin);
    DL_DELETE(commit->shares->commits, commit);
    commit->shares = NULL;
}

static void begin_over(struct shares *shares, struct begin *begin, int16_t error) {
    struct share_commit *commit = begin->commit;
    begin_free(shares, begin);
    if (commit != NULL) commit_over(commit, error);
}

void share_count(struct share *share) {
    size_t runs = share->state.ranges.count + share->queue.locks.count;
    share->shares->options.book->runs += runs;
    share->shares->options.book->runs -= share->counted;
    share->counted = runs;
}

static void let_go(struct share *share) {
    share_wake(share);
    while (share->waiters != NULL)
        share_wait_cancel(share->waiters);
}

static struct share_commit *commit_of(const struct share *share) {
    struct share_commit *commit;
    DL_FOREACH(share->shares->commits, commit) {
        if (commit->share == share) return commit;
    }
    return NULL;
}

void share_ends(struct share *share, int16_t error) {
    struct share_commit *commit;
    if (!MUTANT(MUTANT_SHARE_LOCKS_KEPT)) share_queue_close(&share->queue);
    share_count(share);
    offset_ranges_free(&share->unsent);
    share->submitted = share->applied = 0;
    while ((commit = commit_of(share)) != NULL)
        commit_over(commit, error);
    let_go(share);
}

void shares_lost(struct shares *shares) {
    shares->leading = false;
    shares->paused_to_ms = 0;
    shares_stop_time(shares);
    env_defer_cancel(shares->options.env, &shares->send);
    for (struct share *share = shares->first; share != NULL; share = share->next)
        share_ends(share, KAFKA_NOT_LEADER_OR_FOLLOWER);
    while (shares->begins != NULL)
        begin_over(shares, shares->begins, KAFKA_NOT_LEADER_OR_FOLLOWER);
}

/* ---- Into the log ---- */

/* False: the log takes nothing now. */
static bool send_outcomes(struct shares *shares, struct share *share) {
    struct share_command command = {
        .what = SHARE_OUTCOMES, .number = share->number, .outcomes = share->unsent};
    struct slice bytes = share_command_encode(&command);
    if (shares->options.submit(shares->options.arg, &bytes) != ERR_NONE) {
        slice_unref(&bytes);
        return false;
    }
    offset_ranges_free(&share->unsent);
    share->submitted++;
    return true;
}

static bool send_begin(struct shares *shares, struct begin *begin) {
    if (begin->command.len == 0) return true;
    if (shares->options.submit(shares->options.arg, &begin->command) != ERR_NONE) return false;
    begin->command = (struct slice){0};
    return true;
}

/* Of one share at least; what is left when the turn is long goes in a later one. */
static void send(struct env_task *task) {
    struct shares *shares = CONTAINER_OF(task, struct shares, send);
    struct begin *begin;
    bool fits = true, any = false;
    DL_FOREACH(shares->begins, begin) {
        fits = fits && send_begin(shares, begin);
    }
    for (struct share *share = shares->first; fits && share != NULL; share = share->next) {
        if (share->unsent.count == 0) continue;
        if (any && env_turn_is_long(shares->options.env)) {
            env_yield(shares->options.env, task);
            return;
        }
        fits = send_outcomes(shares, share);
        any = true;
    }
    shares->refused = !fits;
    shares_watch(shares);
}

static void send_soon(struct shares *shares) {
    env_defer(shares->options.env, &shares->send);
}

/* ---- What is asked ---- */

static void wait_for(struct shares *shares, struct share *share, uint64_t number,
                     struct share_commit *commit) {
    commit->shares = shares;
    commit->share = share;
    commit->number = number;
    DL_APPEND(shares->commits, commit);
}

static bool is_beginning(const struct shares *shares, struct kp_string group) {
    const struct begin *begin;
    DL_FOREACH(shares->begins, begin) {
        if (!begin->drops && kp_string_is(group, begin->group)) return true;
    }
    return false;
}

bool shares_are_full(const struct shares *shares) {
    const struct begin *begin;
    size_t count = shares->count;
    DL_FOREACH(shares->begins, begin) {
        count += begin->adds;
    }
    return count >= SHARES_MAX;
}

void share_use(struct share *share) {
    share->used_ms = env_now_ms(share->shares->options.env);
}

void share_read_by(struct share *share, const struct share_limits *limits) {
    share->limits = *limits;
    share_look_at_clock(share);
    share_use(share);
}

static bool is_going(const struct share *share) {
    const struct begin *begin;
    DL_FOREACH(share->shares->begins, begin) {
        if (begin->drops && begin->number == share->number) return true;
    }
    return false;
}

struct share *shares_unused(const struct shares *shares, uint64_t ms) {
    struct share *unused = NULL;
    uint64_t now_ms = env_now_ms(shares->options.env);
    for (struct share *share = shares->first; share != NULL; share = share->next)
        if (share->waiting == 0 && share->queue.held == 0 && share->state.archiving == 0 &&
            now_ms - share->used_ms >= ms &&
            (unused == NULL || now_ms - share->used_ms > now_ms - unused->used_ms) &&
            !is_going(share))
            unused = share;
    return unused;
}

static struct begin *begin_new(struct shares *shares, struct kp_string group,
                               struct share_commit *commit) {
    struct begin *begin = mem_zalloc(sizeof *begin);
    begin->group = mem_text(group.data, (size_t)group.len);
    begin->commit = commit;
    DL_APPEND(shares->begins, begin);
    if (commit != NULL) wait_for(shares, NULL, 0, commit);
    send_soon(shares);
    return begin;
}

/* Of several that ask for the same group the first one counts. */
void share_begin(struct shares *shares, struct kp_string group, kafka_offset start,
                 struct share_commit *commit) {
    struct share_command command = {.what = SHARE_BEGIN, .group = group, .start = start};
    bool follows = is_beginning(shares, group) && !MUTANT(MUTANT_SHARE_BEGUN_TWICE);
    struct begin *begin = begin_new(shares, group, commit);
    begin->follows = follows;
    begin->adds = !follows;
    if (!follows) begin->command = share_command_encode(&command);
}

void share_begin_anew(struct shares *shares, struct kp_string group, kafka_offset start,
                      int32_t epoch, struct share_commit *commit) {
    struct share_command command = {
        .what = SHARE_BEGIN, .group = group, .start = start, .epoch = epoch};
    struct begin *begin = begin_new(shares, group, commit);
    begin->adds = epoch == 0;
    begin->command = share_command_encode(&command);
}

void share_drop(struct share *share, struct share_commit *commit) {
    struct share_command command = {.what = SHARE_DROP, .number = share->number};
    struct begin *begin = begin_new(share->shares, share->group, commit);
    begin->drops = true;
    begin->number = share->number;
    begin->command = share_command_encode(&command);
}

/* Only for a command: two that wait would wait for each other. */
bool share_settles(struct shares *shares, struct kp_string group, struct share_commit *commit) {
    struct begin *begin, *last = NULL;
    DL_FOREACH(shares->begins, begin) {
        if (!begin->follows && kp_string_is(group, begin->group)) last = begin;
    }
    if (last == NULL) return false;
    begin = begin_new(shares, group, commit);
    begin->follows = true;
    begin->drops = last->drops;
    begin->number = last->number;
    return true;
}

void share_end(struct share *share, struct offset_ranges *outcomes, struct share_commit *commit) {
    for (size_t i = 0; i < outcomes->count; i++)
        *(struct share_range *)offset_ranges_append(&share->unsent) = *(
            struct share_range *)offset_ranges_at(outcomes, i);
    for (size_t i = 0; MUTANT(MUTANT_SHARE_APPLIED_EARLY) && i < outcomes->count; i++)
        share_state_set(&share->state, offset_ranges_at(outcomes, i));
    bool none = outcomes->count == 0, early = none || MUTANT(MUTANT_SHARE_ACK_EARLY);
    offset_ranges_free(outcomes);
    if (commit != NULL) wait_for(share->shares, share, early ? 0 : share->submitted + 1, commit);
    if (!none) send_soon(share->shares);
    if (early && commit != NULL) env_defer(share->shares->options.env, &share->shares->tell);
}

void share_watch(struct share *share) {
    share_count(share);
    shares_watch(share->shares);
}

void share_release(struct share *share, uint64_t holder) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    share_look_at_clock(share);
    share_queue_release(&share->queue, &share->limits, holder, &outcomes);
    share_end(share, &outcomes, NULL);
}

/* ---- What commits ---- */

static struct share_commit *next_over(const struct shares *shares) {
    struct share_commit *commit;
    DL_FOREACH(shares->commits, commit) {
        if (commit->share != NULL && commit->number <= commit->share->applied) return commit;
    }
    return NULL;
}

static void tell(struct env_task *task) {
    struct shares *shares = CONTAINER_OF(task, struct shares, tell);
    struct share_commit *commit;
    while ((commit = next_over(shares)) != NULL)
        commit_over(commit, KAFKA_NONE);
}

/* The first one of a group that is not over; NULL: none, or it does not follow and is to. */
static struct begin *first_begin(const struct shares *shares, struct kp_string group,
                                 bool follows) {
    struct begin *begin;
    DL_FOREACH(shares->begins, begin) {
        if (!begin->drops && kp_string_is(group, begin->group))
            return begin->follows || !follows ? begin : NULL;
    }
    return NULL;
}

static struct begin *first_drop(const struct shares *shares, int32_t number) {
    struct begin *begin;
    DL_FOREACH(shares->begins, begin) {
        if (begin->drops && begin->number == number) return begin;
    }
    return NULL;
}

/* The first of them, and those that follow it: another one of the group has a command that is still
 * to come. Who is told may ask for the next thing at once. */
void share_began(struct share *share) {
    struct shares *shares = share->shares;
    struct begin *begin;
    if (!shares->leading) return;
    share_use(share);
    for (bool follows = false; (begin = first_begin(shares, share->group, follows)) != NULL;
         follows = true)
        begin_over(shares, begin, KAFKA_NONE);
}

void share_dropped(struct shares *shares, int32_t number) {
    struct begin *begin;
    while (shares->leading && (begin = first_drop(shares, number)) != NULL)
        begin_over(shares, begin, KAFKA_NONE);
}

/* Told at the end of the turn, with all that has committed in it. */
void share_applied(struct share *share) {
    if (!share->shares->leading) return;
    share->applied++;
    env_defer(share->shares->options.env, &share->shares->tell);
}

void shares_leading(struct shares *shares) {
    shares->leading = true;
    for (struct share *share = shares->first; share != NULL; share = share->next)
        share_use(share);
    shares_watch(shares);
    for (struct share *share = shares->first; share != NULL; share = share->next)
        if (share->state.archiving > 0) share_tell_letters(share);
}

void shares_open_leader(struct shares *shares) {
    shares->send.run = send;
    shares->tell.run = tell;
    shares_open_letters(shares);
    shares_open_time(shares);
}

void shares_close_leader(struct shares *shares) {
    env_defer_cancel(shares->options.env, &shares->send);
    env_defer_cancel(shares->options.env, &shares->tell);
    shares_close_letters(shares);
    while (shares->begins != NULL)
        begin_over(shares, shares->begins, KAFKA_NOT_LEADER_OR_FOLLOWER);
    shares_close_time(shares);
}
