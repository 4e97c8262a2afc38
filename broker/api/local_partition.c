/* Permission first, then the replica of this broker, which is opened soon if it is not yet; without
 * one, whether the partition is anywhere. */
#include "broker/api/local_partition.h"

#include "broker/config/topic_name.h"
#include "protocol/kafka_error.h"

const struct metadata_topic *topic_of_ref(const struct broker_services *services,
                                          const struct topic_ref *ref) {
    if (ref->by_id) return metadata_topic_with_id(services->metadata, ref->id.bytes);
    /* topic names are not nullable */
    return metadata_topic_named(services->metadata, ref->name.data, (size_t)ref->name.len);
}

struct partition *local_partition_of_ref(const struct broker_services *services,
                                         const struct request *request,
                                         enum authorize_operation operation,
                                         const struct topic_ref *ref, int32_t index,
                                         int16_t *code) {
    const struct metadata_topic *topic = topic_of_ref(services, ref);
    if (topic == NULL && ref->by_id) {
        *code = KAFKA_UNKNOWN_TOPIC_ID;
        return NULL;
    }
    struct kp_string name = ref->by_id ? kp_string_of(topic->name) : ref->name;
    if (operation != AUTHORIZE_NOTHING &&
        !authorize(&request->ctx, operation, AUTHORIZE_TOPIC, name.data, (size_t)name.len)) {
        *code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
        return NULL;
    }
    bool changes = operation == AUTHORIZE_WRITE || operation == AUTHORIZE_DELETE;
    if (changes && topic_name_is_internal(name.data, (size_t)name.len)) {
        *code = KAFKA_INVALID_TOPIC;
        return NULL;
    }
    const struct metadata_partition *known = topic == NULL ? NULL
                                                           : metadata_partition_at(topic, index);
    struct partition *partition =
        known == NULL ? NULL : partition_set_find_group(services->partitions, known->group);
    *code = KAFKA_NONE;
    if (partition == NULL && known != NULL)
        partition_set_ask_for(services->partitions, known->group);
    if (partition == NULL)
        *code = known != NULL ? KAFKA_NOT_LEADER_OR_FOLLOWER : KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    return partition;
}

struct partition *local_partition(const struct broker_services *services,
                                  const struct request *request, enum authorize_operation operation,
                                  struct kp_string topic, int32_t index, int16_t *code) {
    struct topic_ref ref = {.name = topic};
    return local_partition_of_ref(services, request, operation, &ref, index, code);
}
