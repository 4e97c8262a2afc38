/*
 * The fields of WriteTxnMarkers, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages WriteTxnMarkersRequest and WriteTxnMarkersResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/write_txn_markers.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_write_txn_markers_request_topic, name)},
    {"partitionIndexes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_request_topic, partition_indexes)},
};
const struct kp_schema kp_write_txn_markers_request_topic_schema = {
    KP_SCHEMA("topic", kp_write_txn_markers_request_topic, request_topic_fields)};

static const struct kp_field request_marker_fields[] = {
    {"producerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_request_marker, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_request_marker, producer_epoch)},
    {"transactionResult", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_request_marker, transaction_result)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_write_txn_markers_request_topic_schema,
     KP_AT(kp_write_txn_markers_request_marker, topics)},
    {"coordinatorEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_request_marker, coordinator_epoch)},
    {"transactionVersion", KP_INT8, .versions = KP_SINCE(2),
     KP_AT(kp_write_txn_markers_request_marker, transaction_version)},
};
const struct kp_schema kp_write_txn_markers_request_marker_schema = {
    KP_SCHEMA("marker", kp_write_txn_markers_request_marker, request_marker_fields)};

static const struct kp_field request_fields[] = {
    {"markers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_write_txn_markers_request_marker_schema,
     KP_AT(kp_write_txn_markers_request, markers)},
};
const struct kp_schema kp_write_txn_markers_request_schema = {
    KP_SCHEMA("WriteTxnMarkersRequest", kp_write_txn_markers_request, request_fields),
    .flexible_from = 1};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_response_partition, error_code)},
};
const struct kp_schema kp_write_txn_markers_response_partition_schema = {
    KP_SCHEMA("partition", kp_write_txn_markers_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_write_txn_markers_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_write_txn_markers_response_partition_schema,
     KP_AT(kp_write_txn_markers_response_topic, partitions)},
};
const struct kp_schema kp_write_txn_markers_response_topic_schema = {
    KP_SCHEMA("topic", kp_write_txn_markers_response_topic, response_topic_fields)};

static const struct kp_field response_marker_fields[] = {
    {"producerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_write_txn_markers_response_marker, producer_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_write_txn_markers_response_topic_schema,
     KP_AT(kp_write_txn_markers_response_marker, topics)},
};
const struct kp_schema kp_write_txn_markers_response_marker_schema = {
    KP_SCHEMA("marker", kp_write_txn_markers_response_marker, response_marker_fields)};

static const struct kp_field response_fields[] = {
    {"markers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_write_txn_markers_response_marker_schema,
     KP_AT(kp_write_txn_markers_response, markers)},
};
const struct kp_schema kp_write_txn_markers_response_schema = {
    KP_SCHEMA("WriteTxnMarkersResponse", kp_write_txn_markers_response, response_fields),
    .flexible_from = 1};
