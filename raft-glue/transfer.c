/*
 * Handing over leaderships before a clean stop: submits are refused, the target catches up, then RAFT_TRANSFER.
 *
 * The engine sends TIMEOUT_NOW at the target's first acknowledgement, needed or not, and never again: so the transfer is asked for
 * only when the target's match is our last index. When the engine gives it up, after an election timeout, it is tried again with
 * whoever is best then. Nobody to hand over to: the group keeps its leader, and the stop goes on.
 */
#include "raft-glue/group_state.h"

static struct member *best_target(const struct group *group) {
    struct member *best = NULL;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member == group->self || !member->voter || !member->link->up || member->damaged) continue;
        if (best == NULL || replicate_match(member) > replicate_match(best)) best = member;
    }
    return best;
}

static void try_transfer(struct group *group, struct member *target) {
    if (raft_transferee(&group->raft) != 0 || replicate_match(target) != partition_log_last_index(group->log)) return;
    struct raft_event event = {.type = RAFT_TRANSFER};
    event.transfer.server_id = target->replica;
    group_step(group, &event);
}

void transfer_note(struct group *group) {
    if (!group->shard->draining || !group_leads(group) || raft_transferee(&group->raft) != 0) return;
    struct member *target = best_target(group);
    group->hand_over_to = target == NULL ? 0 : target->replica;
    if (target != NULL) try_transfer(group, target);
}

static void finish(struct shard *shard) {
    env_timer_stop(shard->drain_timer);
    void (*done)(void *arg) = shard->drained;
    shard->drained = NULL;
    if (done != NULL) done(shard->drained_arg);
}

static void on_late(void *arg) {
    struct shard *shard = arg;
    log_warn(
        shard->log,
        "stopping although not every leadership could be handed over in time; the other brokers elect new leaders");
    finish(shard);
}

void transfer_check_drained(struct shard *shard) {
    if (shard->drained == NULL) return;
    for (struct group *group = shard->groups; group != NULL; group = group->hh.next)
        if (group_leads(group) && best_target(group) != NULL) return;
    finish(shard);
}

void shard_transfer_all(struct shard *shard, uint32_t timeout_ms, void (*done)(void *arg), void *arg) {
    CHECK(!shard->draining);
    shard->draining = true;
    shard->drained = done;
    shard->drained_arg = arg;
    shard->drain_timer = env_timer_new(shard->env, on_late, shard);
    env_timer_start(shard->drain_timer, (uint64_t)timeout_ms * 1000);
    for (struct group *group = shard->groups; group != NULL; group = group->hh.next)
        transfer_note(group);
    shard_wake(shard);
}
