/*
 * The memory of all coordinators of a broker (group.memory.bytes), and who takes it.
 *
 * What is kept of a group is charged to the whole, and to the payer of the group: the host of the
 * client that made it grow first while this broker led. A host may go on as long as it has no more
 * than is free: one alone gets a half, the next one a half of what is left, and whoever has little
 * finds room (the dynamic threshold of shared buffers; decision 37).
 *
 * Happy path: group_pay where a request may make a group grow, group_refuses_more before it does;
 * group_charge and group_release for whatever is kept of it. Failures: none; what is here already
 * is never refused. What was made of the log, on a follower, has no payer: it counts for the whole
 * alone. What is being written is charged meanwhile (group_turn_write). Invariant: a payer has the
 * bytes of its groups, and is there as long as they are.
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_MEMORY_H
#define BROKER_COORDINATOR_GROUP_GROUP_MEMORY_H

#include <stdint.h>

#include "base/budget.h"
#include "protocol/wire.h"

struct group;
struct group_payer;

struct group_memory {
    struct budget budget;       /* the whole */
    struct group_payer *payers; /* hash by host */
    uint64_t seed;
};

/* Nothing to close: payers go with their groups. `seed` is random. */
void group_memory_init(struct group_memory *memory, size_t limit, uint64_t seed);

/* The client at that host pays for the group, unless somebody does. Null or empty: nothing. */
void group_pay(struct group *group, struct kp_string host);
/* For a group that goes. */
void group_pay_end(struct group *group);
void group_charge(struct group *group, size_t bytes);
void group_release(struct group *group, size_t bytes);
/* Nothing is to come that takes more: all is spent, or the payer has its share. */
bool group_refuses_more(const struct group *group);

#endif
