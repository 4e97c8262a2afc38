/*
 * The fields of DescribeQuorum, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DescribeQuorumRequest and DescribeQuorumResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_quorum.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_request_partition, partition_index)},
};
const struct kp_schema kp_describe_quorum_request_partition_schema = {
    KP_SCHEMA("partition", kp_describe_quorum_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_request_topic, topic_name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_quorum_request_partition_schema,
     KP_AT(kp_describe_quorum_request_topic, partitions)},
};
const struct kp_schema kp_describe_quorum_request_topic_schema = {
    KP_SCHEMA("topic", kp_describe_quorum_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_quorum_request_topic_schema, KP_AT(kp_describe_quorum_request, topics)},
};
const struct kp_schema kp_describe_quorum_request_schema = {
    KP_SCHEMA("DescribeQuorumRequest", kp_describe_quorum_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_replica_fields[] = {
    {"replicaId", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_replica, replica_id)},
    {"replicaDirectoryId", KP_UUID, .versions = KP_SINCE(2),
     KP_AT(kp_describe_quorum_response_replica, replica_directory_id)},
    {"logEndOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_replica, log_end_offset)},
    {"lastFetchTimestamp", KP_INT64, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_describe_quorum_response_replica, last_fetch_timestamp)},
    {"lastCaughtUpTimestamp", KP_INT64, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_describe_quorum_response_replica, last_caught_up_timestamp)},
};
const struct kp_schema kp_describe_quorum_response_replica_schema = {
    KP_SCHEMA("replica", kp_describe_quorum_response_replica, response_replica_fields)};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(2), .nullable = KP_SINCE(2),
     .null_fallback = true, KP_AT(kp_describe_quorum_response_partition, error_message)},
    {"leaderId", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_partition, leader_id)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_partition, leader_epoch)},
    {"highWatermark", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_partition, high_watermark)},
    {"currentVoters", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_quorum_response_replica_schema,
     KP_AT(kp_describe_quorum_response_partition, current_voters)},
    {"observers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_quorum_response_replica_schema,
     KP_AT(kp_describe_quorum_response_partition, observers)},
};
const struct kp_schema kp_describe_quorum_response_partition_schema = {
    KP_SCHEMA("partition", kp_describe_quorum_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response_topic, topic_name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_quorum_response_partition_schema,
     KP_AT(kp_describe_quorum_response_topic, partitions)},
};
const struct kp_schema kp_describe_quorum_response_topic_schema = {
    KP_SCHEMA("topic", kp_describe_quorum_response_topic, response_topic_fields)};

static const struct kp_field response_listener_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(2), KP_AT(kp_describe_quorum_response_listener, name)},
    {"host", KP_STRING, .versions = KP_SINCE(2), KP_AT(kp_describe_quorum_response_listener, host)},
    {"port", KP_UINT16, .versions = KP_SINCE(2), KP_AT(kp_describe_quorum_response_listener, port)},
};
const struct kp_schema kp_describe_quorum_response_listener_schema = {
    KP_SCHEMA("listener", kp_describe_quorum_response_listener, response_listener_fields)};

static const struct kp_field response_node_fields[] = {
    {"nodeId", KP_INT32, .versions = KP_SINCE(2), KP_AT(kp_describe_quorum_response_node, node_id)},
    {"listeners", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(2),
     .item = &kp_describe_quorum_response_listener_schema,
     KP_AT(kp_describe_quorum_response_node, listeners)},
};
const struct kp_schema kp_describe_quorum_response_node_schema = {
    KP_SCHEMA("node", kp_describe_quorum_response_node, response_node_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_quorum_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(2), .nullable = KP_SINCE(2),
     .null_fallback = true, KP_AT(kp_describe_quorum_response, error_message)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_quorum_response_topic_schema, KP_AT(kp_describe_quorum_response, topics)},
    {"nodes", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(2),
     .item = &kp_describe_quorum_response_node_schema, KP_AT(kp_describe_quorum_response, nodes)},
};
const struct kp_schema kp_describe_quorum_response_schema = {
    KP_SCHEMA("DescribeQuorumResponse", kp_describe_quorum_response, response_fields),
    .flexible_from = 0};
