/*
 * A consumer group becomes one of the classic protocol, when the last member of KIP-848 goes.
 *
 * Happy path: everything of the group is deleted, and one record of a classic group has those that
 * stay, in one batch: its generation is the group's epoch. The record names no leader, which says
 * that a rebalance is due (classic_record.h): the first who looks at the group begins it, this
 * leader or the next. When a member of the classic protocol takes the place of the last one of
 * KIP-848, by its instance id, and nothing else changes, nobody notices: it is Stable.
 * Failures: false, and nothing is added: somebody of KIP-848 stays, nobody stays, the policy
 * (group.consumer.migration.policy) or group.max.size forbids it, the members have no protocol in
 * common, or it is more than a batch may have.
 * Invariant: the record tells of each member what it has at that time, not its target, so a group
 * that is upgraded again (upgrade.h) gives nothing away twice.
 */
#ifndef BROKER_COORDINATOR_MIGRATION_DOWNGRADE_H
#define BROKER_COORDINATOR_MIGRATION_DOWNGRADE_H

#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/metadata/metadata.h"

/* Who takes the place of a member. */
struct migration_successor {
    struct kp_string id, client_id, client_host;
    const struct consumer_member *replaces; /* which goes, and has an instance */
    const struct kp_consumer_classic_member *classic;
    int32_t rebalance_timeout_ms;
};

/* Without those that are marked to go. `successor` NULL: nobody comes. */
bool migration_add_downgrade(struct group_batch *batch, const struct consumer_group *group,
                             const struct metadata *metadata,
                             const struct migration_successor *successor);

#endif
