/*
 * When a group is due: one timer heap for all groups of the shard.
 *
 * The engine says when (raft_timeout), an early try (election.c) and a waiting confirmation (confirm.c) may say otherwise. A
 * leader's deadlines are rounded up to a grid, so that the heartbeats of all groups fall due in the same turn and share a
 * frame to each peer. Moving a deadline to a later moment costs nothing: the heap keeps the earlier one, and when it comes the
 * group is put back. A broker that stops leads what it leads, and lets nothing else time out: it would be elected only to stop.
 */
#include "raft-glue/group_state.h"

enum { LEADER_GRID_MS = 50 };

static uint64_t election_deadline(const struct group *group, uint64_t engine_ms) {
    if (group->fast.tries == 0) return engine_ms;
    if (group->fast.tried && group_hard_state_pending(group)) return UINT64_MAX;
    return group->fast.at_ms > engine_ms ? group->fast.at_ms : engine_ms;
}

uint64_t group_engine_deadline_ms(const struct group *group) {
    uint64_t at_ms = raft_timeout(&group->raft);
    if (group->raft.state == RAFT_LEADER) return (at_ms + LEADER_GRID_MS - 1) / LEADER_GRID_MS * LEADER_GRID_MS;
    return group->shard->draining ? UINT64_MAX : election_deadline(group, at_ms);
}

uint64_t group_confirm_deadline_ms(const struct group *group) {
    return group->confirms == NULL ? UINT64_MAX : group->confirms->deadline_ms;
}

uint64_t group_deadline_ms(const struct group *group) {
    uint64_t engine = group_engine_deadline_ms(group), confirm = group_confirm_deadline_ms(group);
    return engine < confirm ? engine : confirm;
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
