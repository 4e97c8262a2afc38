/*
 * JoinGroup: who may be a member, and what becomes of the group by it. The rows of Kafka's table,
 * the first that holds decides:
 *
 *   full -> protocols do not fit -> id empty: told an id first, or a new member, or the instance is
 *   known (classic_static.c) -> an id that was told -> a member, by the state of the group.
 */
#include "base/check.h"
#include "broker/coordinator/classic/classic_internal.h"
#include "broker/coordinator/group/member_id.h"

/* ---- Answers that end it at once ---- */

static void join_end(struct group *group, struct group_join *join) {
    classic_turn_end(group, &join->call.turn);
}

static void join_refuse(struct group *group, struct group_join *join, int16_t error,
                        struct kp_string member_id) {
    join->generation = -1;
    join->member = shared_string_of(NULL, member_id);
    group_call_answer(group->table, &join->call, error);
    join_end(group, join);
}

/* ---- New members ---- */

/* The first member of an empty group says what kind of group it is. */
static void set_type(struct classic_group *classic, const struct group_join *join) {
    if (classic->state != CLASSIC_EMPTY) return;
    shared_bytes_release(classic->type);
    classic->type = shared_string_of(classic_table(classic)->shared, join->protocol_type);
}

static void add_and_park(struct classic_group *classic, struct group_join *join,
                         struct shared_bytes *id) {
    set_type(classic, join);
    struct classic_member *member = classic_member_add(classic, id, join->instance_id);
    classic_member_tell(member, join);
    member->nameless = !join->asks_for_id && join->instance_id.len < 0;
    classic->newcomer_ms = classic_now_ms(classic);
    classic_member_note(member, KP_GROUP_JOINED);
    classic_park_join(member, join);
    classic_changed(classic);
}

static void join_tell_id(struct classic_group *classic, struct group_join *join) {
    struct group *group = classic->group;
    struct shared_bytes *id = member_id_new(group->table, join);
    classic_pending_add(classic, shared_bytes_take(id), join);
    join->generation = -1;
    join->member = id;
    group_call_answer(group->table, &join->call, KAFKA_MEMBER_ID_REQUIRED);
    join_end(group, join);
}

static void join_new(struct classic_group *classic, struct group_join *join) {
    struct group *group = classic->group;
    struct classic_member *holder = classic_member_of_instance(classic, join->instance_id);
    if (holder != NULL) {
        classic_static_rejoin(holder, join, member_id_new(group->table, join));
    } else if (join->instance_id.len < 0 && join->asks_for_id) {
        join_tell_id(classic, join);
    } else {
        add_and_park(classic, join, member_id_new(group->table, join));
        join_end(group, join);
    }
}

/* ---- Members ---- */

static void update_and_park(struct classic_member *member, struct group_join *join) {
    struct classic_group *classic = member->classic;
    bool same = classic_member_says_same(member, join);
    classic_member_tell(member, join);
    /* in Preparing it does what all are asked to do */
    if (classic->state != CLASSIC_PREPARING)
        classic_member_note(member, same ? KP_GROUP_REJOINED : KP_GROUP_CHANGED);
    classic_park_join(member, join);
    classic_changed(classic);
}

static void join_member(struct classic_member *member, struct group_join *join) {
    struct classic_group *classic = member->classic;
    bool same = classic_member_says_same(member, join);
    bool again = (classic->state == CLASSIC_COMPLETING && same) || /* its answer was lost */
                 (classic->state == CLASSIC_STABLE && same && member != classic->leader);
    if (again) {
        classic_answer_join(member, join);
        classic_member_renew(member);
    } else {
        update_and_park(member, join);
    }
}

static void join_known(struct classic_group *classic, struct group_join *join) {
    struct group *group = classic->group;
    struct classic_pending *pending = classic_pending_find(classic, join->member_id);
    struct classic_member *member;
    int16_t error = KAFKA_NONE;
    if (pending != NULL && join->instance_id.len >= 0)
        error = KAFKA_UNKNOWN_MEMBER_ID; /* what is told is for dynamic members */
    else if (pending == NULL)
        error = classic_validate(classic, join->member_id, join->instance_id, &member);
    if (error != KAFKA_NONE) {
        join_refuse(group, join, error, join->member_id);
        return;
    }
    if (pending != NULL) {
        struct shared_bytes *id = shared_bytes_take(pending->id);
        classic_pending_remove(pending);
        add_and_park(classic, join, id);
    } else {
        join_member(member, join);
    }
    join_end(group, join);
}

/* ---- Limits ---- */

static struct classic_member *member_of(const struct classic_group *classic,
                                        const struct group_join *join) {
    struct classic_member *member = classic_member_find(classic, join->member_id);
    return member != NULL ? member : classic_member_of_instance(classic, join->instance_id);
}

/* group.max.size, as Kafka counts: while it prepares, those who have joined. */
static bool is_full(const struct classic_group *classic, const struct group_join *join) {
    uint32_t most = classic_table(classic)->settings->group_max_size;
    const struct classic_member *member = member_of(classic, join);
    if (classic->state == CLASSIC_EMPTY) return false;
    if (classic->state == CLASSIC_PREPARING)
        return (member == NULL || member->join == NULL) && classic->joined >= most;
    return member == NULL && classic_size(classic) >= most;
}

/* What members say of themselves is in each leader's answer and in the record. */
static bool is_too_much(const struct classic_group *classic, const struct group_join *join) {
    const struct classic_member *member = member_of(classic, join);
    size_t before = member == NULL ? 0 : member->charged;
    size_t most = classic_table(classic)->settings->group_max_bytes;
    return classic->metadata - before + classic_join_bytes(join) > most ||
           (join->member_id.len == 0 &&
            HASH_COUNT(classic->pending) >= classic_table(classic)->settings->group_max_size);
}

/* Whoever asks it for one id after the other, in as many groups, and never joins. */
static bool is_told_enough(const struct classic_group *classic, const struct group_join *join) {
    return join->asks_for_id && join->member_id.len == 0 &&
           classic_asker_has_enough(classic_table(classic), join->asker);
}

static void join_full(struct classic_group *classic, struct group_join *join) {
    struct group *group = classic->group;
    struct classic_member *member = classic_member_find(classic, join->member_id);
    if (member != NULL) {
        classic_fail_join(member, KAFKA_GROUP_MAX_SIZE_REACHED);
        classic_fail_sync(member, KAFKA_GROUP_MAX_SIZE_REACHED);
        classic_member_note(member, KP_GROUP_LEFT);
        classic_member_remove(member);
        classic_changed(classic);
    }
    join_refuse(group, join, KAFKA_GROUP_MAX_SIZE_REACHED, kp_string_of(""));
}

void classic_join(struct group *group, struct group_join *join) {
    struct classic_group *classic = classic_live(group);
    group_pay(group, join->client_host);
    if (is_full(classic, join) || is_too_much(classic, join))
        join_full(classic, join);
    else if (member_of(classic, join) == NULL &&
             (group_refuses_more(group) || is_told_enough(classic, join)))
        join_refuse(group, join, KAFKA_COORDINATOR_NOT_AVAILABLE, join->member_id);
    else if (!classic_supports(classic, join))
        join_refuse(group, join, KAFKA_INCONSISTENT_GROUP_PROTOCOL, join->member_id);
    else if (join->member_id.len == 0)
        join_new(classic, join);
    else
        join_known(classic, join);
}
