/*
 * Handing over leaderships before a clean stop: submits are refused, the target catches up, then RAFT_TRANSFER.
 *
 *   serving --- shard_transfer_all: tells the peers ---> draining --- ANNOUNCE_MS ---> handing over ---> done
 *                                                           '------- nobody takes anything over -------> done
 *
 * Brokers that are stopped together must not hand leaderships to each other in circles: so each tells the others first, serves on
 * until it must have heard of those that stop with it, and none of them is a target, nor stands for election.
 *
 * The engine sends TIMEOUT_NOW at the target's first acknowledgement, needed or not, and never again: so the transfer is asked for
 * only when the target's match is our last index. When the engine gives it up, after an election timeout, it is tried again with
 * whoever is best then. Nobody to hand over to: the group keeps its leader, and the stop goes on.
 */
#include "raft-glue/group_state.h"

enum { ANNOUNCE_MS = 50 }; /* a signal to several processes, and the way of a frame */

static struct member *best_target(const struct group *group) {
    struct member *best = NULL;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member == group->self || !member->voter || member->damaged) continue;
        if (!member->link->up || member->link->stopping) continue;
        if (best == NULL || replicate_match(member) > replicate_match(best)) best = member;
    }
    return best;
}

bool transfer_has_target(const struct group *group) {
    return best_target(group) != NULL;
}

static void try_transfer(struct group *group, struct member *target) {
    if (raft_transferee(&group->raft) != 0 || replicate_match(target) != partition_log_last_index(group->log)) return;
    struct raft_event event = {.type = RAFT_TRANSFER};
    event.transfer.server_id = target->replica;
    group_step(group, &event);
}

void transfer_note(struct group *group) {
    if (!group->shard->handing_over || !group_leads(group) || raft_transferee(&group->raft) != 0) return;
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

static void hand_over(struct shard *shard) {
    shard->handing_over = true;
    env_timer_start(shard->drain_timer, (uint64_t)shard->drain_ms * 1000);
    for (struct group *group = shard->groups; group != NULL; group = group->hh.next)
        transfer_note(group);
    shard_wake(shard);
}

static void on_drain_timer(void *arg) {
    struct shard *shard = arg;
    if (!shard->handing_over) {
        hand_over(shard);
        return;
    }
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
    shard->drain_ms = timeout_ms;
    shard->drain_timer = env_timer_new(shard->env, on_drain_timer, shard);
    env_timer_start(shard->drain_timer, (uint64_t)ANNOUNCE_MS * 1000);
    for (struct link *link = shard->links; link != NULL; link = link->next)
        transfer_link_up(link);
    shard_wake(shard);
}

void transfer_link_up(struct link *link) {
    if (link->shard->draining && link->up)
        peers_send(link->shard->peers, link->node, PEER_CONTROL, PEER_KIND_STOPPING, NULL, 0);
}
