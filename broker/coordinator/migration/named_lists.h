/*
 * Partition lists by the names of their topics, as members of the classic protocol say and hear
 * them (protocol/messages/consumer_protocol.h).
 *
 * Failures: none; topics that are not there have no id, or no name, and are left out.
 */
#ifndef BROKER_COORDINATOR_MIGRATION_NAMED_LISTS_H
#define BROKER_COORDINATOR_MIGRATION_NAMED_LISTS_H

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/metadata/metadata.h"
#include "protocol/messages/consumer_protocol.h"

/* Adds them, sorted; their topics get a number of the group. */
void named_list_read(struct consumer_group *group, const struct metadata *metadata,
                     const struct kp_consumer_protocol_partitions *topics, int32_t count,
                     struct partition_list *list);

/* A ConsumerProtocolAssignment, in the version that the member's subscription `like` has. Only of
 * the topics in `names` (topic_names.h; NULL: all): a client takes no others. */
void named_list_write(const struct consumer_group *group, const struct metadata *metadata,
                      const struct partition_list *list, const struct shared_bytes *names,
                      struct kp_bytes like, struct kp_writer *writer);

#endif
