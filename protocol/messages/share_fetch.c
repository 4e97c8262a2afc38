/*
 * The fields of ShareFetch, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages ShareFetchRequest and ShareFetchResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/share_fetch.h"

static const struct kp_field request_batch_fields[] = {
    {"firstOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_request_batch, first_offset)},
    {"lastOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_request_batch, last_offset)},
    {"acknowledgeTypes", KP_ARRAY, .element = KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_request_batch, acknowledge_types)},
};

const struct kp_schema kp_share_fetch_request_batch_schema = {
    KP_SCHEMA("batch", kp_share_fetch_request_batch, request_batch_fields)};

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_request_partition, partition_index)},
    {"partitionMaxBytes", KP_INT32, .versions = KP_RANGE(0, 0),
     KP_AT(kp_share_fetch_request_partition, partition_max_bytes)},
    {"acknowledgementBatches", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_fetch_request_batch_schema,
     KP_AT(kp_share_fetch_request_partition, acknowledgement_batches)},
};

const struct kp_schema kp_share_fetch_request_partition_schema = {
    KP_SCHEMA("partition", kp_share_fetch_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0), KP_AT(kp_share_fetch_request_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_fetch_request_partition_schema,
     KP_AT(kp_share_fetch_request_topic, partitions)},
};

const struct kp_schema kp_share_fetch_request_topic_schema = {
    KP_SCHEMA("topic", kp_share_fetch_request_topic, request_topic_fields)};

static const struct kp_field request_forgotten_topic_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_request_forgotten_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_request_forgotten_topic, partitions)},
};

const struct kp_schema kp_share_fetch_request_forgotten_topic_schema = {KP_SCHEMA(
    "forgotten_topic", kp_share_fetch_request_forgotten_topic, request_forgotten_topic_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_share_fetch_request, group_id)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_share_fetch_request, member_id)},
    {"shareSessionEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_request, share_session_epoch)},
    {"maxWaitMs", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_share_fetch_request, max_wait_ms)},
    {"minBytes", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_share_fetch_request, min_bytes)},
    {"maxBytes", KP_INT32, .versions = KP_SINCE(0), .fallback = INT32_MAX,
     KP_AT(kp_share_fetch_request, max_bytes)},
    {"maxRecords", KP_INT32, .versions = KP_SINCE(1), KP_AT(kp_share_fetch_request, max_records)},
    {"batchSize", KP_INT32, .versions = KP_SINCE(1), KP_AT(kp_share_fetch_request, batch_size)},
    {"shareAcquireMode", KP_INT8, .versions = KP_SINCE(2),
     KP_AT(kp_share_fetch_request, share_acquire_mode)},
    {"isRenewAck", KP_BOOL, .versions = KP_SINCE(2), KP_AT(kp_share_fetch_request, is_renew_ack)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_fetch_request_topic_schema, KP_AT(kp_share_fetch_request, topics)},
    {"forgottenTopicsData", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_fetch_request_forgotten_topic_schema,
     KP_AT(kp_share_fetch_request, forgotten_topics_data)},
};

const struct kp_schema kp_share_fetch_request_schema = {
    KP_SCHEMA("ShareFetchRequest", kp_share_fetch_request, request_fields), .flexible_from = 0};

static const struct kp_field response_acquired_fields[] = {
    {"firstOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_response_acquired, first_offset)},
    {"lastOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_response_acquired, last_offset)},
    {"deliveryCount", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_response_acquired, delivery_count)},
};

const struct kp_schema kp_share_fetch_response_acquired_schema = {
    KP_SCHEMA("acquired", kp_share_fetch_response_acquired, response_acquired_fields)};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_share_fetch_response_partition, error_message)},
    {"acknowledgeErrorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_response_partition, acknowledge_error_code)},
    {"acknowledgeErrorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_share_fetch_response_partition, acknowledge_error_message)},
    {"currentLeader", KP_STRUCT, .versions = KP_SINCE(0), .item = &kp_leader_id_and_epoch_schema,
     KP_AT(kp_share_fetch_response_partition, current_leader)},
    {"records", KP_RECORDS, .versions = KP_SINCE(0), .nullable = KP_RANGE(0, 0),
     KP_AT(kp_share_fetch_response_partition, records)},
    {"acquiredRecords", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_fetch_response_acquired_schema,
     KP_AT(kp_share_fetch_response_partition, acquired_records)},
};

const struct kp_schema kp_share_fetch_response_partition_schema = {
    KP_SCHEMA("partition", kp_share_fetch_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0), KP_AT(kp_share_fetch_response_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_fetch_response_partition_schema,
     KP_AT(kp_share_fetch_response_topic, partitions)},
};

const struct kp_schema kp_share_fetch_response_topic_schema = {
    KP_SCHEMA("topic", kp_share_fetch_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_fetch_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_share_fetch_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_share_fetch_response, error_message)},
    {"acquisitionLockTimeoutMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_share_fetch_response, acquisition_lock_timeout_ms)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_fetch_response_topic_schema, KP_AT(kp_share_fetch_response, responses)},
    {"nodeEndpoints", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_node_endpoint_schema, KP_AT(kp_share_fetch_response, node_endpoints)},
};

const struct kp_schema kp_share_fetch_response_schema = {
    KP_SCHEMA("ShareFetchResponse", kp_share_fetch_response, response_fields), .flexible_from = 0};
