/*
 * Groups in which nothing happens send nothing: the signs of life between two brokers (pings,
 * peers.h) stand for the heartbeats of all their quiet groups.
 *
 *   leader    busy --- a heartbeat without news ---> asks with its heartbeats
 *                  --- all that live agreed ---> quiet
 *   follower  busy --- it has all, durable and committed, and is asked ---> quiet
 *
 * A quiet leader gets no RAFT_TIMEOUT from us. It wakes with any step of its engine (a submit, a
 * message) and when a member is connected again, and sends heartbeats at once then. Its majority is
 * not asked meanwhile, and need not be: whatever it says that only the leader may say is confirmed
 * by a majority (read_index.c) or committed, quiet or not. When so many links are down or silent
 * that no majority is left it wakes, and the engine steps it down an election timeout later. While
 * there is one it sleeps on, so that a broker that dies wakes nothing but what it led; the owner is
 * told again, because who is in sync has changed.
 * A quiet follower stands for no election while its leader's broker shows signs of life. It is
 * awake when that link breaks, and when the link is silent its own election timeout runs from the
 * last sign on, as it would from the last heartbeat. Those signs say nothing of the replica there:
 * so one that leads no more, whatever the reason, tells all members (raft_group_role.c); whoever
 * deposed it perhaps never leads. A follower that is awake for a reason of its own tells its
 * leader.
 * Failures: a member that is not connected, or whose broker is silent, is not waited for; the
 * leader wakes when it is back. One that is connected and does not agree (its replica is closed,
 * damaged, or lacks something) keeps the leader awake.
 * Invariants: a leader is quiet only if nothing was sent to any member since the question to which
 * all have agreed, so every follower that lives and was not told otherwise is quiet, too, with all
 * entries and the commit index; a follower is quiet only on the session of the link on which it was
 * asked.
 */
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"

/* ---- Waking ---- */

static void wake_leader(struct raft_group *group) {
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member == group->self) continue;
        if (member->quiet) member->heard_ms = member_heard_ms(member);
        member->quiet = false;
    }
}

/* Its own timeout runs from the leader's last sign of life on. */
static void wake_follower(struct raft_group *group) {
    uint32_t timeout_ms = group->raft.state == RAFT_FOLLOWER
                              ? group->raft.follower_state.randomized_election_timeout
                              : group->shard->options.election_timeout_ms;
    group->calm.not_before_ms = peers_heard_ms(group->shard->peers, group->calm.of->node) +
                                timeout_ms;
    group->calm.of = NULL;
}

void quiet_end(struct raft_group *group) {
    group->calm.asked = false;
    if (!group->quiet) return;
    if (group->calm.of == NULL)
        wake_leader(group);
    else
        wake_follower(group);
    group->quiet = false;
    group->shard->stats.quiet_ended++;
    raft_group_rearm(group);
    shard_ready(group);
}

static void quiet_begin(struct raft_group *group) {
    group->quiet = true;
    group->shard->stats.quiet_begun++;
    raft_group_rearm(group);
    shard_ready(group);
}

/* ---- The leader ---- */

static bool is_busy(const struct raft_group *group) {
    return !group->announced.leading || group->shard->draining || group->transfer != NULL ||
           group->hand_over_to != 0 || raft_transferee(&group->raft) != 0 ||
           group->read_index.first != NULL || raft_group_hard_state_pending(group) ||
           partition_log_is_damaged(group->log);
}

static bool all_is_settled(const struct raft_group *group) {
    uint64_t last = partition_log_last_index(group->log);
    return group->commit == last && group->applied == last && group->raft.last_stored == last &&
           group->raft.configuration_uncommitted_index == 0;
}

static bool has_all(const struct member *member) {
    return member->verified && !member->silent && !member->damaged && !member->log_damaged &&
           member_match(member) == partition_log_last_index(member->group->log);
}

static bool majority_is_live(const struct raft_group *group) {
    return raft_group_majority_is(group, member_is_live);
}

/* Nothing is under way, and nobody who lives lacks anything. */
static bool is_calm(const struct raft_group *group) {
    if (!raft_group_leads(group) || is_busy(group) || !all_is_settled(group)) return false;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *member = group->members[i];
        if (member != group->self && member_is_live(member) && !has_all(member)) return false;
    }
    return majority_is_live(group);
}

static void quiet_settle(struct raft_group *group) {
    if (!group->calm.asked || group->quiet || !is_calm(group)) return;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *member = group->members[i];
        if (member != group->self && member_is_live(member) && !member->quiet) return;
    }
    quiet_begin(group);
}

void quiet_tick_begins(struct raft_group *group) {
    uint64_t last = partition_log_last_index(group->log);
    if (majority_is_live(group)) quiet_stop_hurry(group);
    /* A question is a heartbeat, so asking too early costs nothing. */
    bool calm = is_calm(group) && last == group->calm.index;
    group->calm.index = last;
    if (!calm) return;
    group->calm.asks = group->calm.asked = true;
    group->calm.round++;
    for (size_t i = 0; i < group->member_count; i++)
        group->members[i]->quiet = false;
}

void quiet_tick_ended(struct raft_group *group) {
    group->calm.asks = false;
    quiet_settle(group);
}

void quiet_ask(struct member *member, struct peer_record *record) {
    if (!member->group->calm.asks) {
        quiet_sent(member->group);
        return;
    }
    member->quiet_asked = member->group->calm.round;
    record->flags |= RECORD_QUIET;
    record->append.quiet_round = member->group->calm.round;
}

void quiet_sent(struct raft_group *group) {
    group->calm.asked = false;
    if (group->quiet) quiet_end(group);
}

void quiet_agreed(struct member *member, const struct peer_record *record) {
    struct raft_group *group = member->group;
    if (!group->calm.asked || record->append_result.quiet_round != group->calm.round) return;
    member->quiet = true;
    quiet_settle(group);
}

/* ---- The follower ---- */

bool quiet_agrees(const struct raft_group *group, const struct member *from,
                  const struct peer_record *record) {
    uint64_t last = partition_log_last_index(group->log);
    bool follows = group->raft.state == RAFT_FOLLOWER && group->heard_leader == from->replica &&
                   group->raft.follower_state.current_leader.id == from->replica &&
                   record->term == raft_current_term(&group->raft);
    bool settled = !raft_group_hard_state_pending(group) && group->raft.last_stored == last &&
                   !group->fast.under_way && !partition_log_is_damaged(group->log) &&
                   from->link->up;
    bool whole = record->append.prev_index == last && record->append.commit >= last && last > 0 &&
                 partition_log_term_at(group->log, last) == record->append.prev_term;
    return (record->flags & RECORD_QUIET) && follows && settled && whole;
}

void quiet_follow(struct raft_group *group, struct member *from) {
    bool still = group->phase == RAFT_GROUP_RUNNING && group->raft.state == RAFT_FOLLOWER &&
                 group->raft.follower_state.current_leader.id == from->replica;
    if (!still) return;
    group->calm.of = from;
    group->calm.session = from->link->session;
    if (!group->quiet) quiet_begin(group);
}

/* ---- Both ---- */

void quiet_stepped(struct raft_group *group) {
    if (!group->quiet) return;
    const struct member *of = group->calm.of;
    bool follows = of != NULL && group->raft.state == RAFT_FOLLOWER &&
                   group->raft.follower_state.current_leader.id == of->replica &&
                   group->heard_term == raft_current_term(&group->raft);
    if (!follows) quiet_end(group);
}

/* The engine would count from when it is woken: what is left of its timeout since the last sign of
 * life is all that it gets, so that it says that it leads no more while others may still hear it.
 */
static void hurry(struct raft_group *group) {
    const struct shard_options *options = &group->shard->options;
    uint64_t heard_ms = 0, now_ms = shard_now_ms(group->shard);
    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *member = group->members[i];
        if (member == group->self || member_is_live(member)) continue;
        uint64_t at_ms = peers_heard_ms(group->shard->peers, member->node);
        if (at_ms > heard_ms) heard_ms = at_ms;
    }
    /* With the heartbeat that ends it. */
    uint64_t left_ms = options->election_timeout_ms - options->heartbeat_ms;
    left_ms = left_ms > now_ms - heard_ms ? left_ms - (now_ms - heard_ms) : 1;
    raft_set_election_timeout(&group->raft, (unsigned)left_ms);
    group->calm.hurried = true;
}

void quiet_stop_hurry(struct raft_group *group) {
    if (!group->calm.hurried) return;
    group->calm.hurried = false;
    raft_set_election_timeout(&group->raft, group->shard->options.election_timeout_ms);
}

/* A quiet leader loses sight of who is at that link, and sleeps on if it has a majority. */
static void lose_sight(struct raft_group *group, const struct link *link) {
    if (group->quiet && !majority_is_live(group)) hurry(group);
    if (!group->quiet || !majority_is_live(group)) {
        quiet_end(group);
        return;
    }
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i]->link == link) group->members[i]->quiet = false;
    group->announced.quiet = false;
    shard_ready(group);
}

void quiet_link_changed(struct raft_group *group, const struct link *link) {
    if (group->calm.of == NULL) {
        if (!raft_group_has_member_at(group, link)) return;
        if (link->up)
            quiet_end(group);
        else
            lose_sight(group, link);
    } else if (group->calm.of->link == link &&
               (!link->up || group->calm.session != link->session)) {
        if (!MUTANT(MUTANT_QUIET_FOLLOWER_SLEEPS)) quiet_end(group);
    }
}

void quiet_link_heard(struct raft_group *group, const struct link *link) {
    if (group->quiet && group->calm.of == NULL) {
        if (!raft_group_has_member_at(group, link)) return;
        if (link->silent)
            lose_sight(group, link);
        else
            quiet_end(group);
    } else if (group->quiet && group->calm.of->link == link) {
        raft_group_rearm(group);
    }
}
