/*
 * The fields of ListOffsets, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages ListOffsetsRequest and ListOffsetsResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/list_offsets.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_offsets_request_partition, partition_index)},
    {"currentLeaderEpoch", KP_INT32, .versions = KP_SINCE(4), .fallback = -1,
     KP_AT(kp_list_offsets_request_partition, current_leader_epoch)},
    {"timestamp", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_list_offsets_request_partition, timestamp)},
};
const struct kp_schema kp_list_offsets_request_partition_schema = {
    KP_SCHEMA("partition", kp_list_offsets_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_list_offsets_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_offsets_request_partition_schema,
     KP_AT(kp_list_offsets_request_topic, partitions)},
};
const struct kp_schema kp_list_offsets_request_topic_schema = {
    KP_SCHEMA("topic", kp_list_offsets_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"replicaId", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_list_offsets_request, replica_id)},
    {"isolationLevel", KP_INT8, .versions = KP_SINCE(2),
     KP_AT(kp_list_offsets_request, isolation_level)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_offsets_request_topic_schema, KP_AT(kp_list_offsets_request, topics)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(10), KP_AT(kp_list_offsets_request, timeout_ms)},
};
const struct kp_schema kp_list_offsets_request_schema = {
    KP_SCHEMA("ListOffsetsRequest", kp_list_offsets_request, request_fields), .flexible_from = 6};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_offsets_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_list_offsets_response_partition, error_code)},
    {"timestamp", KP_INT64, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_list_offsets_response_partition, timestamp)},
    {"offset", KP_INT64, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_list_offsets_response_partition, offset)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(4), .fallback = -1,
     KP_AT(kp_list_offsets_response_partition, leader_epoch)},
};
const struct kp_schema kp_list_offsets_response_partition_schema = {
    KP_SCHEMA("partition", kp_list_offsets_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_list_offsets_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_offsets_response_partition_schema,
     KP_AT(kp_list_offsets_response_topic, partitions)},
};
const struct kp_schema kp_list_offsets_response_topic_schema = {
    KP_SCHEMA("topic", kp_list_offsets_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(2),
     KP_AT(kp_list_offsets_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_offsets_response_topic_schema, KP_AT(kp_list_offsets_response, topics)},
};
const struct kp_schema kp_list_offsets_response_schema = {
    KP_SCHEMA("ListOffsetsResponse", kp_list_offsets_response, response_fields),
    .flexible_from = 6};
