/*
 * The fields of ListPartitionReassignments, version by version, as tables; protocol/schema.h says
 * how they are read.
 *
 * Specification: the messages ListPartitionReassignmentsRequest and
 * ListPartitionReassignmentsResponse of the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/list_partition_reassignments.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_request_topic, name)},
    {"partitionIndexes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_request_topic, partition_indexes)},
};
const struct kp_schema kp_list_partition_reassignments_request_topic_schema = {
    KP_SCHEMA("topic", kp_list_partition_reassignments_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = 60000,
     KP_AT(kp_list_partition_reassignments_request, timeout_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, .item = &kp_list_partition_reassignments_request_topic_schema,
     KP_AT(kp_list_partition_reassignments_request, topics)},
};
const struct kp_schema kp_list_partition_reassignments_request_schema = {
    KP_SCHEMA("ListPartitionReassignmentsRequest", kp_list_partition_reassignments_request,
              request_fields),
    .flexible_from = 0};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response_partition, partition_index)},
    {"replicas", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response_partition, replicas)},
    {"addingReplicas", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response_partition, adding_replicas)},
    {"removingReplicas", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response_partition, removing_replicas)},
};
const struct kp_schema kp_list_partition_reassignments_response_partition_schema = {KP_SCHEMA(
    "partition", kp_list_partition_reassignments_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_partition_reassignments_response_partition_schema,
     KP_AT(kp_list_partition_reassignments_response_topic, partitions)},
};
const struct kp_schema kp_list_partition_reassignments_response_topic_schema = {
    KP_SCHEMA("topic", kp_list_partition_reassignments_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_list_partition_reassignments_response, error_message)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_partition_reassignments_response_topic_schema,
     KP_AT(kp_list_partition_reassignments_response, topics)},
};
const struct kp_schema kp_list_partition_reassignments_response_schema = {
    KP_SCHEMA("ListPartitionReassignmentsResponse", kp_list_partition_reassignments_response,
              response_fields),
    .flexible_from = 0};
