/*
 * The fields of OffsetForLeaderEpoch, version by version, as tables; protocol/schema.h says how
 * they are read.
 *
 * Specification: the messages OffsetForLeaderEpochRequest and OffsetForLeaderEpochResponse of the
 * Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/offset_for_leader_epoch.h"

static const struct kp_field request_partition_fields[] = {
    {"partition", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_for_leader_epoch_request_partition, partition)},
    {"currentLeaderEpoch", KP_INT32, .versions = KP_SINCE(2), .fallback = -1,
     KP_AT(kp_offset_for_leader_epoch_request_partition, current_leader_epoch)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_for_leader_epoch_request_partition, leader_epoch)},
};
const struct kp_schema kp_offset_for_leader_epoch_request_partition_schema = {
    KP_SCHEMA("partition", kp_offset_for_leader_epoch_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_offset_for_leader_epoch_request_topic, topic)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_for_leader_epoch_request_partition_schema,
     KP_AT(kp_offset_for_leader_epoch_request_topic, partitions)},
};
const struct kp_schema kp_offset_for_leader_epoch_request_topic_schema = {
    KP_SCHEMA("topic", kp_offset_for_leader_epoch_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"replicaId", KP_INT32, .versions = KP_SINCE(3), .fallback = -2,
     KP_AT(kp_offset_for_leader_epoch_request, replica_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_for_leader_epoch_request_topic_schema,
     KP_AT(kp_offset_for_leader_epoch_request, topics)},
};
const struct kp_schema kp_offset_for_leader_epoch_request_schema = {
    KP_SCHEMA("OffsetForLeaderEpochRequest", kp_offset_for_leader_epoch_request, request_fields),
    .flexible_from = 4};

static const struct kp_field response_partition_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_offset_for_leader_epoch_response_partition, error_code)},
    {"partition", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_for_leader_epoch_response_partition, partition)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_offset_for_leader_epoch_response_partition, leader_epoch)},
    {"endOffset", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_offset_for_leader_epoch_response_partition, end_offset)},
};
const struct kp_schema kp_offset_for_leader_epoch_response_partition_schema = {KP_SCHEMA(
    "partition", kp_offset_for_leader_epoch_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_offset_for_leader_epoch_response_topic, topic)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_for_leader_epoch_response_partition_schema,
     KP_AT(kp_offset_for_leader_epoch_response_topic, partitions)},
};
const struct kp_schema kp_offset_for_leader_epoch_response_topic_schema = {
    KP_SCHEMA("topic", kp_offset_for_leader_epoch_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(2),
     KP_AT(kp_offset_for_leader_epoch_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_for_leader_epoch_response_topic_schema,
     KP_AT(kp_offset_for_leader_epoch_response, topics)},
};
const struct kp_schema kp_offset_for_leader_epoch_response_schema = {
    KP_SCHEMA("OffsetForLeaderEpochResponse", kp_offset_for_leader_epoch_response, response_fields),
    .flexible_from = 4};
