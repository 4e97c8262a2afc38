/*
 * The fields of Produce, version by version, as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages ProduceRequest and ProduceResponse of the Kafka protocol. The golden
 * frames prove each row.
 */
#include "protocol/messages/produce.h"

static const struct kp_field request_partition_fields[] = {
    {"index", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_produce_request_partition, index)},
    {"records", KP_RECORDS, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_produce_request_partition, records)},
};
const struct kp_schema kp_produce_request_partition_schema = {
    KP_SCHEMA("partition", kp_produce_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_RANGE(0, 12), KP_AT(kp_produce_request_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(13), KP_AT(kp_produce_request_topic, topic_id)},
    {"partitionData", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_produce_request_partition_schema, KP_AT(kp_produce_request_topic, partition_data)},
};
const struct kp_schema kp_produce_request_topic_schema = {
    KP_SCHEMA("topic", kp_produce_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .null_fallback = true, KP_AT(kp_produce_request, transactional_id)},
    {"acks", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_produce_request, acks)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_produce_request, timeout_ms)},
    {"topicData", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_produce_request_topic_schema, KP_AT(kp_produce_request, topic_data)},
};
const struct kp_schema kp_produce_request_schema = {
    KP_SCHEMA("ProduceRequest", kp_produce_request, request_fields), .flexible_from = 9};

static const struct kp_field response_record_error_fields[] = {
    {"batchIndex", KP_INT32, .versions = KP_SINCE(8),
     KP_AT(kp_produce_response_record_error, batch_index)},
    {"batchIndexErrorMessage", KP_STRING, .versions = KP_SINCE(8), .nullable = KP_SINCE(8),
     .null_fallback = true, KP_AT(kp_produce_response_record_error, batch_index_error_message)},
};
const struct kp_schema kp_produce_response_record_error_schema = {
    KP_SCHEMA("record_error", kp_produce_response_record_error, response_record_error_fields)};

static const struct kp_field response_partition_fields[] = {
    {"index", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_produce_response_partition, index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_produce_response_partition, error_code)},
    {"baseOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_produce_response_partition, base_offset)},
    {"logAppendTimeMs", KP_INT64, .versions = KP_SINCE(2), .fallback = -1,
     KP_AT(kp_produce_response_partition, log_append_time_ms)},
    {"logStartOffset", KP_INT64, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_produce_response_partition, log_start_offset)},
    {"recordErrors", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(8),
     .item = &kp_produce_response_record_error_schema,
     KP_AT(kp_produce_response_partition, record_errors)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(8), .nullable = KP_SINCE(8),
     .null_fallback = true, KP_AT(kp_produce_response_partition, error_message)},
    {"currentLeader", KP_STRUCT, .versions = KP_SINCE(10), .tagged = KP_SINCE(10), .tag = 0,
     .item = &kp_leader_id_and_epoch_schema, KP_AT(kp_produce_response_partition, current_leader)},
};
const struct kp_schema kp_produce_response_partition_schema = {
    KP_SCHEMA("partition", kp_produce_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_RANGE(0, 12), KP_AT(kp_produce_response_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(13), KP_AT(kp_produce_response_topic, topic_id)},
    {"partitionResponses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_produce_response_partition_schema,
     KP_AT(kp_produce_response_topic, partition_responses)},
};
const struct kp_schema kp_produce_response_topic_schema = {
    KP_SCHEMA("topic", kp_produce_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_produce_response_topic_schema, KP_AT(kp_produce_response, responses)},
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_produce_response, throttle_time_ms)},
    {"nodeEndpoints", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(10),
     .tagged = KP_SINCE(10), .tag = 0, .item = &kp_node_endpoint_schema,
     KP_AT(kp_produce_response, node_endpoints)},
};
const struct kp_schema kp_produce_response_schema = {
    KP_SCHEMA("ProduceResponse", kp_produce_response, response_fields), .flexible_from = 9};
