/*
 * The target of a group: an assignor runs when the group's epoch is ahead of the assignment's.
 *
 * Happy path: small groups in the decision itself; large ones on a copy in the pool, and what comes
 * out is a decision of its own. Failures: none; what comes out for an epoch that is past is thrown
 * away, and the next heartbeat begins again. Invariant: one runs for a group at most.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_ASSIGN_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_ASSIGN_H

#include "broker/coordinator/consumer/consumer_decision.h"

/* Sets the decision's assignment epoch and the member's target, and adds the records of those that
 * change. */
void consumer_assign(struct consumer_decision *decision);

/* The one that most members name; "uniform" when that is as many. */
const char *consumer_assignor_name(const struct consumer_group *group);

#endif
