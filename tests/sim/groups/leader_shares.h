/*
 * What the leader of a classic group gives to its members.
 *
 * Eager: one partition after the other, in turn. Cooperative: everybody keeps what it has, up to
 * its share; what somebody has and is to lose is given to nobody in this round (KIP-429).
 */
#ifndef SIM_GROUPS_LEADER_SHARES_H
#define SIM_GROUPS_LEADER_SHARES_H

#include "tests/sim/groups/group_book.h"

enum { LEADER_MEMBERS_MAX = 16, LEADER_ID_MAX = 100 };

struct leader_share {
    char id[LEADER_ID_MAX];
    struct owned_list owns;
    int32_t generation; /* in which it was told so */
    struct owned_list gets;
};

struct leader_shares {
    struct leader_share members[LEADER_MEMBERS_MAX];
    size_t count;
};

/* Equal members get equal shares in whatever order they come. */
void leader_shares_divide(struct leader_shares *shares, int32_t partitions, bool cooperative);

#endif
