/*
 * How large the partitions of a topic are, and what keeps them so: asked at their leaders.
 *
 * Happy path: one request to each broker that leads some of them (PartitionTraffic, ours).
 * Failures: a broker that does not know the request, does not answer, or leads no more: what it
 * would have said is not known.
 */
#ifndef CLIENT_KAFKA_TOPIC_SIZES_H
#define CLIENT_KAFKA_TOPIC_SIZES_H

#include "client/kafka/cluster_view.h"
#include "protocol/messages/partition_traffic.h"

struct topic_size {
    int64_t bytes;        /* as they are stored by the leader; -1: not known */
    int64_t pinned_bytes; /* ... below the log's start */
    int32_t pinned_by;    /* a broker that lacks some of it; -1: none does */
};

/* sizes[i]: of topic->partitions.items[i]; in the arena. NULL: its limit is passed. */
struct topic_size *topic_sizes_ask(const struct invocation *in, struct kp_arena *arena,
                                   const struct kp_metadata_response *metadata,
                                   const struct kp_metadata_response_topic *topic);

/* What one broker says of the partitions of the topic that it leads, in their order, in the arena.
 * False: it leads none of them, or the arena's limit is passed (`why` is empty), or it did not
 * answer. */
bool topic_leader_ask(struct admin_client *admin, struct kp_arena *arena,
                      const struct kp_metadata_response_topic *topic,
                      const struct kp_metadata_response_broker *leader,
                      struct kp_partition_traffic_response *response, struct error_text *why);

#endif
