/*
 * The fields of OffsetFetch, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages OffsetFetchRequest and OffsetFetchResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/offset_fetch.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_RANGE(0, 9), KP_AT(kp_offset_fetch_request_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(10), KP_AT(kp_offset_fetch_request_topic, topic_id)},
    {"partitionIndexes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_fetch_request_topic, partition_indexes)},
};
const struct kp_schema kp_offset_fetch_request_topic_schema = {
    KP_SCHEMA("topic", kp_offset_fetch_request_topic, request_topic_fields)};

static const struct kp_field request_group_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(8), KP_AT(kp_offset_fetch_request_group, group_id)},
    {"memberId", KP_STRING, .versions = KP_SINCE(9), .nullable = KP_SINCE(9), .null_fallback = true,
     KP_AT(kp_offset_fetch_request_group, member_id)},
    {"memberEpoch", KP_INT32, .versions = KP_SINCE(9), .fallback = -1,
     KP_AT(kp_offset_fetch_request_group, member_epoch)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(8), .nullable = KP_SINCE(8),
     .item = &kp_offset_fetch_request_topic_schema, KP_AT(kp_offset_fetch_request_group, topics)},
};
const struct kp_schema kp_offset_fetch_request_group_schema = {
    KP_SCHEMA("group", kp_offset_fetch_request_group, request_group_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_RANGE(0, 7), KP_AT(kp_offset_fetch_request, group_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_RANGE(0, 7),
     .nullable = KP_RANGE(2, 7), .item = &kp_offset_fetch_request_topic_schema,
     KP_AT(kp_offset_fetch_request, topics)},
    {"groups", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(8),
     .item = &kp_offset_fetch_request_group_schema, KP_AT(kp_offset_fetch_request, groups)},
    {"requireStable", KP_BOOL, .versions = KP_SINCE(7),
     KP_AT(kp_offset_fetch_request, require_stable)},
};
const struct kp_schema kp_offset_fetch_request_schema = {
    KP_SCHEMA("OffsetFetchRequest", kp_offset_fetch_request, request_fields), .flexible_from = 6};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_fetch_response_partition, partition_index)},
    {"committedOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_offset_fetch_response_partition, committed_offset)},
    {"committedLeaderEpoch", KP_INT32, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_offset_fetch_response_partition, committed_leader_epoch)},
    {"metadata", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_offset_fetch_response_partition, metadata)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_offset_fetch_response_partition, error_code)},
};
const struct kp_schema kp_offset_fetch_response_partition_schema = {
    KP_SCHEMA("partition", kp_offset_fetch_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_RANGE(0, 9), KP_AT(kp_offset_fetch_response_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(10), KP_AT(kp_offset_fetch_response_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_fetch_response_partition_schema,
     KP_AT(kp_offset_fetch_response_topic, partitions)},
};
const struct kp_schema kp_offset_fetch_response_topic_schema = {
    KP_SCHEMA("topic", kp_offset_fetch_response_topic, response_topic_fields)};

static const struct kp_field response_group_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(8),
     KP_AT(kp_offset_fetch_response_group, group_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(8),
     .item = &kp_offset_fetch_response_topic_schema, KP_AT(kp_offset_fetch_response_group, topics)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(8),
     KP_AT(kp_offset_fetch_response_group, error_code)},
};
const struct kp_schema kp_offset_fetch_response_group_schema = {
    KP_SCHEMA("group", kp_offset_fetch_response_group, response_group_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(3),
     KP_AT(kp_offset_fetch_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_RANGE(0, 7),
     .item = &kp_offset_fetch_response_topic_schema, KP_AT(kp_offset_fetch_response, topics)},
    {"errorCode", KP_INT16, .versions = KP_RANGE(2, 7),
     KP_AT(kp_offset_fetch_response, error_code)},
    {"groups", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(8),
     .item = &kp_offset_fetch_response_group_schema, KP_AT(kp_offset_fetch_response, groups)},
};
const struct kp_schema kp_offset_fetch_response_schema = {
    KP_SCHEMA("OffsetFetchResponse", kp_offset_fetch_response, response_fields),
    .flexible_from = 6};
