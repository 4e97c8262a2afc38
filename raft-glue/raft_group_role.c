/*
 * What a group is, and what begins and ends with it: follower, candidate, leader, or stopped; and
 * what the owner hears of it.
 *
 * Steps only note; the end of the turn tells (raft_group_apply.c), in the order lost,
 * leader_changed, leading.
 *
 * Invariants: `leading` only when an entry of the own term is committed and applied (Raft
 * dissertation, 6.4); `lost` only after `leading`; a group that has stopped neither leads nor
 * follows, and is never due.
 */
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

/* It hears no majority, or has stopped, or is deposed. The others may hear it, or its broker, all
 * the same, and would wait for it. */
static void resign(struct raft_group *group, log_term term, uint32_t deposed_by) {
    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i] == group->self) continue;
        struct peer_record record = {
            .type = RECORD_RESIGNED, .term = term, .resigned = {.deposed_by = deposed_by}};
        raft_group_send(group, group->members[i], &record);
    }
}

/* It has heard of no leader and was none itself, since it was opened. */
static bool knows_no_leader(const struct raft_group *group) {
    return group->heard_term == 0 && group->announced.term == 0;
}

static void note_standing(struct raft_group *group) {
    struct standing *standing = &group->standing;
    if (standing->told_term != 0 && standing->told_term + 1 == raft_group_term(group))
        standing->cause = ELECTION_TRANSFER;
    else if (group->fast.under_way && group->fast.leader_dead)
        standing->cause = ELECTION_DEAD;
    else
        standing->cause = knows_no_leader(group) ? ELECTION_FIRST : ELECTION_TIMEOUT;
    if (standing->missed_ms == 0) standing->missed_ms = group->shard->now_ms;
    standing->told_term = 0;
    group->shard->stats.elections[standing->cause]++;
}

static enum lead_loss loss_of(const struct raft_group *group) {
    bool asked = group->shard->handing_over || (group->transfer != NULL && group->transfer->asked);
    if (group->phase == RAFT_GROUP_STOPPED || group->applying.blocked) return LOSS_STOPPED;
    if (raft_group_term(group) == group->announced.term) return LOSS_NO_MAJORITY;
    return asked ? LOSS_TRANSFER : LOSS_DEPOSED;
}

static void end_standing(struct raft_group *group) {
    struct standing *standing = &group->standing;
    standing->took_ms = standing->missed_ms == 0 ? 0 : group->shard->now_ms - standing->missed_ms;
    standing->missed_ms = 0;
    if (standing->cause != ELECTION_FIRST)
        buckets_add(&group->shard->stats.failovers, &bounds_latency, standing->took_ms * 1000);
}

void raft_group_note_role(struct raft_group *group) {
    unsigned role = group->raft.state;
    if (role == group->role) return;
    quiet_end(group);
    quiet_stop_hurry(group);
    if (group->role == RAFT_LEADER) {
        replicate_end(group);
        group->hand_over_to = 0;
        group->serve_index = 0;
        uint32_t led = group->leader_term, now = raft_group_term(group);
        if (role == RAFT_FOLLOWER) resign(group, led, now == led ? 0 : now);
    }
    /* A sole voter stands and is elected in one step. */
    if (role == RAFT_CANDIDATE || (role == RAFT_LEADER && group->role != RAFT_CANDIDATE))
        note_standing(group);
    group->role = role;
    if (role == RAFT_LEADER) {
        group->serve_index = 0;
        group->led_ms = group->shard->now_ms;
        replicate_begin(group);
        log_debug(group->shard->log, "%s: leads term %u", group->label, raft_group_term(group));
    }
}

void raft_group_note_leader(struct raft_group *group) {
    log_term term = raft_group_term(group);
    if (group->raft.state == RAFT_LEADER) {
        group->leader = group->replica;
    } else if (group->raft.state == RAFT_FOLLOWER && group->heard_term == term) {
        group->leader = group->heard_leader;
    } else if (group->raft.state == RAFT_CANDIDATE) {
        group->leader = 0;
    } else if (term != group->leader_term || group->leader == group->replica) {
        group->leader = 0; /* the engine still remembers the one of an older term; we lead no more
                              without a majority */
    }
    group->leader_term = term;
    if (group->leader != 0 && group->leader != group->replica &&
        group->leader != group->dead_leader)
        group->standing.missed_ms = 0;
}

static bool stop(struct raft_group *group, const char *why) {
    if (group->phase == RAFT_GROUP_STOPPED) return false;
    log_event(
        group->shard->log, LOGGED_REPLICA_STOPPED,
        "%s: this replica stops: %s. The other replicas go on without it; keep the data directory, and see draved log verify",
        group->label, why);
    /* Nobody else would notice: a quiet group sends nothing. */
    if (raft_group_leads(group))
        resign(group, raft_group_term(group), 0);
    else if (group->calm.of != NULL)
        raft_group_send_state(group, group->calm.of); /* that it is awake; more it will not say */
    quiet_end(group);
    replicate_end(group);
    group->phase = RAFT_GROUP_STOPPED;
    group->leader = 0;
    timer_heap_remove(&group->shard->timers, &group->timer);
    shard_ready(group);
    return true;
}

void raft_group_stop(struct raft_group *group, const char *why) {
    if (stop(group, why) && group->events->broken != NULL)
        group->events->broken(group->arg, group->damage != NULL ? group->damage : why);
}

void raft_group_stop_contradicted(struct raft_group *group, const char *why) {
    stop(group, why);
}

/* ---- What the owner hears ---- */

static bool may_serve(const struct raft_group *group) {
    if (!raft_group_leads(group) || group->serve_index == 0 || group->applying.blocked)
        return false;
    return group->applied >= group->serve_index || MUTANT(MUTANT_NO_BARRIER);
}

/* ... any more, and the owner does not know yet. */
static bool must_not_serve(const struct raft_group *group) {
    bool leads = raft_group_leads(group) && raft_group_term(group) == group->announced.term &&
                 !group->applying.blocked;
    return group->announced.leading && !leads;
}

/* A leader that could not apply has lost the lead for its owner, in a term in which it may have
 * served: what came since is not applied yet. */
void raft_group_unblock(struct raft_group *group) {
    if (!group->applying.blocked) return;
    group->applying.blocked = false;
    if (group->serve_index != 0) group->serve_index = partition_log_last_index(group->log);
}

bool raft_group_has_to_tell(const struct raft_group *group) {
    if (must_not_serve(group)) return true;
    if (group->leader != group->announced.leader ||
        group->leader_term != group->announced.leader_term)
        return true;
    if (group->announced.leading && group->quiet != group->announced.quiet) return true;
    return !group->announced.leading && may_serve(group);
}

void raft_group_tell_lost(struct raft_group *group) {
    if (!must_not_serve(group)) return;
    group->announced.leading = false;
    group->trace.index = 0;
    group->shard->stats.leaderships_lost[loss_of(group)]++;
    group->events->lost(group->arg);
}

void raft_group_tell_role(struct raft_group *group) {
    raft_group_tell_lost(group);
    if (!group->closed && (group->leader != group->announced.leader ||
                           group->leader_term != group->announced.leader_term)) {
        group->announced.leader = group->leader;
        group->announced.leader_term = group->leader_term;
        group->events->leader_changed(group->arg, group->leader, group->leader_term);
    }
    if (!group->closed && !group->announced.leading && may_serve(group)) {
        group->announced.leading = true;
        group->announced.term = raft_group_term(group);
        group->announced.quiet = false;
        end_standing(group);
        group->events->leading(group->arg, group->announced.term);
    }
    if (!group->closed && group->announced.leading && group->quiet != group->announced.quiet) {
        group->announced.quiet = group->quiet;
        if (group->events->quiet != NULL) group->events->quiet(group->arg, group->quiet);
    }
}
