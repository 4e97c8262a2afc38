/*
 * What a link that came up, broke or fell silent means for the groups: cursors, elections, quiet.
 * With thousands of groups that is more than one turn of the loop may take, so it is done in
 * pieces: as much as fits at once, the rest in later turns.
 *
 * Happy path: a change is noted at its link and a pass over all groups begins; a change that comes
 * during a pass waits for the next one.
 * Failures: none. A group that is not told yet may send on the new session as if nothing had been
 * lost with the old one: the follower rejects what does not go on where its log ends, as it would
 * anything that got lost.
 * Invariants: each group is told of each kind of change after it happened; of several changes of
 * one link it is told together, first what ended, then what began. A group that is closed meanwhile
 * is not missed: the pass goes on with the one behind it.
 */
#include "base/container_of.h"
#include "raft-glue/raft_group_internal.h"

enum change { WENT_DOWN = 1, FOUND_DEAD = 2, CAME_UP = 4, HEARD = 8 };

/* ---- One group ---- */

static void tell_member(struct member *member) {
    const struct link *link = member->link;
    if (link == NULL) return;
    if (link->under_way & WENT_DOWN) {
        replicate_link_down(member);
        snapshot_fetch_link_down(member);
    }
    if ((link->under_way & CAME_UP) && link->up) replicate_link_up(member);
}

static void tell_of(struct raft_group *group, const struct link *link) {
    if (link->under_way & (WENT_DOWN | CAME_UP)) quiet_link_changed(group, link);
    if (link->under_way & HEARD) quiet_link_heard(group, link);
    if (link->under_way & WENT_DOWN) election_on_link_down(group);
    if ((link->under_way & FOUND_DEAD) && !link->up) election_on_dead(group, link->node);
    if ((link->under_way & CAME_UP) && link->up && raft_group_has_member_at(group, link))
        election_on_link_up(group);
}

/* It may stand, and lead where it votes alone. */
static void tell_asked(struct raft_group *group) {
    if (group->phase == RAFT_GROUP_STARTING) {
        raft_group_continue_start(group);
        return;
    }
    election_start(group);
    raft_group_rearm(group);
}

static void change_tell(struct raft_group *group) {
    for (size_t i = 0; i < group->member_count; i++)
        tell_member(group->members[i]);
    for (const struct link *link = group->shard->links; link != NULL; link = link->next)
        if (link->under_way != 0) tell_of(group, link);
    if (group->shard->asked_under_way) tell_asked(group);
}

/* ---- A pass over all groups ---- */

static bool pass_begins(struct shard *shard) {
    unsigned all = 0;
    for (struct link *link = shard->links; link != NULL; link = link->next) {
        link->under_way = link->noted;
        link->noted = 0;
        all |= link->under_way;
    }
    shard->asked_under_way = shard->asked_noted;
    shard->asked_noted = false;
    if ((all & (FOUND_DEAD | CAME_UP)) || shard->asked_under_way) election_count_leads(shard);
    shard->change_next = all != 0 || shard->asked_under_way ? shard->groups : NULL;
    return shard->change_next != NULL;
}

/* False: the rest is for a later turn. */
static bool pass_goes_on(struct shard *shard) {
    shard_now_ms(shard);
    while (shard->change_next != NULL) {
        struct raft_group *group = shard->change_next;
        shard->change_next = group->hh.next;
        change_tell(group);
        if (shard->change_next == NULL || !env_turn_is_long(shard->env)) continue;
        env_yield_first(shard->env, &shard->change);
        return false;
    }
    return true;
}

void link_change_goes_on(struct env_task *task) {
    struct shard *shard = CONTAINER_OF(task, struct shard, change);
    while (shard->change_next != NULL || pass_begins(shard))
        if (!pass_goes_on(shard)) return;
}

static void change_note(struct link *link, unsigned change) {
    struct shard *shard = link->shard;
    link->noted |= change;
    if (shard->change_next == NULL) link_change_goes_on(&shard->change);
}

/* ---- Changes ---- */

void link_change_up(struct link *link) {
    link->up = true;
    link->silent = link->stopping = false;
    link->session++;
    link->up_ms = env_now_ms(link->shard->env);
    change_note(link, CAME_UP);
}

void link_change_down(struct link *link, bool dead) {
    link->up = link->silent = false;
    peer_bytes_free(&link->control);
    change_note(link, dead ? WENT_DOWN | FOUND_DEAD : WENT_DOWN);
    shard_wake(link->shard);
}

void link_change_asked(struct shard *shard) {
    shard->asked_noted = true;
    if (shard->change_next == NULL) link_change_goes_on(&shard->change);
}

void link_change_watch(struct shard *shard) {
    const struct shard_options *options = &shard->options;
    uint64_t now_ms = env_now_ms(shard->env),
             most_ms = options->election_timeout_ms - options->heartbeat_ms;
    for (struct link *link = shard->links; link != NULL; link = link->next) {
        bool silent = link->up && now_ms - peers_heard_ms(shard->peers, link->node) > most_ms;
        if (silent == link->silent) continue;
        link->silent = silent;
        change_note(link, HEARD);
    }
}
