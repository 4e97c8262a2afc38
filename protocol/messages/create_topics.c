/*
 * The fields of CreateTopics, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages CreateTopicsRequest and CreateTopicsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/create_topics.h"

static const struct kp_field request_assignment_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_create_topics_request_assignment, partition_index)},
    {"brokerIds", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_create_topics_request_assignment, broker_ids)},
};
const struct kp_schema kp_create_topics_request_assignment_schema = {
    KP_SCHEMA("assignment", kp_create_topics_request_assignment, request_assignment_fields)};

static const struct kp_field request_config_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_create_topics_request_config, name)},
    {"value", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_create_topics_request_config, value)},
};
const struct kp_schema kp_create_topics_request_config_schema = {
    KP_SCHEMA("config", kp_create_topics_request_config, request_config_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_create_topics_request_topic, name)},
    {"numPartitions", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_create_topics_request_topic, num_partitions)},
    {"replicationFactor", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_create_topics_request_topic, replication_factor)},
    {"assignments", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_topics_request_assignment_schema,
     KP_AT(kp_create_topics_request_topic, assignments)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_topics_request_config_schema,
     KP_AT(kp_create_topics_request_topic, configs)},
    /* Unknown tags are skipped by other brokers (KIP-482). */
    {"wantedId", KP_UUID, .versions = KP_SINCE(5), .tagged = KP_SINCE(5), .tag = KP_PRIVATE_TAG,
     KP_AT(kp_create_topics_request_topic, wanted_id)},
};
const struct kp_schema kp_create_topics_request_topic_schema = {
    KP_SCHEMA("topic", kp_create_topics_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_topics_request_topic_schema, KP_AT(kp_create_topics_request, topics)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = 60000,
     KP_AT(kp_create_topics_request, timeout_ms)},
    {"validateOnly", KP_BOOL, .versions = KP_SINCE(1),
     KP_AT(kp_create_topics_request, validate_only)},
};
const struct kp_schema kp_create_topics_request_schema = {
    KP_SCHEMA("CreateTopicsRequest", kp_create_topics_request, request_fields), .flexible_from = 5};

static const struct kp_field response_config_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(5), KP_AT(kp_create_topics_response_config, name)},
    {"value", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     KP_AT(kp_create_topics_response_config, value)},
    {"readOnly", KP_BOOL, .versions = KP_SINCE(5),
     KP_AT(kp_create_topics_response_config, read_only)},
    {"configSource", KP_INT8, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_create_topics_response_config, config_source)},
    {"isSensitive", KP_BOOL, .versions = KP_SINCE(5),
     KP_AT(kp_create_topics_response_config, is_sensitive)},
};
const struct kp_schema kp_create_topics_response_config_schema = {
    KP_SCHEMA("config", kp_create_topics_response_config, response_config_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_create_topics_response_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(7), KP_AT(kp_create_topics_response_topic, topic_id)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_create_topics_response_topic, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(1), .nullable = KP_SINCE(1),
     KP_AT(kp_create_topics_response_topic, error_message)},
    {"topicConfigErrorCode", KP_INT16, .versions = KP_SINCE(5), .tagged = KP_SINCE(5), .tag = 0,
     KP_AT(kp_create_topics_response_topic, topic_config_error_code)},
    {"numPartitions", KP_INT32, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_create_topics_response_topic, num_partitions)},
    {"replicationFactor", KP_INT16, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_create_topics_response_topic, replication_factor)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .item = &kp_create_topics_response_config_schema,
     KP_AT(kp_create_topics_response_topic, configs)},
};
const struct kp_schema kp_create_topics_response_topic_schema = {
    KP_SCHEMA("topic", kp_create_topics_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(2),
     KP_AT(kp_create_topics_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_topics_response_topic_schema, KP_AT(kp_create_topics_response, topics)},
};
const struct kp_schema kp_create_topics_response_schema = {
    KP_SCHEMA("CreateTopicsResponse", kp_create_topics_response, response_fields),
    .flexible_from = 5};
