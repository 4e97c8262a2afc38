/*
 * The fields of AlterShareGroupOffsets, version by version, as tables; protocol/schema.h says how
 * they are read.
 *
 * Specification: the messages AlterShareGroupOffsetsRequest and AlterShareGroupOffsetsResponse of
 * the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/alter_share_group_offsets.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_request_partition, partition_index)},
    {"startOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_request_partition, start_offset)},
};

const struct kp_schema kp_alter_share_group_offsets_request_partition_schema = {KP_SCHEMA(
    "partition", kp_alter_share_group_offsets_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_request_topic, topic_name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_share_group_offsets_request_partition_schema,
     KP_AT(kp_alter_share_group_offsets_request_topic, partitions)},
};

const struct kp_schema kp_alter_share_group_offsets_request_topic_schema = {
    KP_SCHEMA("topic", kp_alter_share_group_offsets_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_request, group_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_share_group_offsets_request_topic_schema,
     KP_AT(kp_alter_share_group_offsets_request, topics)},
};

const struct kp_schema kp_alter_share_group_offsets_request_schema = {
    KP_SCHEMA("AlterShareGroupOffsetsRequest", kp_alter_share_group_offsets_request,
              request_fields),
    .flexible_from = 0};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_alter_share_group_offsets_response_partition, error_message)},
};

const struct kp_schema kp_alter_share_group_offsets_response_partition_schema = {KP_SCHEMA(
    "partition", kp_alter_share_group_offsets_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_response_topic, topic_name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_response_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_share_group_offsets_response_partition_schema,
     KP_AT(kp_alter_share_group_offsets_response_topic, partitions)},
};

const struct kp_schema kp_alter_share_group_offsets_response_topic_schema = {
    KP_SCHEMA("topic", kp_alter_share_group_offsets_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_alter_share_group_offsets_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_alter_share_group_offsets_response, error_message)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_share_group_offsets_response_topic_schema,
     KP_AT(kp_alter_share_group_offsets_response, responses)},
};

const struct kp_schema kp_alter_share_group_offsets_response_schema = {
    KP_SCHEMA("AlterShareGroupOffsetsResponse", kp_alter_share_group_offsets_response,
              response_fields),
    .flexible_from = 0};
