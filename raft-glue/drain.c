/*
 * A clean stop of this broker: every leadership goes to another replica (transfer.c says to whom),
 * then the owner is told.
 *
 *   serving --- shard_transfer_all: tells the peers ---> draining --- ANNOUNCE_MS ---> handing over
 *                                                           |                               |
 *                                                           '--- nobody takes over --> done <'
 *
 * Brokers that are stopped together must not hand leaderships to each other in circles: so each
 * tells the others first, serves on until it must have heard of those that stop with it, and none
 * of them is a target, nor stands for election.
 * Failures: what cannot be handed over in time keeps its leader, and the stop goes on.
 */
#include "raft-glue/raft_group_internal.h"

enum { ANNOUNCE_MS = 50 }; /* a signal to several processes, and the way of a frame */

static void drain_finish(struct shard *shard) {
    env_timer_stop(shard->drain_timer);
    void (*done)(void *arg) = shard->drained;
    shard->drained = NULL;
    if (done != NULL) done(shard->drained_arg);
}

static void hand_over(struct shard *shard) {
    shard->handing_over = true;
    env_timer_start(shard->drain_timer, (uint64_t)shard->drain_ms * 1000);
    for (struct raft_group *group = shard->groups; group != NULL; group = group->hh.next)
        raft_group_hand_over(group);
    shard_wake(shard);
}

static void on_drain_timer(void *arg) {
    struct shard *shard = arg;
    if (!shard->handing_over) {
        hand_over(shard);
        return;
    }
    log_event(
        shard->log, LOGGED_LEADS_NOT_HANDED_OVER,
        "stopping although not every leadership could be handed over in time; the other brokers elect new leaders");
    drain_finish(shard);
}

void drain_check(struct shard *shard) {
    if (shard->drained == NULL) return;
    for (struct raft_group *group = shard->groups; group != NULL; group = group->hh.next)
        if (raft_group_leads(group) && transfer_target(group) != NULL) return;
    drain_finish(shard);
}

void shard_transfer_all(struct shard *shard, uint32_t timeout_ms, void (*done)(void *arg),
                        void *arg) {
    CHECK(!shard->draining);
    shard->draining = true;
    shard->drained = done;
    shard->drained_arg = arg;
    shard->drain_ms = timeout_ms;
    shard->drain_timer = env_timer_new(shard->env, on_drain_timer, shard);
    env_timer_start(shard->drain_timer, (uint64_t)ANNOUNCE_MS * 1000);
    for (struct link *link = shard->links; link != NULL; link = link->next)
        drain_link_up(link);
    shard_wake(shard);
}

void drain_link_up(struct link *link) {
    if (link->shard->draining && link->up)
        peers_send(link->shard->peers, link->node, PEER_CONTROL, PEER_KIND_STOPPING, NULL, 0);
}
