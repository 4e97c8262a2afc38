/*
 * The fields of CreatePartitions, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages CreatePartitionsRequest and CreatePartitionsResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/create_partitions.h"

static const struct kp_field request_assignment_fields[] = {
    {"brokerIds", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_create_partitions_request_assignment, broker_ids)},
};
const struct kp_schema kp_create_partitions_request_assignment_schema = {
    KP_SCHEMA("assignment", kp_create_partitions_request_assignment, request_assignment_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_create_partitions_request_topic, name)},
    {"count", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_create_partitions_request_topic, count)},
    {"assignments", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .item = &kp_create_partitions_request_assignment_schema,
     KP_AT(kp_create_partitions_request_topic, assignments)},
};
const struct kp_schema kp_create_partitions_request_topic_schema = {
    KP_SCHEMA("topic", kp_create_partitions_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_partitions_request_topic_schema,
     KP_AT(kp_create_partitions_request, topics)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_create_partitions_request, timeout_ms)},
    {"validateOnly", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_create_partitions_request, validate_only)},
};
const struct kp_schema kp_create_partitions_request_schema = {
    KP_SCHEMA("CreatePartitionsRequest", kp_create_partitions_request, request_fields),
    .flexible_from = 2};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_create_partitions_response_topic, name)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_create_partitions_response_topic, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_create_partitions_response_topic, error_message)},
};
const struct kp_schema kp_create_partitions_response_topic_schema = {
    KP_SCHEMA("topic", kp_create_partitions_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_create_partitions_response, throttle_time_ms)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_partitions_response_topic_schema,
     KP_AT(kp_create_partitions_response, results)},
};
const struct kp_schema kp_create_partitions_response_schema = {
    KP_SCHEMA("CreatePartitionsResponse", kp_create_partitions_response, response_fields),
    .flexible_from = 2};
