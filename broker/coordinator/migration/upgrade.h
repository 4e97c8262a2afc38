/*
 * A classic group becomes a consumer group, when the first member of KIP-848 joins it.
 *
 * Happy path: what the classic group is, with what its members may own, is made the decision's
 * group; its records and the tombstone of the classic one go before what the join itself decides,
 * into one batch. Nothing of the classic group changes until that has committed: then calls that
 * were parked there end with REBALANCE_IN_PROGRESS, and its members go on by consumer_classic.h.
 * Failures: GROUP_ID_NOT_FOUND with a sentence: group.consumer.migration.policy or
 * group.consumer.max.size forbids it, members are of another type, what they say does not parse, or
 * it is more than one step can look up, or an assignor that is not one of Kafka's own puts data of
 * its own into assignments, which would be lost. UNKNOWN_SERVER_ERROR: more than a batch may have.
 * An empty group gives way always.
 * Invariants: a partition that a member may own still, because it was assigned last or because the
 * member said so in its last Join and nobody else was assigned it, is nobody else's until the
 * member gives it back; no partition is two members' at once, whatever their assignor said.
 * No partition stays without an owner: when the last assignment was void (a rebalance had begun) or
 * gives one to nobody, the join begins a new epoch, also that of a static member's successor, which
 * changes nothing. In Kafka 4.3 that one does not, and nobody ever gets the partition.
 */
#ifndef BROKER_COORDINATOR_MIGRATION_UPGRADE_H
#define BROKER_COORDINATOR_MIGRATION_UPGRADE_H

#include "broker/coordinator/consumer/consumer_decision.h"

/* Of a row that has no consumer group; nothing to do if it has no classic group either. */
int16_t migration_upgrade(struct consumer_decision *decision);
/* What was written is applied, the row's group is a consumer group: what lived of the classic one
 * goes. True: there was one, and sessions are to begin. */
bool migration_upgraded(struct group *row);

#endif
