/*
 * The fields of ConsumerGroupHeartbeat, version by version, as tables; protocol/schema.h says how
 * they are read.
 *
 * Specification: the messages ConsumerGroupHeartbeatRequest and ConsumerGroupHeartbeatResponse of
 * the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/consumer_group_heartbeat.h"

static const struct kp_field topic_partitions_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_topic_partitions, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_topic_partitions, partitions)},
};
const struct kp_schema kp_consumer_group_heartbeat_topic_partitions_schema = {KP_SCHEMA(
    "topic_partitions", kp_consumer_group_heartbeat_topic_partitions, topic_partitions_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_request, group_id)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_request, member_id)},
    {"memberEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_request, member_epoch)},
    {"instanceId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_consumer_group_heartbeat_request, instance_id)},
    {"rackId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_consumer_group_heartbeat_request, rack_id)},
    {"rebalanceTimeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_consumer_group_heartbeat_request, rebalance_timeout_ms)},
    {"subscribedTopicNames", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_consumer_group_heartbeat_request, subscribed_topic_names)},
    {"subscribedTopicRegex", KP_STRING, .versions = KP_SINCE(1), .nullable = KP_SINCE(1),
     .null_fallback = true, KP_AT(kp_consumer_group_heartbeat_request, subscribed_topic_regex)},
    {"serverAssignor", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_consumer_group_heartbeat_request, server_assignor)},
    {"topicPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .null_fallback = true,
     .item = &kp_consumer_group_heartbeat_topic_partitions_schema,
     KP_AT(kp_consumer_group_heartbeat_request, topic_partitions)},
};
const struct kp_schema kp_consumer_group_heartbeat_request_schema = {
    KP_SCHEMA("ConsumerGroupHeartbeatRequest", kp_consumer_group_heartbeat_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_assignment_fields[] = {
    {"topicPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_consumer_group_heartbeat_topic_partitions_schema,
     KP_AT(kp_consumer_group_heartbeat_response_assignment, topic_partitions)},
};
const struct kp_schema kp_consumer_group_heartbeat_response_assignment_schema = {KP_SCHEMA(
    "assignment", kp_consumer_group_heartbeat_response_assignment, response_assignment_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_consumer_group_heartbeat_response, error_message)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_consumer_group_heartbeat_response, member_id)},
    {"memberEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_response, member_epoch)},
    {"heartbeatIntervalMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_group_heartbeat_response, heartbeat_interval_ms)},
    {"assignment", KP_OPTIONAL, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_consumer_group_heartbeat_response_assignment_schema,
     KP_AT(kp_consumer_group_heartbeat_response, assignment)},
};
const struct kp_schema kp_consumer_group_heartbeat_response_schema = {
    KP_SCHEMA("ConsumerGroupHeartbeatResponse", kp_consumer_group_heartbeat_response,
              response_fields),
    .flexible_from = 0};
