/*
 * The fields of ShareGroupHeartbeat, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages ShareGroupHeartbeatRequest and ShareGroupHeartbeatResponse of the
 * Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/share_group_heartbeat.h"

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_request, group_id)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_request, member_id)},
    {"memberEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_request, member_epoch)},
    {"rackId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_share_group_heartbeat_request, rack_id)},
    {"subscribedTopicNames", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_share_group_heartbeat_request, subscribed_topic_names)},
};

const struct kp_schema kp_share_group_heartbeat_request_schema = {
    KP_SCHEMA("ShareGroupHeartbeatRequest", kp_share_group_heartbeat_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_topic_partitions_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_response_topic_partitions, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_response_topic_partitions, partitions)},
};

const struct kp_schema kp_share_group_heartbeat_response_topic_partitions_schema = {
    KP_SCHEMA("topic_partitions", kp_share_group_heartbeat_response_topic_partitions,
              response_topic_partitions_fields)};

static const struct kp_field response_assignment_fields[] = {
    {"topicPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_group_heartbeat_response_topic_partitions_schema,
     KP_AT(kp_share_group_heartbeat_response_assignment, topic_partitions)},
};

const struct kp_schema kp_share_group_heartbeat_response_assignment_schema = {KP_SCHEMA(
    "assignment", kp_share_group_heartbeat_response_assignment, response_assignment_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_share_group_heartbeat_response, error_message)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_share_group_heartbeat_response, member_id)},
    {"memberEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_response, member_epoch)},
    {"heartbeatIntervalMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_heartbeat_response, heartbeat_interval_ms)},
    {"assignment", KP_OPTIONAL, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_share_group_heartbeat_response_assignment_schema,
     KP_AT(kp_share_group_heartbeat_response, assignment)},
};

const struct kp_schema kp_share_group_heartbeat_response_schema = {
    KP_SCHEMA("ShareGroupHeartbeatResponse", kp_share_group_heartbeat_response, response_fields),
    .flexible_from = 0};
