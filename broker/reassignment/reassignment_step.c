/* Choosing the step. */
#include "broker/reassignment/reassignment_step.h"

#include "base/mutant.h"

struct counts {
    size_t voters, in_sync; /* now; in_sync of the voters */
    size_t wanted;
    size_t wanted_voters, unwanted_voters;
    size_t room; /* so many voters there may be */
};

static struct counts count_members(const struct reassignment_member *members, size_t count) {
    struct counts counts = {0};
    size_t before = 0;
    bool copies_lack = false;
    for (size_t i = 0; i < count; i++) {
        const struct reassignment_member *member = &members[i];
        counts.voters += member->voter;
        counts.in_sync += member->voter && member->in_sync;
        counts.wanted += member->wanted;
        counts.wanted_voters += member->wanted && member->voter;
        counts.unwanted_voters += !member->wanted && member->voter;
        before += !member->joining && !member->lost;
        copies_lack = copies_lack || (member->wanted && !member->voter && !member->ready);
    }
    counts.room = copies_lack && before > counts.wanted ? before : counts.wanted;
    return counts;
}

static struct reassignment_step step(enum reassignment_action action,
                                     const struct reassignment_member *member) {
    return (struct reassignment_step){.action = action,
                                      .replica = member == NULL ? 0 : member->replica};
}

/* Those who are left can commit that one is not among them any more. */
static bool may_go(const struct counts *counts, const struct reassignment_member *member) {
    size_t in_sync = counts->in_sync - member->in_sync, voters = counts->voters - 1;
    return in_sync > voters / 2;
}

/* The one to remove, if there are too many: out of sync rather than in sync, which stays while
 * there is room. */
static const struct reassignment_member *find_to_remove(const struct reassignment_member *members,
                                                        size_t count, const struct counts *counts,
                                                        replica_id leader) {
    const struct reassignment_member *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct reassignment_member *member = &members[i];
        if (member->wanted || !member->voter) continue;
        if (member->replica == leader && !MUTANT(MUTANT_LAST_VOTER_REMOVED)) continue;
        if (!may_go(counts, member)) continue;
        if (member->in_sync && counts->wanted_voters < counts->wanted &&
            counts->voters <= counts->room)
            continue;
        if (best == NULL || (best->in_sync && !member->in_sync)) best = member;
    }
    return best;
}

static const struct reassignment_member *find_ready(const struct reassignment_member *members,
                                                    size_t count) {
    for (size_t i = 0; i < count; i++)
        if (members[i].wanted && members[i].inside && !members[i].voter && members[i].ready)
            return &members[i];
    return NULL;
}

static const struct reassignment_member *find_heir(const struct reassignment_member *members,
                                                   size_t count) {
    for (size_t i = 0; i < count; i++)
        if (members[i].wanted && members[i].voter && members[i].in_sync) return &members[i];
    return NULL;
}

static bool is_wanted(const struct reassignment_member *members, size_t count, replica_id replica) {
    for (size_t i = 0; i < count; i++)
        if (members[i].replica == replica) return members[i].wanted;
    return false;
}

struct reassignment_step reassignment_next(const struct reassignment_member *members, size_t count,
                                           replica_id leader) {
    const struct counts counts = count_members(members, count);
    const struct reassignment_member *found;
    for (size_t i = 0; i < count; i++)
        if (!members[i].wanted && members[i].inside && !members[i].voter)
            return step(REASSIGNMENT_REMOVES, &members[i]);
    for (size_t i = 0; i < count; i++)
        if (members[i].lost && members[i].voter && may_go(&counts, &members[i]))
            return step(REASSIGNMENT_REMOVES, &members[i]);
    if (counts.wanted_voters == counts.wanted && counts.unwanted_voters == 0)
        return step(REASSIGNMENT_DONE, NULL);
    for (size_t i = 0; i < count; i++)
        if (members[i].wanted && !members[i].inside) return step(REASSIGNMENT_ADDS, &members[i]);
    if (counts.voters > counts.wanted || counts.wanted_voters == counts.wanted) {
        found = find_to_remove(members, count, &counts, leader);
        if (found != NULL) return step(REASSIGNMENT_REMOVES, found);
    }
    bool others_have_gone = counts.unwanted_voters == 1 && !is_wanted(members, count, leader);
    if (others_have_gone && counts.wanted_voters == counts.wanted) {
        found = find_heir(members, count);
        if (found != NULL) return step(REASSIGNMENT_HANDS_OVER, found);
    }
    found = counts.voters <= counts.room ? find_ready(members, count) : NULL;
    return found != NULL ? step(REASSIGNMENT_PROMOTES, found) : step(REASSIGNMENT_WAITS, NULL);
}
