/*
 * The fields of ShareAcknowledge, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages ShareAcknowledgeRequest and ShareAcknowledgeResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/share_acknowledge.h"

static const struct kp_field request_batch_fields[] = {
    {"firstOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_request_batch, first_offset)},
    {"lastOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_request_batch, last_offset)},
    {"acknowledgeTypes", KP_ARRAY, .element = KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_request_batch, acknowledge_types)},
};

const struct kp_schema kp_share_acknowledge_request_batch_schema = {
    KP_SCHEMA("batch", kp_share_acknowledge_request_batch, request_batch_fields)};

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_request_partition, partition_index)},
    {"acknowledgementBatches", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_acknowledge_request_batch_schema,
     KP_AT(kp_share_acknowledge_request_partition, acknowledgement_batches)},
};

const struct kp_schema kp_share_acknowledge_request_partition_schema = {
    KP_SCHEMA("partition", kp_share_acknowledge_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_request_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_acknowledge_request_partition_schema,
     KP_AT(kp_share_acknowledge_request_topic, partitions)},
};

const struct kp_schema kp_share_acknowledge_request_topic_schema = {
    KP_SCHEMA("topic", kp_share_acknowledge_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_share_acknowledge_request, group_id)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_request, member_id)},
    {"shareSessionEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_request, share_session_epoch)},
    {"isRenewAck", KP_BOOL, .versions = KP_SINCE(2),
     KP_AT(kp_share_acknowledge_request, is_renew_ack)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_acknowledge_request_topic_schema,
     KP_AT(kp_share_acknowledge_request, topics)},
};

const struct kp_schema kp_share_acknowledge_request_schema = {
    KP_SCHEMA("ShareAcknowledgeRequest", kp_share_acknowledge_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_share_acknowledge_response_partition, error_message)},
    {"currentLeader", KP_STRUCT, .versions = KP_SINCE(0), .item = &kp_leader_id_and_epoch_schema,
     KP_AT(kp_share_acknowledge_response_partition, current_leader)},
};

const struct kp_schema kp_share_acknowledge_response_partition_schema = {
    KP_SCHEMA("partition", kp_share_acknowledge_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_response_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_acknowledge_response_partition_schema,
     KP_AT(kp_share_acknowledge_response_topic, partitions)},
};

const struct kp_schema kp_share_acknowledge_response_topic_schema = {
    KP_SCHEMA("topic", kp_share_acknowledge_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_share_acknowledge_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_share_acknowledge_response, error_message)},
    {"acquisitionLockTimeoutMs", KP_INT32, .versions = KP_SINCE(2),
     KP_AT(kp_share_acknowledge_response, acquisition_lock_timeout_ms)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_acknowledge_response_topic_schema,
     KP_AT(kp_share_acknowledge_response, responses)},
    {"nodeEndpoints", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_node_endpoint_schema, KP_AT(kp_share_acknowledge_response, node_endpoints)},
};

const struct kp_schema kp_share_acknowledge_response_schema = {
    KP_SCHEMA("ShareAcknowledgeResponse", kp_share_acknowledge_response, response_fields),
    .flexible_from = 0};
