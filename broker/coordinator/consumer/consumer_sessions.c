/* Members that are not heard of, or do not give back what they have to in time, are fenced: a
 * decision like their leaving. */
#include "base/mutant.h"
#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/consumer/consumer_departures.h"
#include "broker/coordinator/consumer/consumer_timing.h"

enum { AGAIN_MS = 1000 };

/* The turn in which members go: all whose time is over, as many as one batch takes. */
struct expiry {
    struct group_turn turn;
};

/* Also if its timer is only about to say so: many end in the same moment. */
static bool is_over(const struct consumer_member *member) {
    uint64_t now_ms = env_now_ms(member->group->row->table->env);
    if (group_timer_is_set(&member->session) ? member->session.due_ms <= now_ms
                                             : member->session_over)
        return true;
    if (member->classic != NULL)
        return member->rebalance_over && member->owes != CONSUMER_OWES_NOTHING;
    if (MUTANT(MUTANT_REBALANCE_TIMER_KEPT)) return member->rebalance_over;
    return member->rebalance_over && member->standing.state == CONSUMER_UNREVOKED &&
           member->standing.epoch == member->rebalance_epoch;
}

static void expire(struct consumer_group *group);

static void expiry_written(struct group_turn *turn, int16_t error) {
    struct consumer_group *group = turn->group->consumer;
    struct consumer_member *member, *next;
    struct consumer_member *members = group == NULL ? NULL : group->members;
    bool more = false;
    HASH_ITER(hh, members, member, next) {
        if (error == 0) more |= is_over(member);
        if (error != 0 && turn->group->table->leading && is_over(member))
            group_timer_set(turn->group->table->timers, &member->session,
                            env_now_ms(turn->group->table->env) + AGAIN_MS);
    }
    if (more) expire(group);
    group_turn_end(turn);
    mem_free(CONTAINER_OF(turn, struct expiry, turn));
}

static void expiry_refused(struct group_turn *turn, int16_t error) {
    (void)error;
    if (turn->group->consumer != NULL) turn->group->consumer->expiring = false;
    mem_free(CONTAINER_OF(turn, struct expiry, turn));
}

/* Marks those that go, as many as one batch takes; how many that are. */
static size_t mark_over(struct consumer_group *group) {
    struct consumer_departures departures = {0};
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        if (!is_over(member)) continue;
        bool late = member->rebalance_over && !member->session_over;
        if (!consumer_departs(member, late ? KP_GROUP_LATE : KP_GROUP_EXPIRED, &departures)) break;
    }
    return departures.count;
}

static void expiry_run(struct group_turn *turn) {
    struct consumer_group *group = turn->group->consumer;
    if (group != NULL) group->expiring = false;
    if (group == NULL || mark_over(group) == 0) {
        group_turn_end(turn);
        mem_free(CONTAINER_OF(turn, struct expiry, turn));
        return;
    }
    struct group_batch batch;
    group_batch_open(&batch);
    consumer_add_departures(&batch, group, turn->group->table->metadata);
    turn->written = expiry_written;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

static void expire(struct consumer_group *group) {
    if (group->expiring) return;
    group->expiring = true;
    struct expiry *expiry = mem_zalloc(sizeof *expiry);
    expiry->turn = (struct group_turn){
        .run = expiry_run, .refused = expiry_refused, .unrefused = true};
    group_turn_take(group->row, &expiry->turn);
}

static void session_due(struct group_timer *timer) {
    struct consumer_member *member = CONTAINER_OF(timer, struct consumer_member, session);
    member->session_over = true;
    expire(member->group);
}

static void rebalance_due(struct group_timer *timer) {
    struct consumer_member *member = CONTAINER_OF(timer, struct consumer_member, rebalance);
    member->rebalance_over = true;
    expire(member->group);
}

static void rebalance_clear(struct consumer_member *member) {
    member->rebalance_over = false;
    group_timer_clear(member->group->row->table->timers, &member->rebalance);
}

static void rebalance_set(struct consumer_member *member) {
    struct group_table *table = member->group->row->table;
    int32_t timeout_ms = member->rebalance_timeout_ms;
    member->rebalance.due = rebalance_due;
    member->rebalance_over = false;
    group_timer_set(table->timers, &member->rebalance,
                    env_now_ms(table->env) + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0));
}

void consumer_member_owes(struct consumer_member *member, enum consumer_owes owes) {
    if (owes == CONSUMER_OWES_JOIN && member->owes != CONSUMER_OWES_NOTHING) return;
    rebalance_clear(member);
    member->owes = owes;
    if (owes != CONSUMER_OWES_NOTHING) rebalance_set(member);
}

/* One of KIP-848 has its rebalance timeout to give partitions back. */
static void rebalance_renew(struct consumer_member *member) {
    if (member->owes != CONSUMER_OWES_NOTHING) consumer_member_owes(member, CONSUMER_OWES_NOTHING);
    if (member->standing.state != CONSUMER_UNREVOKED) {
        if (!MUTANT(MUTANT_REBALANCE_TIMER_KEPT)) rebalance_clear(member);
        return;
    }
    if (group_timer_is_set(&member->rebalance) && member->rebalance_epoch == member->standing.epoch)
        return;
    member->rebalance_epoch = member->standing.epoch;
    group_timer_clear(member->group->row->table->timers, &member->rebalance);
    rebalance_set(member);
}

/* Static members are expected to go and to come again within a session (KIP-345); how often one of
 * the classic protocol speaks is not known here. */
static uint64_t session_timeout_ms(const struct consumer_member *member) {
    if (member->classic != NULL) return (uint64_t)member->classic->session_timeout_ms;
    struct group_timing timing = consumer_timing(member->group->row);
    uint64_t whole_ms = timing.session_timeout_ms;
    if (!member->presence.absent || member->instance != NULL) return whole_ms;
    /* It speaks as it was told last, also when less is set since. */
    uint64_t patience_ms = group_presence_patience_ms(member->told_ms > timing.heartbeat_interval_ms
                                                          ? member->told_ms
                                                          : timing.heartbeat_interval_ms);
    return patience_ms < whole_ms ? patience_ms : whole_ms;
}

static void member_gone(struct group_presence *presence) {
    struct consumer_member *member = CONTAINER_OF(presence, struct consumer_member, presence);
    struct group_table *table = member->group->row->table;
    uint64_t over_ms = env_now_ms(table->env) + session_timeout_ms(member);
    if (!group_timer_is_set(&member->session) || over_ms >= member->session.due_ms) return;
    group_timer_set(table->timers, &member->session, over_ms);
    member->group->hurry_until_ms = over_ms + CONSUMER_SOON_MS;
}

void consumer_member_heard(struct consumer_member *member, const void *connection) {
    member->presence.gone = member_gone;
    group_presence_heard(member->group->row->table, &member->presence, connection);
}

void consumer_session_renew(struct consumer_member *member) {
    struct group_table *table = member->group->row->table;
    uint64_t timeout_ms = session_timeout_ms(member);
    member->session.due = session_due;
    member->session_over = false;
    group_timer_set(table->timers, &member->session, env_now_ms(table->env) + timeout_ms);
    if (member->classic == NULL) rebalance_renew(member);
}

int64_t consumer_heard_age_ms(const struct consumer_member *member) {
    const struct group_table *table = member->group->row->table;
    if (!group_timer_is_set(&member->session)) return -1;
    int64_t timeout_ms = (int64_t)session_timeout_ms(member),
            left_ms = (int64_t)member->session.due_ms - (int64_t)env_now_ms(table->env);
    return left_ms < timeout_ms ? timeout_ms - left_ms : 0;
}

void consumer_sessions_begin(struct consumer_group *group) {
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        consumer_session_renew(member);
    }
}

/* Nobody could be heard meanwhile: nor could anybody join, or give back what it owes. */
static void sessions_anew(struct consumer_group *group) {
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        enum consumer_owes owes = member->owes;
        member->owes = CONSUMER_OWES_NOTHING;
        rebalance_clear(member);
        consumer_session_renew(member);
        if (owes != CONSUMER_OWES_NOTHING) consumer_member_owes(member, owes);
    }
}

void consumer_sessions_settled(struct group_table *table) {
    for (struct group *row = table->groups; row != NULL; row = row->hh.next)
        if (row->in_doubt && row->consumer != NULL) {
            (void)table->conversions->upgraded(row);
            sessions_anew(row->consumer);
        }
}

void consumer_sessions_end(struct consumer_group *group) {
    struct group_timers *timers = group->row->table->timers;
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        group_timer_clear(timers, &member->session);
        group_presence_clear(group->row->table, &member->presence);
        rebalance_clear(member);
        member->owes = CONSUMER_OWES_NOTHING;
    }
    consumer_work_end(group->assigning);
    consumer_work_end(group->looking);
    group->metadata_version = 0;
    group->looked_ms = group->hurry_until_ms = 0;
}
