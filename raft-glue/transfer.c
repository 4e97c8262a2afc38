/*
 * Who takes a leadership over, and when: for a clean stop (drain.c), and as planned
 * (raft_group_transfer_begin). Raft dissertation, 3.10.
 *
 * The engine sends TIMEOUT_NOW at the target's first acknowledgement, needed or not, and never
 * again: so the transfer is asked for only when the target's match is our last index, and submits
 * are refused from the moment when it is near. A clean stop: when the engine gives it up, after an
 * election timeout, it is tried again with whoever is best then; nobody to hand over to: the group
 * keeps its leader. A planned one has one target and one try: what the target lacks is short of a
 * flush, or it is not begun; it ends when the lead is lost, or when its time is over, and then
 * submits go on.
 */
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

enum { NEAR_ENTRIES = 100 }; /* a target that lacks more is not begun with */

/* Whoever has damage in its segments, or no room, only where everybody has. */
static bool is_better(const struct member *member, const struct member *than) {
    if (member->log_damaged != than->log_damaged) return than->log_damaged;
    if (member->no_room != than->no_room) return than->no_room;
    return member_match(member) > member_match(than);
}

static bool may_lead(const struct raft_group *group, const struct member *member) {
    return member != group->self && member->voter && !member->damaged && !member->takes_none &&
           member->link->up && !member->link->stopping;
}

struct member *transfer_target(const struct raft_group *group) {
    struct member *best = NULL;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (!may_lead(group, member)) continue;
        if (best == NULL || is_better(member, best)) best = member;
    }
    return best;
}

static struct member *planned_target(const struct raft_group *group) {
    if (group->transfer == NULL) return NULL;
    struct member *target = raft_group_member(group, group->transfer->replica);
    return target != NULL && may_lead(group, target) ? target : NULL;
}

struct member *transfer_decide(struct raft_group *group) {
    bool wanted = group->shard->handing_over || group->transfer != NULL;
    if (!wanted || !raft_group_leads(group) || raft_transferee(&group->raft) != 0) return NULL;
    if (!group->shard->handing_over && group->transfer->asked) { /* the engine has given up */
        shard_ready(group);
        return NULL;
    }
    struct member *target = group->shard->handing_over ? transfer_target(group)
                                                       : planned_target(group);
    group->hand_over_to = target == NULL ? 0 : target->replica;
    if (target == NULL || member_match(target) != partition_log_last_index(group->log)) return NULL;
    if (group->transfer != NULL) {
        group->transfer->asked = true;
        /* The engine gives up after an election timeout, with the heartbeat behind it; until it
         * has, this is not over. */
        const struct shard_options *options = &group->shard->options;
        group->transfer->deadline_ms = shard_now_ms(group->shard) + options->election_timeout_ms +
                                       2 * options->heartbeat_ms;
    }
    return target;
}

/* ---- Planned ---- */

int raft_group_transfer_begin(struct raft_group *group, struct raft_group_transfer *transfer,
                              replica_id replica) {
    CHECK(transfer->group == NULL);
    if (!raft_group_leads(group) || !group->announced.leading) return ERR_NOT_LEADER;
    struct member *target = raft_group_member(group, replica);
    if (target == NULL || target == group->self || !target->voter) return ERR_INVALID;
    return transfer_begin(group, transfer, target);
}

int transfer_begin(struct raft_group *group, struct raft_group_transfer *transfer,
                   struct member *target) {
    const struct shard_options *options = &group->shard->options;
    if (group->transfer != NULL || group->shard->draining || raft_transferee(&group->raft) != 0)
        return ERR_LIMIT;
    bool near = member_match(target) + NEAR_ENTRIES >= partition_log_last_index(group->log);
    if (!may_lead(group, target) || !near || !raft_group_member_in_sync(group, target->replica))
        return ERR_AGAIN;
    transfer->group = group;
    transfer->replica = target->replica;
    transfer->term = raft_group_term(group);
    transfer->asked = false;
    transfer->deadline_ms = shard_now_ms(group->shard) + (uint64_t)2 * options->failover_ms;
    group->transfer = transfer;
    shard_ready(group);
    raft_group_rearm(group);
    return ERR_NONE;
}

static void end_transfer(struct raft_group *group, int error) {
    struct raft_group_transfer *transfer = group->transfer;
    group->transfer = NULL;
    group->hand_over_to = 0;
    transfer->group = NULL;
    transfer->done(transfer, error);
}

void transfer_deliver(struct raft_group *group) {
    if (group->transfer == NULL) return;
    if (!raft_group_leads(group) || raft_group_term(group) != group->transfer->term) {
        group->shard->stats.transfers++;
        end_transfer(group, ERR_NONE);
    } else if (shard_now_ms(group->shard) >= group->transfer->deadline_ms ||
               (group->transfer->asked && raft_transferee(&group->raft) == 0)) {
        end_transfer(group, ERR_TIMEOUT);
    }
}

void transfer_fail(struct raft_group *group, int error) {
    if (group->transfer != NULL) end_transfer(group, error);
}

void raft_group_transfer_cancel(struct raft_group_transfer *transfer) {
    if (transfer->group == NULL) return;
    transfer->group->transfer = NULL;
    transfer->group->hand_over_to = 0;
    transfer->group = NULL;
}
