/*
 * The fields of DescribeTopicPartitions, version by version, as tables; protocol/schema.h says how
 * they are read.
 *
 * Specification: the messages DescribeTopicPartitionsRequest and DescribeTopicPartitionsResponse of
 * the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_topic_partitions.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_request_topic, name)},
};
const struct kp_schema kp_describe_topic_partitions_request_topic_schema = {
    KP_SCHEMA("topic", kp_describe_topic_partitions_request_topic, request_topic_fields)};

static const struct kp_field cursor_fields[] = {
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_cursor, topic_name)},
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_cursor, partition_index)},
};
const struct kp_schema kp_describe_topic_partitions_cursor_schema = {
    KP_SCHEMA("cursor", kp_describe_topic_partitions_cursor, cursor_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_topic_partitions_request_topic_schema,
     KP_AT(kp_describe_topic_partitions_request, topics)},
    {"responsePartitionLimit", KP_INT32, .versions = KP_SINCE(0), .fallback = 2000,
     KP_AT(kp_describe_topic_partitions_request, response_partition_limit)},
    {"cursor", KP_OPTIONAL, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_describe_topic_partitions_cursor_schema,
     KP_AT(kp_describe_topic_partitions_request, cursor)},
};
const struct kp_schema kp_describe_topic_partitions_request_schema = {
    KP_SCHEMA("DescribeTopicPartitionsRequest", kp_describe_topic_partitions_request,
              request_fields),
    .flexible_from = 0};

static const struct kp_field response_partition_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_partition, error_code)},
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_partition, partition_index)},
    {"leaderId", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_partition, leader_id)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_describe_topic_partitions_response_partition, leader_epoch)},
    {"replicaNodes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_partition, replica_nodes)},
    {"isrNodes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_partition, isr_nodes)},
    {"eligibleLeaderReplicas", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_describe_topic_partitions_response_partition, eligible_leader_replicas)},
    {"lastKnownElr", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_describe_topic_partitions_response_partition, last_known_elr)},
    {"offlineReplicas", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_partition, offline_replicas)},
};
const struct kp_schema kp_describe_topic_partitions_response_partition_schema = {KP_SCHEMA(
    "partition", kp_describe_topic_partitions_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_topic, error_code)},
    {"name", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_topic, topic_id)},
    {"isInternal", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response_topic, is_internal)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_topic_partitions_response_partition_schema,
     KP_AT(kp_describe_topic_partitions_response_topic, partitions)},
    {"topicAuthorizedOperations", KP_INT32, .versions = KP_SINCE(0), .fallback = INT32_MIN,
     KP_AT(kp_describe_topic_partitions_response_topic, topic_authorized_operations)},
};
const struct kp_schema kp_describe_topic_partitions_response_topic_schema = {
    KP_SCHEMA("topic", kp_describe_topic_partitions_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_topic_partitions_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_topic_partitions_response_topic_schema,
     KP_AT(kp_describe_topic_partitions_response, topics)},
    {"nextCursor", KP_OPTIONAL, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_describe_topic_partitions_cursor_schema,
     KP_AT(kp_describe_topic_partitions_response, next_cursor)},
};
const struct kp_schema kp_describe_topic_partitions_response_schema = {
    KP_SCHEMA("DescribeTopicPartitionsResponse", kp_describe_topic_partitions_response,
              response_fields),
    .flexible_from = 0};
