/*
 * What the log reports as durable, and what may go on because of it: the start of the engine, the
 * messages that waited for the hard state, the engine's count of persisted entries, and the time of
 * an early try.
 *
 * Invariant: no entry counts as persisted while the hard state is not durable.
 */
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

/* A leader writes its entries and sends them in parallel, and counts itself only when they are on
 * its disk (Raft dissertation, 10.2.1). */
static void report_durable(struct raft_group *group) {
    if (group->phase != RAFT_GROUP_RUNNING || raft_group_hard_state_pending(group)) return;
    raft_group_step_persisted(group, partition_log_durable_index(group->log));
}

static void on_durable(void *arg, log_index index) {
    struct raft_group *group = arg;
    (void)index; /* the log is asked: a truncation may have come since */
    if (group->phase == RAFT_GROUP_STARTING) {
        raft_group_continue_start(group);
    } else {
        report_durable(group);
    }
}

static void on_hard_state_durable(void *arg, uint64_t version) {
    struct raft_group *group = arg;
    CHECK(version > group->hard_state.durable && version <= group->hard_state.version);
    group->hard_state.durable = version;
    if (group->phase == RAFT_GROUP_STARTING) {
        raft_group_continue_start(group);
        return;
    }
    raft_group_send_held(group);
    report_durable(group);
    election_hard_state_durable(group);
}

static void on_damaged(void *arg, const struct partition_log_damage *damage) {
    leader_fitness_damage_found(arg, damage);
}

static void on_start_moved(void *arg) {
    struct raft_group *group = arg;
    struct raft_event event;
    raft_group_trail_start_moved(group);
    if (raft_group_trail_forget(group, &event)) raft_group_step(group, &event);
}

const struct partition_log_events group_log_events = {on_durable, on_hard_state_durable, on_damaged,
                                                      on_start_moved};
