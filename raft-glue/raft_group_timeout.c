/*
 * A group is due: late confirmations are for the end of the turn, and the engine gets its timeout.
 *
 * RAFT_TIMEOUT is never early: what the heap kept too early is only put back
 * (raft_group_deadline.c).
 */
#include "raft-glue/raft_group_internal.h"

void raft_group_on_time(struct raft_group *group) {
    if (group->phase != RAFT_GROUP_RUNNING) return;
    uint64_t now_ms = shard_now_ms(group->shard);
    if (raft_group_read_index_deadline_ms(group) <= now_ms ||
        raft_group_transfer_deadline_ms(group) <= now_ms ||
        raft_group_leave_deadline_ms(group) <= now_ms)
        shard_ready(group);
    if (raft_group_engine_deadline_ms(group) <= now_ms && election_may_time_out(group)) {
        struct raft_event event = {.type = RAFT_TIMEOUT};
        bool leads = raft_group_leads(group);
        if (leads) quiet_tick_begins(group);
        raft_group_step(group, &event);
        if (leads) replicate_ask_quiet(group);
        if (leads) quiet_tick_ended(group);
        election_timed_out(group);
    }
    if (group->phase != RAFT_GROUP_RUNNING) return;
    uint64_t next_ms = raft_group_deadline_ms(group);
    if (next_ms <= now_ms)
        next_ms =
            now_ms +
            1; /* a confirmation that the turn ends, or a transfer, or a grid point that is now */
    raft_group_arm_at(group, next_ms);
}
