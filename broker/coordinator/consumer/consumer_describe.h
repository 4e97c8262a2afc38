/*
 * A consumer group as ConsumerGroupDescribe shows it (key 69, KIP-848).
 *
 * Happy path: fills a group of the answer from committed state; all texts are copies in the arena.
 * Failures: false, when the arena's limit is passed. Invariant: topics that are gone are left out.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_DESCRIBE_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_DESCRIBE_H

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/metadata/metadata.h"
#include "protocol/messages/consumer_group_describe.h"

bool consumer_describe(const struct consumer_group *group, const struct metadata *metadata,
                       struct kp_arena *arena,
                       struct kp_consumer_group_describe_response_group *into);

#endif
