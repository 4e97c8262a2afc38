/* Permission first, then the replica of this broker; without one, whether the partition is
 * anywhere. */
#include "broker/api/local_partition.h"

#include "protocol/kafka_error.h"

struct partition *local_partition(const struct broker_services *services,
                                  const struct request *request, enum authorize_operation operation,
                                  struct kp_string topic, int32_t index, int16_t *code) {
    *code = KAFKA_NONE;
    size_t len = (size_t)topic.len; /* topic names are not nullable */
    if (!authorize(&request->ctx, operation, AUTHORIZE_TOPIC, topic.data, len)) {
        *code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
        return NULL;
    }
    struct partition *partition = partition_set_find(services->partitions, topic.data, len, index);
    if (partition != NULL) return partition;
    const struct metadata_topic *known = metadata_topic_named(services->metadata, topic.data, len);
    bool elsewhere = known != NULL && metadata_partition_at(known, index) != NULL;
    *code = elsewhere ? KAFKA_NOT_LEADER_OR_FOLLOWER : KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    return NULL;
}
