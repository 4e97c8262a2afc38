/*
 * Changes of a group's configuration: what it is, and one step to another (Raft dissertation, 4.1).
 *
 * Happy path: a leader submits one change, which is in force at once and is reported to the engine
 * when a commit covers it (raft_group_step.c); then the next may come. The engine keeps the
 * progress of servers by their places, so a step adds one at the end, removes one, or changes one's
 * role, and the order stays.
 * Failures: refused, and nothing is submitted. Invariants: no change before an entry of the own
 * term has committed (the engine does not ask: raft-dev, 2015); one at a time; a leader never
 * removes itself, so whoever is left as the only voter leads; who is promoted has the configuration
 * in which it is a stand-by, so that it knows itself and can be asked for its vote
 * (raft_group_step.c).
 *
 * Where a majority is lost for good the owner names a replica, and the entry with which its log
 * ends (decision 64): the log gets a configuration with it alone, in a term above any that the lost
 * ones can have reached, and the engine starts anew, as that of a sole voter: it leads in the term
 * after it, and all that the log had commits with its barrier. It happens once, for the log ends
 * with another entry afterwards; a crash before that leaves it as it was.
 */
#include <inttypes.h>

#include "base/mutant.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

_Static_assert((int)RAFT_GROUP_SERVERS_MAX == (int)CHANGE_SERVERS_MAX, "of one configuration");

size_t raft_group_server_count(const struct raft_group *group) {
    return group->raft.configuration.n;
}

void raft_group_configuration(const struct raft_group *group,
                              struct raft_group_configuration *into) {
    const struct raft *raft = &group->raft;
    *into = (struct raft_group_configuration){
        .committed = raft->configuration_uncommitted_index == 0,
        .index = raft->configuration_uncommitted_index != 0 ? raft->configuration_uncommitted_index
                                                            : raft->configuration_committed_index,
        .count = raft->configuration.n};
    for (unsigned i = 0; i < raft->configuration.n; i++) {
        into->servers[i].replica = raft->configuration.servers[i].id;
        into->servers[i].voter = raft->configuration.servers[i].role == RAFT_VOTER;
    }
}

/* A configuration being changed. */
struct draft {
    struct configuration_server servers[CHANGE_SERVERS_MAX];
    size_t n;
};

static void draft_begin(const struct raft_configuration *configuration, struct draft *draft) {
    CHECK(configuration->n <= CHANGE_SERVERS_MAX); /* configuration_decode lets no more in */
    draft->n = configuration->n;
    for (size_t i = 0; i < draft->n; i++)
        draft->servers[i] = (struct configuration_server){.replica = configuration->servers[i].id,
                                                          .voter = configuration->servers[i].role ==
                                                                   RAFT_VOTER};
}

void raft_group_tell_change(struct raft_group *group, log_index index) {
    const struct raft *raft = &group->raft;
    const struct raft_configuration *configuration = &raft->configuration;
    struct draft draft;
    if (group->phase != RAFT_GROUP_RUNNING || raft->snapshot.installing) return;
    if (raft->configuration_uncommitted_index != 0 &&
        index != raft->configuration_uncommitted_index) {
        configuration = &raft->configuration_committed;
    }
    bool known = index == raft->configuration_uncommitted_index ||
                 index == raft->configuration_committed_index;
    if (!known || configuration->n == 0) return;
    draft_begin(configuration, &draft);
    struct slice body = configuration_encode(draft.servers, draft.n);
    partition_log_know_change(group->log, index, body);
    slice_unref(&body);
}

/* False: that is not a step from here. */
static bool draft_change(struct draft *draft, enum raft_group_change change, replica_id replica) {
    size_t at = 0;
    while (at < draft->n && draft->servers[at].replica != replica)
        at++;
    bool here = at < draft->n;
    switch (change) {
    case RAFT_GROUP_ADD:
        if (here || draft->n == CHANGE_SERVERS_MAX) return false;
        draft->servers[draft->n++] = (struct configuration_server){.replica = replica};
        return true;
    case RAFT_GROUP_PROMOTE:
        if (!here || draft->servers[at].voter) return false;
        draft->servers[at].voter = true;
        return true;
    case RAFT_GROUP_REMOVE:
        if (!here) return false;
        for (draft->n--; at < draft->n; at++)
            draft->servers[at] = draft->servers[at + 1];
        return true;
    }
    return false;
}

static bool is_taken_up(const struct raft_group *group) {
    return group->hand_over_to != 0 || group->transfer != NULL || group->shard->draining ||
           raft_transferee(&group->raft) != 0;
}

static bool may_change(const struct raft_group *group) {
    if (!raft_group_leads(group)) return false;
    return raft_group_leading_term(group) == raft_group_term(group) ||
           MUTANT(MUTANT_CHANGE_BEFORE_BARRIER);
}

static bool knows_itself(const struct raft_group *group, replica_id replica) {
    const struct member *member = raft_group_member(group, replica);
    return member != NULL && (member_match(member) >= group->raft.configuration_committed_index ||
                              MUTANT(MUTANT_PROMOTED_BEHIND));
}

int raft_group_change(struct raft_group *group, enum raft_group_change change, replica_id replica) {
    struct draft draft;
    if (!may_change(group)) return ERR_NOT_LEADER;
    if (is_taken_up(group) || group->raft.configuration_uncommitted_index != 0) return ERR_LIMIT;
    draft_begin(&group->raft.configuration, &draft);
    bool of_us = replica == group->replica && !(MUTANT(MUTANT_LAST_VOTER_REMOVED) && draft.n > 1);
    if (of_us || !group->self->voter || !draft_change(&draft, change, replica)) return ERR_INVALID;
    if (change == RAFT_GROUP_PROMOTE && !knows_itself(group, replica)) return ERR_AGAIN;
    struct entry_spec spec = {.type = ENTRY_CHANGE,
                              .max_timestamp = -1,
                              .base_offset = partition_log_end_offset(group->log),
                              .raw = configuration_encode(draft.servers, draft.n)};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group->id, partition_log_last_index(group->log) + 1, raft_group_term(group));
    raft_group_submit_sealed(group, entry, RAFT_CHANGE);
    entry_unref(entry);
    group->shard->stats.changes++;
    return ERR_NONE;
}

/* ---- The majority is lost ---- */

/* The lost ones may have elected each other while this replica was cut off from them; clients
 * believe only leaders of later terms. */
enum { TERMS_ABOVE = 1000 };

static struct entry *recovery_entry(const struct raft_group *group, enum entry_type type,
                                    struct slice raw, log_index index, log_term term) {
    struct entry_spec spec = {.type = type,
                              .max_timestamp = -1,
                              .base_offset = partition_log_end_offset(group->log),
                              .raw = raw};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group->id, index, term);
    return entry;
}

/* What is said of it, and behind that a configuration with this replica alone: a log that has the
 * last has all. */
static void append_recovery(struct raft_group *group, log_index last, log_term term,
                            const struct slice *commands, size_t count) {
    struct configuration_server ours = {.replica = group->replica, .voter = true};
    struct entry *entries[RAFT_GROUP_RECOVER_COMMANDS + 1];
    CHECK(count <= RAFT_GROUP_RECOVER_COMMANDS); /* the owner's, each at its place in the code */
    for (size_t i = 0; i < count; i++)
        entries[i] = recovery_entry(group, ENTRY_COMMAND,
                                    slice_copy(NULL, commands[i].data, commands[i].len),
                                    last + 1 + i, term);
    entries[count] = recovery_entry(group, ENTRY_CHANGE, configuration_encode(&ours, 1),
                                    last + 1 + count, term);
    partition_log_append(group->log, entries, ++count);
    for (size_t i = 0; i < count; i++)
        entry_unref(entries[i]);
}

/* Everybody who may vote stands now and then, and is answered by all others. */
enum { SILENT_TIMEOUTS = 10 };

static bool is_led(const struct raft_group *group) {
    const struct member *leader = raft_group_member(group, group->leader);
    return leader != NULL && (leader == group->self || member_is_live(leader));
}

static bool member_may_answer(const struct member *member) {
    const struct raft_group *group = member->group;
    if (!member_is_live(member)) return false;
    uint64_t since_ms = member_heard_ms(member), now_ms = env_now_ms(group->shard->env);
    if (since_ms < member->link->up_ms) since_ms = member->link->up_ms;
    if (since_ms < group->made_ms) since_ms = group->made_ms;
    return is_led(group) || now_ms - since_ms <= (uint64_t)SILENT_TIMEOUTS *
                                                     group->shard->options.election_timeout_ms;
}

bool raft_group_has_majority(const struct raft_group *group) {
    return raft_group_majority_is(group, member_may_answer);
}

int raft_group_recover(struct raft_group *group, log_term term, log_index last,
                       const struct slice *commands, size_t count) {
    struct partition_log *log = group->log;
    if (group->phase != RAFT_GROUP_RUNNING || group->raft.snapshot.installing ||
        group->step.installs)
        return ERR_AGAIN;
    if (raft_group_leads(group) || raft_group_has_majority(group)) return ERR_BUSY;
    if (last == 0 || partition_log_last_index(log) != last ||
        partition_log_term_at(log, last) != term)
        return ERR_INVALID;
    if (raft_group_hard_state_pending(group) || partition_log_durable_index(log) < last)
        return ERR_AGAIN;
    log_term next = partition_log_term(log) + TERMS_ABOVE;
    group->hard_state.version = partition_log_set_hard_state(log, next, group->replica);
    append_recovery(group, last, next, commands, count);
    log_limited(group->shard->log, &group->limiter, LOGGED_MAJORITY_GIVEN_UP,
                "%s: a majority of its replicas is lost, and it goes on with what this broker has, "
                "up to entry %" PRIu64 " and offset %" PRId64,
                group->label, last, partition_log_end_offset(log));
    snapshot_fetch_end(group);
    raft_group_restart(group);
    return ERR_NONE;
}
