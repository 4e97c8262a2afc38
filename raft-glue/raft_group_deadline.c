/*
 * When a group is due: one timer heap for all groups of the shard.
 *
 * The engine says when (raft_timeout), an early try (election.c), a waiting confirmation
 * (read_index.c), a planned transfer and a leader that is not fit to lead (leader_fitness.c) may
 * say otherwise. A leader's deadlines are rounded up to a grid, so that the heartbeats of all
 * groups fall due in the same turn and share a frame to each peer. Moving a deadline to a later
 * moment costs nothing: the heap keeps the earlier one, and when it comes the group is put back. A
 * broker that stops leads what it leads, and lets nothing else time out: it would be elected only
 * to stop.
 */
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"

enum {
    LEADER_GRID_MS = 50,
    DAMAGED_PATIENCE = 4, /* election timeouts: two tries of somebody else, and a flush */
};

/* A new group that another replica is to lead first: it waits while that one can be expected to. */
static uint64_t first_is_expected_until(const struct raft_group *group) {
    if (!raft_group_is_new(group) || group->first == group->replica) return 0;
    const struct member *first = raft_group_member(group, group->first);
    return first == NULL || !first->link->up || first->link->stopping
               ? 0
               : raft_group_patience_ends_ms(group);
}

static uint64_t election_deadline(const struct raft_group *group, uint64_t engine_ms) {
    uint64_t at_ms = first_is_expected_until(group);
    if (at_ms < engine_ms) at_ms = engine_ms;
    if (at_ms < group->calm.not_before_ms && !group->fast.under_way)
        at_ms = group->calm.not_before_ms;
    /* A last resort: somebody else is to lead, as long as there may be somebody. */
    if (raft_group_is_damaged(group))
        return at_ms + (uint64_t)DAMAGED_PATIENCE * group->shard->options.election_timeout_ms;
    if (!group->fast.under_way) return at_ms;
    if (group->fast.tried && raft_group_hard_state_pending(group)) return UINT64_MAX;
    return group->fast.at_ms > at_ms ? group->fast.at_ms : at_ms;
}

/* A quiet follower (quiet.c): its leader's heartbeats are the signs of life of that broker. A quiet
 * leader has nothing to do. */
static uint64_t quiet_deadline(const struct raft_group *group) {
    const struct member *leader = group->calm.of;
    if (leader == NULL || !leader->link->silent || MUTANT(MUTANT_QUIET_FOLLOWER_SLEEPS))
        return UINT64_MAX;
    return peers_heard_ms(group->shard->peers, leader->node) +
           group->raft.follower_state.randomized_election_timeout;
}

uint64_t raft_group_engine_deadline_ms(const struct raft_group *group) {
    if (group->quiet) return group->shard->draining ? UINT64_MAX : quiet_deadline(group);
    uint64_t at_ms = raft_timeout(&group->raft);
    if (group->raft.state == RAFT_LEADER)
        return (at_ms + LEADER_GRID_MS - 1) / LEADER_GRID_MS * LEADER_GRID_MS;
    return group->shard->draining || shard_is_asking(group->shard)
               ? UINT64_MAX
               : election_deadline(group, at_ms);
}

uint64_t raft_group_read_index_deadline_ms(const struct raft_group *group) {
    return group->read_index.first == NULL ? UINT64_MAX : group->read_index.first->deadline_ms;
}

uint64_t raft_group_transfer_deadline_ms(const struct raft_group *group) {
    return group->transfer == NULL ? UINT64_MAX : group->transfer->deadline_ms;
}

uint64_t raft_group_leave_deadline_ms(const struct raft_group *group) {
    bool wanted = raft_group_is_unfit(group) && raft_group_leads(group) &&
                  group->transfer == NULL && group->member_count > 1;
    return wanted ? group->leave_at_ms : UINT64_MAX;
}

uint64_t raft_group_deadline_ms(const struct raft_group *group) {
    uint64_t deadlines[] = {
        raft_group_engine_deadline_ms(group), raft_group_read_index_deadline_ms(group),
        raft_group_transfer_deadline_ms(group), raft_group_leave_deadline_ms(group)};
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++)
        if (deadlines[i] < first) first = deadlines[i];
    return first;
}

void raft_group_arm_at(struct raft_group *group, uint64_t at_ms) {
    if (at_ms == UINT64_MAX) {
        timer_heap_remove(&group->shard->timers, &group->timer);
        return;
    }
    timer_heap_set(&group->shard->timers, &group->timer, at_ms);
    shard_arm(group->shard);
}

void raft_group_rearm(struct raft_group *group) {
    if (group->phase == RAFT_GROUP_RUNNING) raft_group_arm_at(group, raft_group_deadline_ms(group));
}

void raft_group_rearm_later(struct raft_group *group) {
    if (group->timer.place == 0 || raft_group_deadline_ms(group) < group->timer.at_ms)
        raft_group_rearm(group);
}
