/* Heartbeat, LeaveGroup, and whether a commit of offsets may be. */
#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_internal.h"

/* ---- Heartbeat ---- */

static int16_t heartbeat_check(const struct classic_group *classic,
                               const struct group_heartbeat *heartbeat) {
    struct classic_member *member;
    int16_t error = classic_validate(classic, heartbeat->member_id, heartbeat->instance_id,
                                     &member);
    if (error != KAFKA_NONE) return error;
    if (heartbeat->generation != classic->generation) return KAFKA_ILLEGAL_GENERATION;
    classic_member_heard(member, heartbeat->asker, true);
    classic_member_renew(member);
    return classic->state == CLASSIC_PREPARING ? KAFKA_REBALANCE_IN_PROGRESS : KAFKA_NONE;
}

void classic_heartbeat(struct group *group, struct group_heartbeat *heartbeat) {
    int16_t error = heartbeat_check(classic_live(group), heartbeat);
    group_call_answer(group->table, &heartbeat->call, error);
    classic_turn_end(group, &heartbeat->call.turn);
}

/* ---- LeaveGroup ---- */

static void leave_member(struct classic_member *member) {
    classic_fail_join(member, KAFKA_UNKNOWN_MEMBER_ID);
    classic_fail_sync(member, KAFKA_UNKNOWN_MEMBER_ID);
    classic_member_note(member, KP_GROUP_LEFT);
    classic_member_remove(member);
}

/* True: somebody went. */
static bool leave_one(struct classic_group *classic, struct group_leaver *leaver) {
    struct classic_member *member = NULL;
    leaver->error = KAFKA_NONE;
    if (leaver->member_id.len <= 0) { /* KIP-571: removed by who knows only its instance */
        member = classic_member_of_instance(classic, leaver->instance_id);
        if (member == NULL) leaver->error = KAFKA_UNKNOWN_MEMBER_ID;
    } else {
        struct classic_pending *pending = classic_pending_find(classic, leaver->member_id);
        if (pending != NULL) {
            classic_pending_remove(pending);
            return true;
        }
        leaver->error = classic_validate(classic, leaver->member_id, leaver->instance_id, &member);
    }
    if (leaver->error != KAFKA_NONE) return false;
    leave_member(member);
    return true;
}

static void leave_written(struct group_turn *turn, int16_t error) {
    struct group_leave *leave = CONTAINER_OF(turn, struct group_leave, call.turn);
    struct group *group = turn->group;
    classic_emptied(group, error);
    /* They are out of it, whatever becomes of the record; but a new leader may not know. */
    group_call_answer(group->table, &leave->call,
                      error == KAFKA_NOT_COORDINATOR ? error : KAFKA_NONE);
    classic_turn_end(group, turn);
}

void classic_leave(struct group *group, struct group_leave *leave) {
    struct classic_group *classic = classic_live(group);
    uint32_t members = classic_size(classic);
    bool went = false;
    for (; leave->next < leave->leaver_count; leave->next++)
        went |= leave_one(classic, &leave->leavers[leave->next]);
    if (classic_size(classic) < members)
        classic_changed(classic);
    else if (went)
        classic_maybe_complete(classic);
    leave->call.turn.written = leave_written;
    if (classic_write_empty(classic, &leave->call.turn)) return;
    group_call_answer(group->table, &leave->call, KAFKA_NONE);
    classic_turn_end(group, &leave->call.turn);
}

/* ---- Commits of offsets ---- */

static int16_t commit_check(const struct classic_group *classic,
                            const struct group_committer *committer) {
    struct classic_member *member;
    if (committer->generation < 0 && classic->state == CLASSIC_EMPTY) return KAFKA_NONE;
    if (committer->generation < 0 && committer->member_id.len <= 0 &&
        committer->instance_id.len < 0) /* set from outside, while members live */
        return committer->in_transaction ? KAFKA_NONE : KAFKA_UNKNOWN_MEMBER_ID;
    int16_t error = classic_validate(classic, committer->member_id, committer->instance_id,
                                     &member);
    if (error != KAFKA_NONE) return error;
    if (committer->generation != classic->generation && !MUTANT(MUTANT_OLD_OWNER_COMMITS))
        return KAFKA_ILLEGAL_GENERATION;
    if (committer->in_transaction) return KAFKA_NONE; /* whatever goes on in the group */
    if (classic->state == CLASSIC_COMPLETING) return KAFKA_REBALANCE_IN_PROGRESS;
    classic_member_renew(member);
    return KAFKA_NONE;
}

int16_t classic_check_commit(struct group *group, const struct group_committer *committer) {
    int16_t error = commit_check(classic_live(group), committer);
    classic_settle(group);
    return error;
}
