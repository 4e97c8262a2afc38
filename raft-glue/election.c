/*
 * Elections before the engine's own timers would start them: one early try, with a short election
 * timeout t.
 *
 *   - the leader's process is dead (its link broke and connecting again was refused), or it heard
 *     no majority for an election timeout and said that it leads no more: everybody else tries
 *   - no leader is known and a majority is connected (a cluster that starts)
 *   - a new group whose first replica is to lead (raft_group_spec.first): it tries at once and
 *     again, ever more rarely, because the others may not have opened the group yet. They wait for
 *     it, as long as its broker is connected and for some election timeouts at most (it may be
 *     unable to open the group), so that who opens first does not matter
 *
 * raft_set_election_timeout does not restart the engine's timer, which counts from the last message
 * of the leader: so the timer may be due already, and the try waits until refusal + (1+2k)t
 * besides. k is the replica's rank; (1+2k)t leaves each rank two timeouts of the one before.
 * Brokers that lead little (one that is back after a restart) come first, and among others a hash
 * of group and replica, so the groups of a dead broker spread over the survivors. Who leads what is
 * known only as far as this broker has heard, so the hash also sets apart two that both take
 * themselves for the first.
 * A receiver that knows this of the leader, too, lets the request depose it (disrupt_leader; Raft
 * dissertation, 4.2.3); for others the leader lives, and pre-vote protects it (9.6). A timeout that
 * leaves the replica a follower (entries being written) was not the try. A slow disk does not use
 * tries up: while a candidate's own vote is not durable its requests have not left, so its time
 * does not run. A replica with damage in its segments makes no early try (leader_fitness.c).
 * Whoever starts asks the others first whether it belongs to them still (shard_is_asking), and
 * stands for nothing before they have answered: with others that come back it may be a majority of
 * a cluster that has gone on without them.
 * Each election begins with the question whether it can be won (pre-vote), also that of a candidate
 * whose time is over: the engine would go on as the last one began, and who was told to stand and
 * is no member any more would depose the others' leaders for ever.
 * Invariant: the long timeout is back when a leader is known or this replica leads, or the tries
 * are over.
 */
#include "raft-glue/raft_group_internal.h"

enum {
    FIRST_AHEAD = 10, /* early tries: by so many the first replica of a new group is ahead, when its
                         broker is not connected yet */
};

static void end_try(struct raft_group *group) {
    group->fast = (struct fast_try){0};
    raft_set_election_timeout(&group->raft, group->shard->options.election_timeout_ms);
    raft_group_rearm(group);
}

static void begin_try(struct raft_group *group, uint64_t at_ms, bool leader_dead) {
    group->fast = (struct fast_try){.under_way = true,
                                    .leader_dead = leader_dead,
                                    .at_ms = at_ms,
                                    .timeout_ms = group->shard->options.failover_ms};
    raft_set_election_timeout(&group->raft, group->fast.timeout_ms);
    raft_group_rearm(group);
}

static bool may_stand(const struct raft_group *group) {
    return group->phase == RAFT_GROUP_RUNNING && group->raft.state != RAFT_LEADER &&
           group->self->voter && !group->shard->draining && !shard_is_asking(group->shard) &&
           !partition_log_is_damaged(group->log);
}

static bool is_connected(const struct member *member) {
    return member->link->up;
}

/* splitmix64's last steps: neighbours in, strangers out. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t rank_key(const struct raft_group *group, const struct member *member) {
    return mix(mix(group->id + 1) ^ member->replica);
}

void election_count_leads(struct shard *shard) {
    shard->led_by_us = shard->led_by_all = 0;
    for (struct link *link = shard->links; link != NULL; link = link->next)
        link->leads = 0;
    for (struct raft_group *group = shard->groups; group != NULL; group = group->hh.next) {
        const struct member *leader = raft_group_leads(group)
                                          ? group->self
                                          : raft_group_member(group, group->leader);
        if (leader == NULL) continue;
        shard->led_by_all++;
        if (leader == group->self)
            shard->led_by_us++;
        else
            leader->link->leads++;
    }
}

/* Its broker leads less than half of an equal share. */
static bool leads_little(const struct raft_group *group, const struct member *member) {
    const struct shard *shard = group->shard;
    size_t brokers = 1;
    for (const struct link *link = shard->links; link != NULL; link = link->next)
        brokers += link->up;
    return 2 * brokers * (member == group->self ? shard->led_by_us : member->link->leads) <
           shard->led_by_all;
}

static uint64_t try_time_ms(const struct raft_group *group) {
    const struct shard_options *options = &group->shard->options;
    bool we_lead_little = leads_little(group, group->self);
    uint64_t rank = 0, hash_rank = 0, ours = rank_key(group, group->self);
    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *member = group->members[i];
        if (member == group->self || !member->voter || !is_connected(member)) continue;
        bool before = rank_key(group, member) < ours,
             leads_as_much = leads_little(group, member) == we_lead_little;
        hash_rank += before;
        rank += leads_as_much ? before : !we_lead_little;
    }
    uint64_t at_ms = group->shard->now_ms + (1 + 2 * rank) * options->failover_ms +
                     hash_rank * options->failover_ms / 2;
    return raft_group_is_new(group) ? at_ms + (uint64_t)FIRST_AHEAD * options->failover_ms : at_ms;
}

void election_on_link_up(struct raft_group *group) {
    if (!may_stand(group) || group->fast.under_way || !raft_group_majority_is(group, is_connected))
        return;
    if (group->raft.state == RAFT_FOLLOWER && group->raft.follower_state.current_leader.id != 0)
        return;
    begin_try(group, try_time_ms(group), false);
}

void election_on_link_down(struct raft_group *group) {
    /* Perhaps it waits for the first one no longer. */
    if (raft_group_is_new(group)) raft_group_rearm(group);
}

void election_start(struct raft_group *group) {
    group->made_ms = group->shard->now_ms;
    if (!may_stand(group)) return;
    if (raft_group_is_new(group) && group->first == group->replica) {
        begin_try(group, group->shard->now_ms, false);
    } else {
        election_on_link_up(group);
    }
}

/* The other member that this follower takes for the leader, or NULL. */
static const struct member *leader_of(const struct raft_group *group) {
    if (group->phase != RAFT_GROUP_RUNNING || group->raft.state != RAFT_FOLLOWER) return NULL;
    const struct member *leader = raft_group_member(group,
                                                    group->raft.follower_state.current_leader.id);
    return leader == group->self ? NULL : leader;
}

static void lost_leader(struct raft_group *group, const struct member *leader) {
    group->dead_leader = leader->replica;
    quiet_end(group);
    if (!may_stand(group)) return;
    group->shard->stats.fast_failovers++;
    group->standing.missed_ms = group->shard->now_ms;
    begin_try(group, try_time_ms(group), true);
}

void election_on_dead(struct raft_group *group, int32_t node) {
    const struct member *leader = leader_of(group);
    if (leader != NULL && leader->node == node) lost_leader(group, leader);
}

void election_on_resigned(struct raft_group *group, const struct member *from) {
    if (leader_of(group) == from) lost_leader(group, from);
}

static bool leader_is_dead(const struct raft_group *group) {
    return group->dead_leader != 0 && group->raft.state == RAFT_FOLLOWER &&
           group->raft.follower_state.current_leader.id == group->dead_leader;
}

bool raft_group_leader_is_silent(const struct raft_group *group) {
    const struct member *leader = leader_of(group);
    return leader != NULL && !group->self->voter &&
           shard_now_ms(group->shard) - member_heard_ms(leader) >
               group->shard->options.election_timeout_ms;
}

bool election_may_depose(const struct raft_group *group, const struct member *from) {
    return leader_is_dead(group) || raft_group_leader_is_silent(group) ||
           (!group->self->voter && leader_of(group) == from);
}

void election_hard_state_durable(struct raft_group *group) {
    if (!group->fast.under_way || !group->fast.tried || raft_group_hard_state_pending(group))
        return;
    /* A flush of the others, and both ways. */
    group->fast.at_ms = shard_now_ms(group->shard) + (uint64_t)2 * group->fast.timeout_ms;
    raft_group_rearm(group);
}

/* The first replica of a new group tries again, after twice the time. */
static void try_again(struct raft_group *group) {
    uint32_t longest_ms = group->shard->options.election_timeout_ms / 4;
    if (group->fast.timeout_ms < longest_ms) group->fast.timeout_ms *= 2;
    raft_set_election_timeout(&group->raft, group->fast.timeout_ms);
}

bool election_may_time_out(struct raft_group *group) {
    if (!group->fast.under_way || !group->fast.tried || group->raft.state != RAFT_CANDIDATE)
        return true;
    if (group->first == group->replica && raft_group_is_new(group) &&
        group->shard->now_ms < raft_group_patience_ends_ms(group)) {
        try_again(group);
        return true;
    }
    end_try(group); /* it did not win */
    return false;
}

void election_asks_again(struct raft_group *group) {
    if (group->raft.state != RAFT_CANDIDATE) return;
    group->raft.candidate_state.in_pre_vote = true;
    group->raft.candidate_state.disrupt_leader = false;
}

void election_timed_out(struct raft_group *group) {
    if (group->fast.under_way && group->raft.state == RAFT_CANDIDATE) group->fast.tried = true;
}

void election_note(struct raft_group *group) {
    if (group->leader != 0) group->led = true;
    if (!group->fast.under_way || group->phase != RAFT_GROUP_RUNNING) return;
    bool leader_known = group->raft.state == RAFT_FOLLOWER && group->leader != 0 &&
                        group->leader != group->dead_leader;
    /* Somebody stands in a later term. */
    bool lost = group->raft.state == RAFT_FOLLOWER && group->fast.tried;
    if (leader_known || lost || group->raft.state == RAFT_LEADER) end_try(group);
}
