/*
 * One rebalance: it begins, members join, a protocol is chosen, all who joined are answered, and
 * then owe a Sync.
 *
 * Failures: who does not join in time is removed, unless it is static (it goes with its session);
 * who does not send its Sync in time is removed, and the next rebalance begins.
 */
#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_internal.h"

/* ---- Protocols ---- */

static bool is_candidate(const struct classic_group *classic, const struct classic_name *name) {
    return name != NULL && name->members == classic_size(classic);
}

bool classic_supports(const struct classic_group *classic, const struct group_join *join) {
    if (join->protocol_count == 0 || join->protocol_count > CLASSIC_PROTOCOLS_MAX) return false;
    if (classic->state == CLASSIC_EMPTY) return join->protocol_type.len > 0;
    if (!shared_string_is(classic->type, join->protocol_type)) return false;
    if (classic->members == NULL) return true;
    for (size_t p = 0; p < join->protocol_count; p++)
        if (is_candidate(classic, classic_name_find(classic, join->protocols[p].name))) return true;
    return false;
}

/* Ties: as the leader likes them. */
struct classic_name *classic_vote(const struct classic_group *classic) {
    struct classic_name *name, *best = NULL;
    for (name = classic->names; name != NULL; name = name->hh.next)
        name->votes = 0;
    for (const struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next)
        for (uint32_t p = 0; p < member->protocol_count; p++)
            if (is_candidate(classic, member->protocols[p].name)) {
                member->protocols[p].name->votes++;
                break;
            }
    for (uint32_t p = 0; classic->leader != NULL && p < classic->leader->protocol_count; p++) {
        name = classic->leader->protocols[p].name;
        if (is_candidate(classic, name) && (best == NULL || name->votes > best->votes)) best = name;
    }
    return best;
}

/* ---- Parked Joins ---- */

static void join_gone(struct group_call *call) {
    struct classic_member *member = call->parked_at;
    member->join = NULL;
    member->nameless = false;
    member->classic->joined--;
    classic_member_renew(member);
}

void classic_park_join(struct classic_member *member, struct group_join *join) {
    struct group_timers *timers = classic_table(member->classic)->timers;
    classic_member_heard(member, join->asker, false);
    if (member->join != NULL) classic_fail_join(member, KAFKA_REBALANCE_IN_PROGRESS);
    member->join = join;
    member->classic->joined++;
    if (member->overdue) classic_member_renew(member); /* it is not any more */
    if (member->nameless)
        group_timer_set(timers, &member->session,
                        classic_now_ms(member->classic) + CLASSIC_NEW_MEMBER_MS);
    else
        group_timer_clear(timers, &member->session);
    group_call_park(&join->call, member, join_gone);
}

static struct group_join *join_unpark(struct classic_member *member) {
    struct group_join *join = member->join;
    member->join = NULL;
    member->nameless = false;
    member->classic->joined--;
    return join;
}

void classic_fail_join(struct classic_member *member, int16_t error) {
    if (member->join == NULL) return;
    struct group_join *join = join_unpark(member);
    join->generation = -1;
    join->member = shared_bytes_take(member->id);
    group_call_answer(classic_table(member->classic), &join->call, error);
}

void classic_list_members(const struct classic_group *classic, struct group_join *join) {
    join->members = mem_alloc(classic_size(classic) * sizeof *join->members);
    for (const struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next)
        join->members[join->member_count++] = (struct group_join_member){
            .id = shared_bytes_take(member->id),
            .instance = shared_bytes_take(member->instance),
            .metadata = shared_bytes_take(classic_member_metadata(member, classic->protocol)),
        };
}

void classic_answer_join(struct classic_member *member, struct group_join *join) {
    struct classic_group *classic = member->classic;
    join->generation = classic->generation;
    join->type = shared_bytes_take(classic->type);
    join->protocol = shared_bytes_take(classic->protocol);
    join->leader = shared_bytes_take(classic->leader->id);
    join->member = shared_bytes_take(member->id);
    if (member == classic->leader) classic_list_members(classic, join);
    group_call_answer(classic_table(classic), &join->call, KAFKA_NONE);
}

/* ---- The rebalance ---- */

static uint64_t rebalance_timeout_ms(const struct classic_group *classic) {
    int32_t most = 0;
    for (const struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next)
        if (member->rebalance_timeout_ms > most) most = member->rebalance_timeout_ms;
    return (uint64_t)most;
}

static void nobody_owes(struct classic_group *classic) {
    for (struct classic_member *member = classic->members; member != NULL && classic->owing > 0;
         member = member->by_id.next) {
        if (member->owes_sync) classic->owing--;
        member->owes_sync = false;
    }
}

void classic_prepare(struct classic_group *classic) {
    if (classic->state == CLASSIC_COMPLETING)
        classic_refuse_syncs(classic, KAFKA_REBALANCE_IN_PROGRESS);
    classic_handover_end(classic, KAFKA_REBALANCE_IN_PROGRESS);
    nobody_owes(classic);
    group_history_begins(classic->group);
    classic->initial = classic->state == CLASSIC_EMPTY;
    classic_move(classic, CLASSIC_PREPARING);
    uint64_t timeout_ms = rebalance_timeout_ms(classic);
    if (classic->initial) {
        uint64_t delay_ms = classic_table(classic)->settings->group_initial_rebalance_delay_ms;
        classic->initial_until_ms = classic_now_ms(classic) +
                                    (timeout_ms > delay_ms ? timeout_ms : delay_ms);
        classic_timer_set(classic, delay_ms);
        return;
    }
    classic_timer_set(classic, timeout_ms);
    classic_maybe_complete(classic);
}

static void remove_missing(struct classic_group *classic) {
    struct classic_member *member, *next;
    HASH_ITER(by_id, classic->members, member, next)
    if (member->join == NULL && member->instance == NULL) {
        classic_member_note(member, KP_GROUP_LATE);
        classic_member_remove(member);
    }
}

/* The leader stays if it has joined. False: nobody has. */
static bool leader_joined(struct classic_group *classic) {
    struct classic_member *member = classic->leader;
    if (member != NULL && member->join != NULL) return true;
    for (member = classic->members; member != NULL; member = member->by_id.next)
        if (member->join != NULL) {
            classic->leader = member;
            return true;
        }
    return false;
}

static void answer_joined(struct classic_member *member) {
    if (member->join == NULL) return;
    member->classic->owing++;
    member->owes_sync = true;
    classic_answer_join(member, join_unpark(member));
    classic_member_renew(member);
}

/* The leader first, for all others wait for it. */
static void answer_joins(struct classic_group *classic) {
    answer_joined(classic->leader);
    for (struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next)
        answer_joined(member);
}

static void complete(struct classic_group *classic) {
    remove_missing(classic);
    if (classic->members == NULL) {
        classic->emptying = true;
        return;
    }
    if (!leader_joined(classic)) { /* static members, which end with their sessions */
        classic_timer_set(classic, rebalance_timeout_ms(classic));
        return;
    }
    classic->initial = false;
    if (!MUTANT(MUTANT_GENERATION_REUSED) || classic->generation == 0)
        classic->generation = classic_next_generation(classic);
    shared_bytes_release(classic->protocol);
    struct classic_name *chosen = classic_vote(classic);
    CHECK(chosen != NULL); /* classic_supports: whoever joined names one that all others do */
    classic->protocol = shared_bytes_take(chosen->text);
    classic_move(classic, CLASSIC_COMPLETING);
    classic_timer_set(classic, rebalance_timeout_ms(classic));
    answer_joins(classic);
}

void classic_maybe_complete(struct classic_group *classic) {
    if (classic->state != CLASSIC_PREPARING || classic->initial || classic->emptying) return;
    if (classic->joined == classic_size(classic) && classic->pending == NULL) complete(classic);
}

void classic_changed(struct classic_group *classic) {
    if (classic->state == CLASSIC_PREPARING)
        classic_maybe_complete(classic);
    else
        classic_prepare(classic);
}

/* ---- Time ---- */

void classic_time_anew(struct classic_group *classic) {
    if (classic->emptying || classic->state == CLASSIC_EMPTY || classic->state == CLASSIC_STABLE)
        return;
    classic_timer_set(classic,
                      classic->initial
                          ? classic_table(classic)->settings->group_initial_rebalance_delay_ms
                          : rebalance_timeout_ms(classic));
}

/* A delay behind the last who came: Kafka waits for a whole one more, which for a thousand that
 * come within a second is nearly twice as long. */
static void initial_over(struct classic_group *classic) {
    uint64_t now_ms = classic_now_ms(classic);
    uint64_t over_ms = classic->newcomer_ms +
                       classic_table(classic)->settings->group_initial_rebalance_delay_ms;
    if (over_ms > classic->initial_until_ms) over_ms = classic->initial_until_ms;
    if (over_ms > now_ms)
        classic_timer_set(classic, over_ms - now_ms);
    else
        complete(classic);
}

static void syncs_over(struct classic_group *classic) {
    struct classic_member *member, *next;
    if (classic->owing == 0) return;
    HASH_ITER(by_id, classic->members, member, next)
    if (member->owes_sync) {
        classic_member_note(member, KP_GROUP_LATE);
        classic_member_remove(member);
    }
    classic_changed(classic);
}

void classic_time_over(struct classic_group *classic) {
    if (classic->state == CLASSIC_PREPARING && classic->initial)
        initial_over(classic);
    else if (classic->state == CLASSIC_PREPARING)
        complete(classic);
    else
        syncs_over(classic);
}
