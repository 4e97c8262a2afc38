/*
 * Who votes: the members, as the engine's configuration in force has them.
 *
 * The owner says where members are (raft_group_set_members); which of them vote only the log says.
 * A configuration is in force from the moment that it is in the log, committed or not, and until it
 * is truncated again (Raft dissertation, 4.1): so what the members are is taken from the engine
 * behind every step that may have changed it, before anything of that step leaves. A majority of
 * any other set could confirm a leader that was deposed.
 * A configuration may name replicas that the owner has not heard of yet (its table is behind): they
 * count, though nothing can be sent to them.
 * Invariant: a member that comes into the configuration, or goes, is sent to as one of which
 * nothing is known; the engine, too, begins its count anew.
 */
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"

static const struct raft_server *server_of(const struct raft_group *group, replica_id replica) {
    const struct raft_configuration *configuration = &group->raft.configuration;
    for (unsigned i = 0; i < configuration->n; i++)
        if (configuration->servers[i].id == replica) return &configuration->servers[i];
    return NULL;
}

void raft_group_voters_mirror(struct raft_group *group) {
    const struct raft *raft = &group->raft;
    group->voters = (struct voters){.uncommitted = raft->configuration_uncommitted_index,
                                    .committed = raft->configuration_committed_index};
    for (unsigned i = 0; i < raft->configuration.n; i++)
        group->voters.count += raft->configuration.servers[i].role == RAFT_VOTER;
    if (MUTANT(MUTANT_VOTERS_FROM_TABLE)) group->voters.count = group->member_count;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        const struct raft_server *server = server_of(group, member->replica);
        bool inside = server != NULL;
        if (!MUTANT(MUTANT_VOTERS_FROM_TABLE)) member->voter = inside && server->role == RAFT_VOTER;
        if (inside != member->inside && member != group->self) replicate_renew(member);
        member->inside = inside;
    }
}

void raft_group_voters_note(struct raft_group *group, const struct raft_update *update) {
    const struct raft *raft = &group->raft;
    /* A change is the first of its message (receive.c), and alone when it is submitted. */
    bool appended = (update->flags & (RAFT_UPDATE_ENTRIES)) &&
                    update->entries.batch[0].type == RAFT_CHANGE;
    if (appended || group->voters.uncommitted != raft->configuration_uncommitted_index ||
        group->voters.committed != raft->configuration_committed_index)
        raft_group_voters_mirror(group);
}

bool raft_group_is_sole_follower(const struct raft_group *group) {
    return group->phase == RAFT_GROUP_RUNNING && group->raft.state == RAFT_FOLLOWER &&
           !group->raft.snapshot.installing && group->self->voter && group->voters.count == 1 &&
           !MUTANT(MUTANT_SOLE_VOTER_SAME_TERM) && !MUTANT(MUTANT_LAST_VOTER_REMOVED);
}
