/* Random steps, and what was in force; voters_change.h has the rules. */
#include "tests/sim/voters_change.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"

uint32_t voters_of(const struct voter *voter, unsigned group) {
    struct raft_group_configuration now;
    uint32_t machines = 0;

    raft_group_configuration(voter->groups[group], &now);
    for (size_t i = 0; i < now.count; i++)
        if (now.servers[i].voter) machines |= UINT32_C(1) << (now.servers[i].replica - 1);
    return machines;
}

/* ---- What is in force ---- */

static void note(struct voters *voters, unsigned group, uint64_t index, uint32_t machines) {
    struct voters_seen *seen = voters->seen[group];
    unsigned *count = &voters->seen_count[group], at;

    if (index == 0) return;
    for (unsigned i = 0; i < *count; i++)
        if (seen[i].index == index && seen[i].machines == machines) return;
    if (*count == VOTERS_SEEN_MAX) {
        if (index < seen[0].index) return;
        memmove(seen, seen + 1, (VOTERS_SEEN_MAX - 1) * sizeof *seen);
        --*count;
    }
    for (at = (*count)++; at > 0 && seen[at - 1].index > index; at--)
        seen[at] = seen[at - 1];
    seen[at] = (struct voters_seen){index, machines};
}

void voters_look(struct voters *voters) {
    for (unsigned i = 0; i < voters->count; i++) {
        const struct voter *voter = &voters->voters[i];
        for (unsigned g = 0; voter->serving && g < voters->groups; g++) {
            struct raft_group_configuration now;
            raft_group_configuration(voter->groups[g], &now);
            note(voters, g, now.index, voters_of(voter, g));
        }
    }
}

bool voters_are_majority(const struct voters *voters, unsigned group, uint32_t machines) {
    for (unsigned i = 0; i < voters->seen_count[group]; i++) {
        uint32_t all = voters->seen[group][i].machines;
        if (__builtin_popcount(all & machines) * 2 > __builtin_popcount(all)) return true;
    }
    return voters->seen_count[group] == 0;
}

/* ---- Steps ---- */

/* What would be a step towards all as voters. */
static bool grow(const struct raft_group_configuration *now, uint64_t replica,
                 enum raft_group_change *change) {
    *change = RAFT_GROUP_ADD;
    for (size_t i = 0; i < now->count; i++) {
        if (now->servers[i].replica != replica) continue;
        *change = RAFT_GROUP_PROMOTE;
        return !now->servers[i].voter;
    }
    return true;
}

/* An entry of its own term has committed, and the change before this one. */
static bool may_change(const struct voter *voter, unsigned group,
                       const struct raft_group_configuration *now) {
    struct raft_group *raft = voter->groups[group];
    log_index commit = raft_group_commit_index(raft);

    return now->index <= commit &&
           partition_log_term_at(raft_group_log(raft), commit) == raft_group_term(raft);
}

/* Who votes has the configuration in which it is a stand-by. */
static void check_promoted(const struct voters *voters, unsigned group, uint64_t replica,
                           uint64_t index) {
    const struct voter *voter = &voters->voters[replica - 1];

    if (voter->serving && partition_log_last_index(raft_group_log(voter->groups[group])) < index)
        run_fail(voters->run,
                 "replica %" PRIu64 " votes in group %u, and has not got entry %" PRIu64
                 " yet, by which it is a member",
                 replica, group, index);
}

void voters_change(struct voter *voter, unsigned group, bool growing) {
    struct voters *voters = voter->all;
    struct world *world = voters->run->world;
    uint64_t replica = 1 + world_below(world, voters->count);
    enum raft_group_change change = (enum raft_group_change)world_below(world, 3);
    struct raft_group_configuration now;

    raft_group_configuration(voter->groups[group], &now);
    if (growing && !grow(&now, replica, &change)) return;
    bool may = may_change(voter, group, &now);
    int error = raft_group_change(voter->groups[group], change, replica);
    CHECK(error == ERR_NONE || error == ERR_NOT_LEADER || error == ERR_LIMIT ||
          error == ERR_AGAIN || error == ERR_INVALID);
    if (error != ERR_NONE) return;
    if (!may)
        run_fail(voters->run,
                 "n%u has changed the configuration of group %u, and entry %" PRIu64
                 ", up to which it knows what is committed, is not of its term or below its last "
                 "change, %" PRIu64,
                 voter->place + 1, group, raft_group_commit_index(voter->groups[group]), now.index);
    if (change == RAFT_GROUP_PROMOTE) check_promoted(voters, group, replica, now.index);
    voters_look(voters);
}

bool voters_are_all(const struct voters *voters) {
    for (unsigned i = 0; i < voters->count; i++) {
        const struct voter *voter = &voters->voters[i];
        for (unsigned g = 0; g < voters->groups; g++) {
            struct raft_group_configuration now;
            if (!voter->serving) return false;
            raft_group_configuration(voter->groups[g], &now);
            if (!now.committed || voters_of(voter, g) != (UINT32_C(1) << voters->count) - 1)
                return false;
        }
    }
    return true;
}
