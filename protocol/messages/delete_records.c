/*
 * The fields of DeleteRecords, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DeleteRecordsRequest and DeleteRecordsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/delete_records.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_delete_records_request_partition, partition_index)},
    {"offset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_delete_records_request_partition, offset)},
};
const struct kp_schema kp_delete_records_request_partition_schema = {
    KP_SCHEMA("partition", kp_delete_records_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_delete_records_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_records_request_partition_schema,
     KP_AT(kp_delete_records_request_topic, partitions)},
};
const struct kp_schema kp_delete_records_request_topic_schema = {
    KP_SCHEMA("topic", kp_delete_records_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_records_request_topic_schema, KP_AT(kp_delete_records_request, topics)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_delete_records_request, timeout_ms)},
};
const struct kp_schema kp_delete_records_request_schema = {
    KP_SCHEMA("DeleteRecordsRequest", kp_delete_records_request, request_fields),
    .flexible_from = 2};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_delete_records_response_partition, partition_index)},
    {"lowWatermark", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_delete_records_response_partition, low_watermark)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_delete_records_response_partition, error_code)},
};
const struct kp_schema kp_delete_records_response_partition_schema = {
    KP_SCHEMA("partition", kp_delete_records_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_delete_records_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_records_response_partition_schema,
     KP_AT(kp_delete_records_response_topic, partitions)},
};
const struct kp_schema kp_delete_records_response_topic_schema = {
    KP_SCHEMA("topic", kp_delete_records_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_delete_records_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_records_response_topic_schema, KP_AT(kp_delete_records_response, topics)},
};
const struct kp_schema kp_delete_records_response_schema = {
    KP_SCHEMA("DeleteRecordsResponse", kp_delete_records_response, response_fields),
    .flexible_from = 2};
