/*
 * When a group is due: one timer heap for all groups of the shard.
 *
 * The engine says when (raft_timeout), an early try (election.c), a waiting confirmation (confirm.c) and a planned transfer may say otherwise. A
 * leader's deadlines are rounded up to a grid, so that the heartbeats of all groups fall due in the same turn and share a
 * frame to each peer. Moving a deadline to a later moment costs nothing: the heap keeps the earlier one, and when it comes the
 * group is put back. A broker that stops leads what it leads, and lets nothing else time out: it would be elected only to stop.
 */
#include "raft-glue/group_state.h"

enum { LEADER_GRID_MS = 50 };

/* A new group that another replica is to lead first: it waits while that one can be expected to. */
static uint64_t first_is_expected_until(const struct group *group) {
    if (!group_is_new(group) || group->first == group->replica) return 0;
    const struct member *first = group_member(group, group->first);
    return first == NULL || !first->link->up || first->link->stopping ? 0 : group_patience_ends_ms(group);
}

static uint64_t election_deadline(const struct group *group, uint64_t engine_ms) {
    uint64_t at_ms = first_is_expected_until(group);
    if (at_ms < engine_ms) at_ms = engine_ms;
    if (!group->fast.under_way) return at_ms;
    if (group->fast.tried && group_hard_state_pending(group)) return UINT64_MAX;
    return group->fast.at_ms > at_ms ? group->fast.at_ms : at_ms;
}

uint64_t group_engine_deadline_ms(const struct group *group) {
    uint64_t at_ms = raft_timeout(&group->raft);
    if (group->raft.state == RAFT_LEADER) return (at_ms + LEADER_GRID_MS - 1) / LEADER_GRID_MS * LEADER_GRID_MS;
    return group->shard->draining ? UINT64_MAX : election_deadline(group, at_ms);
}

uint64_t group_confirm_deadline_ms(const struct group *group) {
    return group->confirms == NULL ? UINT64_MAX : group->confirms->deadline_ms;
}

uint64_t group_transfer_deadline_ms(const struct group *group) {
    return group->transfer == NULL ? UINT64_MAX : group->transfer->deadline_ms;
}

uint64_t group_deadline_ms(const struct group *group) {
    uint64_t first = group_engine_deadline_ms(group), confirm = group_confirm_deadline_ms(group);
    if (confirm < first) first = confirm;
    uint64_t transfer = group_transfer_deadline_ms(group);
    return transfer < first ? transfer : first;
}

void group_arm_at(struct group *group, uint64_t at_ms) {
    timer_heap_set(&group->shard->timers, &group->timer, at_ms);
    shard_arm(group->shard);
}

void group_rearm(struct group *group) {
    if (group->phase == GROUP_RUNNING) group_arm_at(group, group_deadline_ms(group));
}

void group_rearm_later(struct group *group) {
    if (group->timer.place == 0 || group_deadline_ms(group) < group->timer.at_ms) group_rearm(group);
}
