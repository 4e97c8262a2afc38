/* Random steps, and what was in force; voters_change.h has the rules. */
#include "tests/sim/voters_change.h"

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

void voters_change(struct voter *voter, unsigned group, bool growing) {
    struct voters *voters = voter->all;
    struct world *world = voters->run->world;
    uint64_t replica = 1 + world_below(world, voters->count);
    enum raft_group_change change = (enum raft_group_change)world_below(world, 3);
    struct raft_group_configuration now;

    raft_group_configuration(voter->groups[group], &now);
    if (growing && !grow(&now, replica, &change)) return;
    int error = raft_group_change(voter->groups[group], change, replica);
    CHECK(error == ERR_NONE || error == ERR_NOT_LEADER || error == ERR_LIMIT ||
          error == ERR_AGAIN || error == ERR_INVALID);
    if (error == ERR_NONE) voters_look(voters);
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
