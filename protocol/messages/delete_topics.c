/*
 * The fields of DeleteTopics, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DeleteTopicsRequest and DeleteTopicsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/delete_topics.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(6), .nullable = KP_SINCE(6), .null_fallback = true,
     KP_AT(kp_delete_topics_request_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(6), KP_AT(kp_delete_topics_request_topic, topic_id)},
};
const struct kp_schema kp_delete_topics_request_topic_schema = {
    KP_SCHEMA("topic", kp_delete_topics_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(6),
     .item = &kp_delete_topics_request_topic_schema, KP_AT(kp_delete_topics_request, topics)},
    {"topicNames", KP_ARRAY, .element = KP_STRING, .versions = KP_RANGE(0, 5),
     KP_AT(kp_delete_topics_request, topic_names)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_delete_topics_request, timeout_ms)},
};
const struct kp_schema kp_delete_topics_request_schema = {
    KP_SCHEMA("DeleteTopicsRequest", kp_delete_topics_request, request_fields), .flexible_from = 4};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(6),
     KP_AT(kp_delete_topics_response_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(6), KP_AT(kp_delete_topics_response_topic, topic_id)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_delete_topics_response_topic, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_delete_topics_response_topic, error_message)},
};
const struct kp_schema kp_delete_topics_response_topic_schema = {
    KP_SCHEMA("topic", kp_delete_topics_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_delete_topics_response, throttle_time_ms)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_topics_response_topic_schema, KP_AT(kp_delete_topics_response, responses)},
};
const struct kp_schema kp_delete_topics_response_schema = {
    KP_SCHEMA("DeleteTopicsResponse", kp_delete_topics_response, response_fields),
    .flexible_from = 4};
