/*
 * Members of a consumer group go: they leave, are removed, or their time is over.
 *
 * Happy path: consumer_departs of those that go, as many as one batch takes,
 * consumer_add_departures, write; the others with the next batch. The group has a new epoch; or,
 * when all that stay speak the classic protocol and group.consumer.migration.policy lets it, it is
 * a classic group from then on (struct consumer_conversions). Failures: none; a group that is too
 * large for a batch stays what it is.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_DEPARTURES_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_DEPARTURES_H

#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/group/group_history.h"
#include "broker/metadata/metadata.h"

/* Those that go with the decision at hand; begins as zeros. */
struct consumer_departures {
    size_t count, bytes; /* of their tombstones */
};
/* The member goes, and is marked (`goes`); into the history of the group. False: not with this
 * batch, which has no room. */
bool consumer_departs(struct consumer_member *member, enum kp_group_event why,
                      struct consumer_departures *departures);
/* All members that are marked do, and the marks with them. `metadata` NULL: not known; the hash of
 * the topics stays, and the group what it is. */
void consumer_add_departures(struct group_batch *batch, struct consumer_group *group,
                             const struct metadata *metadata);
/* Into the history of the group; `began`: a rebalance begins by it. */
void consumer_member_note(const struct consumer_member *member, enum kp_group_event what,
                          bool began);

#endif
