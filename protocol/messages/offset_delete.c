/*
 * The fields of OffsetDelete, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages OffsetDeleteRequest and OffsetDeleteResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/offset_delete.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_delete_request_partition, partition_index)},
};
const struct kp_schema kp_offset_delete_request_partition_schema = {
    KP_SCHEMA("partition", kp_offset_delete_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_offset_delete_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_delete_request_partition_schema,
     KP_AT(kp_offset_delete_request_topic, partitions)},
};
const struct kp_schema kp_offset_delete_request_topic_schema = {
    KP_SCHEMA("topic", kp_offset_delete_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_offset_delete_request, group_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_delete_request_topic_schema, KP_AT(kp_offset_delete_request, topics)},
};
const struct kp_schema kp_offset_delete_request_schema = {
    KP_SCHEMA("OffsetDeleteRequest", kp_offset_delete_request, request_fields),
    .flexible_from = INT8_MAX};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_delete_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_offset_delete_response_partition, error_code)},
};
const struct kp_schema kp_offset_delete_response_partition_schema = {
    KP_SCHEMA("partition", kp_offset_delete_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_offset_delete_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_delete_response_partition_schema,
     KP_AT(kp_offset_delete_response_topic, partitions)},
};
const struct kp_schema kp_offset_delete_response_topic_schema = {
    KP_SCHEMA("topic", kp_offset_delete_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_offset_delete_response, error_code)},
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_offset_delete_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_offset_delete_response_topic_schema, KP_AT(kp_offset_delete_response, topics)},
};
const struct kp_schema kp_offset_delete_response_schema = {
    KP_SCHEMA("OffsetDeleteResponse", kp_offset_delete_response, response_fields),
    .flexible_from = INT8_MAX};
