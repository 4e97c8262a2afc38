/*
 * When a group is due: one timer heap for all groups of the shard.
 *
 * The engine says when (raft_timeout). A leader's deadlines are rounded up to a grid, so that the heartbeats of all
 * groups fall due in the same turn and share a frame to each peer. Moving a deadline to a later moment costs nothing: the heap
 * keeps the earlier one, and when it comes the group is put back. RAFT_TIMEOUT is never early. A broker that stops leads what it
 * leads, and lets nothing else time out: it would be elected only to stop.
 */
#include "raft-glue/group_state.h"

enum { LEADER_GRID_MS = 50 };

static uint64_t engine_deadline(const struct group *group) {
    uint64_t at_ms = raft_timeout(&group->raft);
    if (group->raft.state == RAFT_LEADER) return (at_ms + LEADER_GRID_MS - 1) / LEADER_GRID_MS * LEADER_GRID_MS;
    return group->shard->draining ? UINT64_MAX : election_deadline(group, at_ms);
}

static uint64_t deadline(const struct group *group) {
    uint64_t engine = engine_deadline(group), confirm = confirm_deadline_ms(group);
    return engine < confirm ? engine : confirm;
}

void group_rearm(struct group *group) {
    if (group->phase != GROUP_RUNNING) return;
    timer_heap_set(&group->shard->timers, &group->timer, deadline(group));
    shard_arm(group->shard);
}

void group_rearm_later(struct group *group) {
    if (group->timer.place == 0 || deadline(group) < group->timer.at_ms) group_rearm(group);
}

void group_on_time(struct group *group) {
    if (group->phase != GROUP_RUNNING) return;
    uint64_t now_ms = shard_now_ms(group->shard);
    if (confirm_deadline_ms(group) <= now_ms) shard_news(group);
    if (engine_deadline(group) <= now_ms && election_may_time_out(group)) {
        struct raft_event event = {.type = RAFT_TIMEOUT};
        group_step(group, &event);
        election_timed_out(group);
    }
    if (group->phase != GROUP_RUNNING) return;
    uint64_t next_ms = deadline(group);
    if (next_ms <= now_ms) next_ms = now_ms + 1; /* a confirmation that the turn ends, or a grid point that is now */
    timer_heap_set(&group->shard->timers, &group->timer, next_ms);
    shard_arm(group->shard);
}
