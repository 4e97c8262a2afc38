/*
 * What the owner of a group knows when its log is opened, or is another one; and what it hears at
 * the end of a turn: committed entries, in order, each once; then who leads (raft_group_role.c).
 *
 * Steps only note; the end of the turn tells (raft_group_deliver), so an owner may submit, close or
 * confirm inside its events without meeting a half finished step, and so a burst of commits wakes
 * it once. Entries that have left memory are read from their segments, the turn goes on meanwhile.
 * Order of events: committed ..., caught_up, current, lost, leader_changed, leading. A busy turn
 * leaves groups to the next one, so a replica may be deposed and given the entries of another
 * leader before its owner hears of the former: then that comes between the entries of the two
 * terms.
 *
 * Invariants: an entry is handed over when all before it are, and it is committed; to an owner that
 * leads, as far as it knows, none of a later term.
 */
#include <inttypes.h>

#include "base/container_of.h"
#include "raft-glue/raft_group_internal.h"

/* Read at once; behind a start a journal may be full of them. */
enum { APPLY_BYTES = 4 << 20, APPLY_ENTRIES = 4096 };

/* ---- What the owner knows already ---- */

/* What is gone from the log the owner must know by its snapshot. */
static bool knows_too_little(const struct raft_group *group) {
    return group->applied + 1 < partition_log_first_index(group->log);
}

static void say_unknown(const struct raft_group *group, struct error_text *why) {
    error_set(
        why, ERR_CORRUPT,
        "the log of %s begins with entry %" PRIu64
        ", and the state of what was before cannot be read by this version; run the version that the other brokers run",
        group->label, partition_log_first_index(group->log));
}

bool raft_group_restore(struct raft_group *group, struct error_text *why) {
    const struct raft_group_events *events = group->events;
    group->applied = 0;
    group->applying.restoring = events->restore != NULL && events->restore(group->arg, group->log);
    if (group->applying.restoring || !knows_too_little(group)) return true;
    say_unknown(group, why);
    return false;
}

void raft_group_restored(struct raft_group *group, log_index index) {
    CHECK(group->applying.restoring); /* `restore` was true, and nobody has said it yet */
    group->applying.restoring = false;
    if (group->raft.snapshot.installing) return; /* it is asked again when that has ended */
    group->applied = index;
    if (index > group->stated.index) {
        group->stated.index = index;
        group->stated.term = partition_log_term(group->log);
    }
    /* Only committed entries are applied. */
    if (group->applied > group->commit) group->commit = group->applied;
    struct error_text why;
    if (knows_too_little(group)) {
        say_unknown(group, &why);
        raft_group_stop(group, why.text);
    } else {
        shard_ready(group);
    }
}

/* The owner is in the middle of nothing that a leader does, and no other log is about to be. */
static bool can_begin_anew(const struct raft_group *group) {
    return group->phase != RAFT_GROUP_STOPPED && group->applying.blocked &&
           !group->announced.leading && !group->raft.snapshot.installing;
}

int raft_group_may_take_state(const struct raft_group *group, log_index index, log_term term) {
    if (!can_begin_anew(group)) return ERR_AGAIN;
    if (index > group->commit || index > partition_log_last_index(group->log)) return ERR_AGAIN;
    bool ours = index > group->applied && partition_log_term_at(group->log, index) == term;
    return ours && group->events->restore != NULL ? ERR_NONE : ERR_INVALID;
}

int raft_group_take_state(struct raft_group *group, log_index index, log_term term,
                          struct slice state) {
    const struct raft_group_events *events = group->events;
    int error = raft_group_may_take_state(group, index, term);
    if (error != ERR_NONE) return error;
    if (events->reads != NULL && !events->reads(group->arg, state)) return ERR_INVALID;
    raft_group_unblock(group);
    raft_group_apply_cancel(group);
    partition_log_set_snapshot(group->log, index, state);
    struct error_text why;
    if (!raft_group_restore(group, &why)) raft_group_stop(group, why.text);
    return ERR_NONE;
}

/* ---- Entries ---- */

/* In its place in the log may have been one of ours: whoever waits for that must not take it for
 * that one. */
static bool is_of_later_term(const struct raft_group *group, const struct entry *entry) {
    return group->announced.leading && entry->term > group->announced.term;
}

static void end_leading(struct raft_group *group) {
    group->events->caught_up(group->arg); /* with what was ours */
    if (!group->closed) raft_group_tell_lost(group);
    CHECK(group->closed || !group->announced.leading); /* the later term deposed it */
}

/* One, and further ones until the turn is long: what an entry has for the owner may be thousands of
 * records. False: there are more. */
static bool hand_over(struct raft_group *group) {
    const struct partition_log_read *read = &group->applying.read;
    for (bool one = false; group->applying.next < read->count; one = true) {
        if (group->closed || group->phase == RAFT_GROUP_STOPPED) break;
        if (one && env_turn_is_long(group->shard->env)) return false;
        struct entry *entry = read->entries[group->applying.next];
        if (is_of_later_term(group, entry)) {
            end_leading(group);
            continue;
        }
        group->applying.next++;
        /* partition_log_read gives what was asked for; a segment with other indexes is ERR_CORRUPT
         */
        CHECK(entry->index == group->applied + 1 && entry->index <= group->commit);
        group->applied = entry->index;
        group->events->committed(group->arg, entry);
    }
    return true;
}

static void on_read(struct partition_log_read *read, int error) {
    struct raft_group *group = CONTAINER_OF(read, struct raft_group, applying.read);
    group->applying.loaded = true;
    group->applying.next = 0;
    group->applying.error = error;
    if (group->applying.under_way) shard_ready(group);
}

/* What lies behind damage is not applied; the log is whole as far as consensus goes, so the replica
 * follows, votes and acknowledges all the same. False: the group is gone. */
static bool apply_failed(struct raft_group *group) {
    int error = group->applying.error;
    if (partition_log_is_damaged(group->log)) {
        group->applying.blocked = true;
        if (group->events->broken != NULL) group->events->broken(group->arg, group->damage);
        return !group->closed;
    }
    log_event(group->shard->log, LOGGED_ENTRY_UNREADABLE,
              "%s: cannot read entry %llu of its log (%s); see draved log verify", group->label,
              (unsigned long long)(group->applied + 1), error_phrase(error));
    raft_group_stop(group, "a committed entry cannot be read");
    return true;
}

void raft_group_apply_cancel(struct raft_group *group) {
    struct applying *applying = &group->applying;
    env_defer_cancel(group->shard->env, &applying->more);
    if (applying->under_way && !applying->loaded) partition_log_read_cancel(&applying->read);
    if (applying->loaded && applying->error == ERR_NONE)
        partition_log_read_release(&applying->read);
    applying->under_way = applying->loaded = applying->blocked = false;
}

void raft_group_apply_more(struct env_task *task) {
    shard_ready(CONTAINER_OF(task, struct raft_group, applying.more));
}

/* Delivers what is committed and at hand. False: a read is under way, or the group is gone. */
static bool apply_commits(struct raft_group *group) {
    bool any = false;
    if (group->raft.snapshot.installing) return !group->closed; /* the log is another one soon */
    for (;;) {
        if (group->applying.under_way && !group->applying.loaded) break;
        if (group->applying.loaded) {
            group->applying.under_way = group->applying.loaded = false;
            if (group->applying.error != ERR_NONE &&
                raft_group_read_later(group, group->applying.error))
                break;
            if (group->applying.error != ERR_NONE) {
                if (!apply_failed(group)) return false;
                break;
            }
            any = true;
            if (!hand_over(group)) {
                group->applying.loaded = true;
                env_yield(group->shard->env, &group->applying.more);
                break;
            }
            partition_log_read_release(&group->applying.read);
            if (group->closed) return false;
            continue;
        }
        uint64_t last = partition_log_last_index(group->log);
        if (last > group->commit) last = group->commit;
        if (group->applied >= last || group->phase == RAFT_GROUP_STOPPED || group->starting.waits ||
            group->applying.blocked || group->applying.restoring)
            break;
        if (any && env_turn_is_long(group->shard->env)) {
            env_yield(group->shard->env, &group->applying.more);
            break;
        }
        if (last - group->applied > APPLY_ENTRIES) last = group->applied + APPLY_ENTRIES;
        group->applying.read.done = on_read;
        if (!partition_log_read(group->log, group->applied + 1, last, APPLY_BYTES,
                                &group->applying.read))
            group->applying.under_way = true;
    }
    if (any) group->events->caught_up(group->arg);
    return !group->closed;
}

/* Once. `known`: an entry that is gone again (its log was given another beginning) is in what was
 * restored then. */
static void tell_current(struct raft_group *group) {
    if (group->announced.current || group->applying.restoring || group->raft.snapshot.installing ||
        group->applied < group->known || group->phase == RAFT_GROUP_STOPPED)
        return;
    group->announced.current = true;
    if (group->events->current != NULL) group->events->current(group->arg);
}

void raft_group_deliver(struct raft_group *group) {
    if (apply_commits(group)) {
        tell_current(group);
        raft_group_tell_role(group);
        if (!group->closed) read_index_deliver(group);
        if (!group->closed) transfer_deliver(group);
        if (!group->closed) leader_fitness_deliver(group);
        /* A quiet group has no step that would. */
        if (!group->closed && group->transfer != NULL) raft_group_hand_over(group);
        if (!group->closed && raft_group_leads(group)) {
            for (size_t i = 0; i < group->member_count; i++)
                if (group->members[i] != group->self) replicate_commit(group->members[i]);
        }
    }
}
