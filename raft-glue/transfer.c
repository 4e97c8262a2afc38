/*
 * Who takes a leadership over, and when: for a clean stop (drain.c). Submits are refused meanwhile.
 *
 * The engine sends TIMEOUT_NOW at the target's first acknowledgement, needed or not, and never again: so the transfer is asked for
 * only when the target's match is our last index. When the engine gives it up, after an election timeout, it is tried again with
 * whoever is best then. Nobody to hand over to: the group keeps its leader.
 */
#include "raft-glue/group_state.h"

struct member *transfer_target(const struct group *group) {
    struct member *best = NULL;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member == group->self || !member->voter || member->damaged) continue;
        if (!member->link->up || member->link->stopping) continue;
        if (best == NULL || member_match(member) > member_match(best)) best = member;
    }
    return best;
}

struct member *transfer_decide(struct group *group) {
    if (!group->shard->handing_over || !group_leads(group) || raft_transferee(&group->raft) != 0) return NULL;
    struct member *target = transfer_target(group);
    group->hand_over_to = target == NULL ? 0 : target->replica;
    bool has_all = target != NULL && member_match(target) == partition_log_last_index(group->log);
    return has_all ? target : NULL;
}
