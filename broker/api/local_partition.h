/*
 * The partition that a client names, if a replica of it lives here and the client may use it.
 */
#ifndef BROKER_API_LOCAL_PARTITION_H
#define BROKER_API_LOCAL_PARTITION_H

#include "broker/api/services.h"
#include "broker/server/request.h"

/* The replica on this broker; else NULL and Kafka's code: UNKNOWN_TOPIC_OR_PARTITION,
 * TOPIC_AUTHORIZATION_FAILED, NOT_LEADER_OR_FOLLOWER (it lives elsewhere); INVALID_TOPIC, when one
 * of the broker's own topics is to be written or trimmed. */
struct partition *local_partition(const struct broker_services *services,
                                  const struct request *request, enum authorize_operation operation,
                                  struct kp_string topic, int32_t index, int16_t *code);

/* A topic as a request names it: from the versions of KIP-516 on by its id. */
struct topic_ref {
    struct kp_string name;
    struct kp_uuid id;
    bool by_id;
};

/* NULL: the cluster has none. Valid until the metadata changes. */
const struct metadata_topic *topic_of_ref(const struct broker_services *services,
                                          const struct topic_ref *ref);

/* local_partition for either way; by id with UNKNOWN_TOPIC_ID if there is no such topic. */
struct partition *local_partition_of_ref(const struct broker_services *services,
                                         const struct request *request,
                                         enum authorize_operation operation,
                                         const struct topic_ref *ref, int32_t index, int16_t *code);

#endif
