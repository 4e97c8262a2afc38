/*
 * The fields of DescribeShareGroupOffsets, version by version, as tables; protocol/schema.h says
 * how they are read.
 *
 * Specification: the messages DescribeShareGroupOffsetsRequest and
 * DescribeShareGroupOffsetsResponse of the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_share_group_offsets.h"

static const struct kp_field request_topic_fields[] = {
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_request_topic, topic_name)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_request_topic, partitions)},
};

const struct kp_schema kp_describe_share_group_offsets_request_topic_schema = {
    KP_SCHEMA("topic", kp_describe_share_group_offsets_request_topic, request_topic_fields)};

static const struct kp_field request_group_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_request_group, group_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_describe_share_group_offsets_request_topic_schema,
     KP_AT(kp_describe_share_group_offsets_request_group, topics)},
};

const struct kp_schema kp_describe_share_group_offsets_request_group_schema = {
    KP_SCHEMA("group", kp_describe_share_group_offsets_request_group, request_group_fields)};

static const struct kp_field request_fields[] = {
    {"groups", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_share_group_offsets_request_group_schema,
     KP_AT(kp_describe_share_group_offsets_request, groups)},
};

const struct kp_schema kp_describe_share_group_offsets_request_schema = {
    KP_SCHEMA("DescribeShareGroupOffsetsRequest", kp_describe_share_group_offsets_request,
              request_fields),
    .flexible_from = 0};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_partition, partition_index)},
    {"startOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_partition, start_offset)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_partition, leader_epoch)},
    {"lag", KP_INT64, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_describe_share_group_offsets_response_partition, lag)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true,
     KP_AT(kp_describe_share_group_offsets_response_partition, error_message)},
};

const struct kp_schema kp_describe_share_group_offsets_response_partition_schema = {KP_SCHEMA(
    "partition", kp_describe_share_group_offsets_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_topic, topic_name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_share_group_offsets_response_partition_schema,
     KP_AT(kp_describe_share_group_offsets_response_topic, partitions)},
};

const struct kp_schema kp_describe_share_group_offsets_response_topic_schema = {
    KP_SCHEMA("topic", kp_describe_share_group_offsets_response_topic, response_topic_fields)};

static const struct kp_field response_group_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_group, group_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_share_group_offsets_response_topic_schema,
     KP_AT(kp_describe_share_group_offsets_response_group, topics)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response_group, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_describe_share_group_offsets_response_group, error_message)},
};

const struct kp_schema kp_describe_share_group_offsets_response_group_schema = {
    KP_SCHEMA("group", kp_describe_share_group_offsets_response_group, response_group_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_share_group_offsets_response, throttle_time_ms)},
    {"groups", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_share_group_offsets_response_group_schema,
     KP_AT(kp_describe_share_group_offsets_response, groups)},
};

const struct kp_schema kp_describe_share_group_offsets_response_schema = {
    KP_SCHEMA("DescribeShareGroupOffsetsResponse", kp_describe_share_group_offsets_response,
              response_fields),
    .flexible_from = 0};
