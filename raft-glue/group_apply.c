/*
 * What the owner of a group hears: committed entries, in order, each once; then who leads.
 *
 * Steps only note; the end of the turn tells (group_deliver), so an owner may submit, close or confirm inside its events
 * without meeting a half finished step, and so a burst of commits wakes it once. Entries that have left memory are read from
 * their segments, the turn goes on meanwhile. Order of events: committed ..., caught_up, lost, leader_changed, leading.
 *
 * Invariants: the commit index never goes back; `leading` only when an entry of the own term is committed and applied
 * (Raft dissertation, 6.4); `lost` only after `leading`.
 */
#include <string.h>

#include "base/mutant.h"
#include "raft-glue/change.h"
#include "raft-glue/group_state.h"

enum { APPLY_BYTES = 4 << 20 }; /* read at once */

/* ---- Commits ---- */

void group_commit_to(struct group *group, uint64_t index) {
    if (index <= group->commit) return;
    group->commit = index;
    partition_log_commit(group->log, index);
    shard_news(group);
}

/* The engine counts a configuration as uncommitted until it is told. */
static void report_change(struct group *group, const struct entry *entry) {
    if (group->raft.configuration_uncommitted_index != entry->index) return;
    struct raft_event event = {.type = RAFT_CONFIGURATION};
    struct raft_buffer bytes = {(void *)entry->body.data, entry->body.len};
    event.configuration.index = entry->index;
    CHECK(raft_configuration_decode(&bytes, &event.configuration.conf) == 0); /* admitted, or made here */
    group_step(group, &event);
}

static void hand_over(struct group *group, struct partition_log_read *read) {
    for (size_t i = 0; i < read->count && !group->closed && group->phase != GROUP_STOPPED; i++) {
        struct entry *entry = read->entries[i];
        CHECK(entry->index == group->applied + 1 && entry->index <= group->commit);
        if (entry->type == ENTRY_CHANGE && group->phase == GROUP_RUNNING) report_change(group, entry);
        group->applied = entry->index;
        group->events->committed(group->arg, entry);
    }
}

static void on_read(struct partition_log_read *read, int error) {
    struct group *group = (struct group *)((char *)read - offsetof(struct group, apply_read));
    group->apply_loaded = true;
    group->apply_error = error;
    if (group->applying) shard_news(group);
}

static void apply_failed(struct group *group) {
    int error = group->apply_error;
    log_error(group->shard->log, "%s: cannot read entry %llu of its log (%s); see draved log verify", group->label,
              (unsigned long long)(group->applied + 1), error_phrase(error));
    group_stop(group, "a committed entry cannot be read");
}

/* Delivers what is committed and at hand. False: a read is under way, or the group is gone. */
static bool apply_commits(struct group *group) {
    bool any = false;
    for (;;) {
        if (group->applying && !group->apply_loaded) break;
        if (group->apply_loaded) {
            group->applying = group->apply_loaded = false;
            if (group->apply_error != ERR_NONE) {
                apply_failed(group);
                break;
            }
            hand_over(group, &group->apply_read);
            partition_log_read_release(&group->apply_read);
            any = true;
            if (group->closed) return false;
            continue;
        }
        uint64_t last = partition_log_last_index(group->log);
        if (last > group->commit) last = group->commit;
        if (group->applied >= last || group->phase == GROUP_STOPPED) break;
        group->apply_read.done = on_read;
        if (!partition_log_read(group->log, group->applied + 1, last, APPLY_BYTES, &group->apply_read))
            group->applying = true;
    }
    if (any) group->events->caught_up(group->arg);
    return !group->closed;
}

/* ---- Leadership ---- */

void group_note_role(struct group *group) {
    unsigned role = group->raft.state;
    if (role == group->role) return;
    if (group->role == RAFT_LEADER) {
        replicate_end(group);
        group->hand_over_to = 0;
        group->serve_index = 0;
    }
    group->role = role;
    if (role == RAFT_CANDIDATE) group->shard->stats.elections++;
    if (role == RAFT_LEADER) {
        group->serve_index = 0;
        replicate_begin(group);
        log_debug(group->shard->log, "%s: leads term %u", group->label, group_term(group));
    }
}

static void note_leader(struct group *group) {
    uint32_t term = group_term(group);
    if (group->raft.state == RAFT_LEADER) {
        group->leader = group->replica;
    } else if (group->raft.state == RAFT_FOLLOWER && group->heard_term == term) {
        group->leader = group->heard_leader;
    } else if (group->raft.state == RAFT_CANDIDATE) {
        group->leader = 0;
    } else if (term != group->leader_term || group->leader == group->replica) {
        group->leader = 0; /* the engine still remembers the one of an older term; we lead no more without a majority */
    }
    group->leader_term = term;
}

static bool may_serve(const struct group *group) {
    if (!group_leads(group) || group->serve_index == 0) return false;
    return group->applied >= group->serve_index || MUTANT(MUTANT_NO_BARRIER);
}

static bool has_to_tell(const struct group *group) {
    if (group->announced && (!group_leads(group) || group_term(group) != group->announced_term)) return true;
    if (group->leader != group->announced_leader || group->leader_term != group->announced_leader_term) return true;
    return !group->announced && may_serve(group);
}

void group_note_step(struct group *group) {
    if (group_leads(group) && group->serve_index == 0) {
        /* The engine appends a barrier only when something is uncommitted; a leader serves behind one in any case. */
        uint64_t last = partition_log_last_index(group->log);
        group->serve_index = last + 1;
        if (partition_log_term_at(group->log, last) == group_term(group)) {
            group->serve_index = last;
        } else {
            group_submit_barrier(group);
        }
    }
    note_leader(group);
    election_note(group);
    transfer_note(group);
    if (group->phase == GROUP_RUNNING && (has_to_tell(group) || group->confirms != NULL)) shard_news(group);
}

static void tell_leadership(struct group *group) {
    if (group->announced && (!group_leads(group) || group_term(group) != group->announced_term)) {
        group->announced = false;
        group->shard->stats.leaderships_lost++;
        group->events->lost(group->arg);
    }
    if (!group->closed &&
        (group->leader != group->announced_leader || group->leader_term != group->announced_leader_term)) {
        group->announced_leader = group->leader;
        group->announced_leader_term = group->leader_term;
        group->events->leader_changed(group->arg, group->leader, group->leader_term);
    }
    if (!group->closed && !group->announced && may_serve(group)) {
        group->announced = true;
        group->announced_term = group_term(group);
        group->events->leading(group->arg, group->announced_term);
    }
}

void group_deliver(struct group *group) {
    group->pins++;
    if (apply_commits(group)) {
        tell_leadership(group);
        if (!group->closed) confirm_deliver(group);
        if (!group->closed && group_leads(group)) {
            for (size_t i = 0; i < group->member_count; i++)
                if (group->members[i] != group->self) replicate_commit(group->members[i]);
        }
    }
    group_unpin(group);
}
