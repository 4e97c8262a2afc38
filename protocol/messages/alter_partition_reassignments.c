/*
 * The fields of AlterPartitionReassignments, version by version, as tables; protocol/schema.h says
 * how they are read.
 *
 * Specification: the messages AlterPartitionReassignmentsRequest and
 * AlterPartitionReassignmentsResponse of the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/alter_partition_reassignments.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_request_partition, partition_index)},
    {"replicas", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_alter_partition_reassignments_request_partition, replicas)},
};
const struct kp_schema kp_alter_partition_reassignments_request_partition_schema = {KP_SCHEMA(
    "partition", kp_alter_partition_reassignments_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_partition_reassignments_request_partition_schema,
     KP_AT(kp_alter_partition_reassignments_request_topic, partitions)},
};
const struct kp_schema kp_alter_partition_reassignments_request_topic_schema = {
    KP_SCHEMA("topic", kp_alter_partition_reassignments_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = 60000,
     KP_AT(kp_alter_partition_reassignments_request, timeout_ms)},
    {"allowReplicationFactorChange", KP_BOOL, .versions = KP_SINCE(1), .fallback = 1,
     KP_AT(kp_alter_partition_reassignments_request, allow_replication_factor_change)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_partition_reassignments_request_topic_schema,
     KP_AT(kp_alter_partition_reassignments_request, topics)},
};
const struct kp_schema kp_alter_partition_reassignments_request_schema = {
    KP_SCHEMA("AlterPartitionReassignmentsRequest", kp_alter_partition_reassignments_request,
              request_fields),
    .flexible_from = 0};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_response_partition, error_message)},
};
const struct kp_schema kp_alter_partition_reassignments_response_partition_schema = {KP_SCHEMA(
    "partition", kp_alter_partition_reassignments_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_partition_reassignments_response_partition_schema,
     KP_AT(kp_alter_partition_reassignments_response_topic, partitions)},
};
const struct kp_schema kp_alter_partition_reassignments_response_topic_schema = {
    KP_SCHEMA("topic", kp_alter_partition_reassignments_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_response, throttle_time_ms)},
    {"allowReplicationFactorChange", KP_BOOL, .versions = KP_SINCE(1), .fallback = 1,
     KP_AT(kp_alter_partition_reassignments_response, allow_replication_factor_change)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_partition_reassignments_response, error_message)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_partition_reassignments_response_topic_schema,
     KP_AT(kp_alter_partition_reassignments_response, responses)},
};
const struct kp_schema kp_alter_partition_reassignments_response_schema = {
    KP_SCHEMA("AlterPartitionReassignmentsResponse", kp_alter_partition_reassignments_response,
              response_fields),
    .flexible_from = 0};
