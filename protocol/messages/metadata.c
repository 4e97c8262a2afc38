/*
 * The fields of Metadata, version by version, as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages MetadataRequest and MetadataResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/metadata.h"

static const struct kp_field request_topic_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(10), KP_AT(kp_metadata_request_topic, topic_id)},
    {"name", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(10),
     KP_AT(kp_metadata_request_topic, name)},
};
const struct kp_schema kp_metadata_request_topic_schema = {
    KP_SCHEMA("topic", kp_metadata_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .nullable = KP_SINCE(1),
     .item = &kp_metadata_request_topic_schema, KP_AT(kp_metadata_request, topics)},
    {"allowAutoTopicCreation", KP_BOOL, .versions = KP_SINCE(4), .fallback = true,
     KP_AT(kp_metadata_request, allow_auto_topic_creation)},
    {"includeClusterAuthorizedOperations", KP_BOOL, .versions = KP_RANGE(8, 10),
     KP_AT(kp_metadata_request, include_cluster_authorized_operations)},
    {"includeTopicAuthorizedOperations", KP_BOOL, .versions = KP_SINCE(8),
     KP_AT(kp_metadata_request, include_topic_authorized_operations)},
};
const struct kp_schema kp_metadata_request_schema = {
    KP_SCHEMA("MetadataRequest", kp_metadata_request, request_fields), .flexible_from = 9};

static const struct kp_field response_broker_fields[] = {
    {"nodeId", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_metadata_response_broker, node_id)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_metadata_response_broker, host)},
    {"port", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_metadata_response_broker, port)},
    {"rack", KP_STRING, .versions = KP_SINCE(1), .nullable = KP_SINCE(1), .null_fallback = true,
     KP_AT(kp_metadata_response_broker, rack)},
};
const struct kp_schema kp_metadata_response_broker_schema = {
    KP_SCHEMA("broker", kp_metadata_response_broker, response_broker_fields)};

static const struct kp_field response_partition_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_metadata_response_partition, error_code)},
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_metadata_response_partition, partition_index)},
    {"leaderId", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_metadata_response_partition, leader_id)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(7), .fallback = -1,
     KP_AT(kp_metadata_response_partition, leader_epoch)},
    {"replicaNodes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_metadata_response_partition, replica_nodes)},
    {"isrNodes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_metadata_response_partition, isr_nodes)},
    {"offlineReplicas", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(5),
     KP_AT(kp_metadata_response_partition, offline_replicas)},
};
const struct kp_schema kp_metadata_response_partition_schema = {
    KP_SCHEMA("partition", kp_metadata_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_metadata_response_topic, error_code)},
    {"name", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(12),
     KP_AT(kp_metadata_response_topic, name)},
    {"topicId", KP_UUID, .versions = KP_SINCE(10), KP_AT(kp_metadata_response_topic, topic_id)},
    {"isInternal", KP_BOOL, .versions = KP_SINCE(1),
     KP_AT(kp_metadata_response_topic, is_internal)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_metadata_response_partition_schema, KP_AT(kp_metadata_response_topic, partitions)},
    {"topicAuthorizedOperations", KP_INT32, .versions = KP_SINCE(8), .fallback = INT32_MIN,
     KP_AT(kp_metadata_response_topic, topic_authorized_operations)},
};
const struct kp_schema kp_metadata_response_topic_schema = {
    KP_SCHEMA("topic", kp_metadata_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(3),
     KP_AT(kp_metadata_response, throttle_time_ms)},
    {"brokers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_metadata_response_broker_schema, KP_AT(kp_metadata_response, brokers)},
    {"clusterId", KP_STRING, .versions = KP_SINCE(2), .nullable = KP_SINCE(2),
     .null_fallback = true, KP_AT(kp_metadata_response, cluster_id)},
    {"controllerId", KP_INT32, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_metadata_response, controller_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_metadata_response_topic_schema, KP_AT(kp_metadata_response, topics)},
    {"clusterAuthorizedOperations", KP_INT32, .versions = KP_RANGE(8, 10), .fallback = INT32_MIN,
     KP_AT(kp_metadata_response, cluster_authorized_operations)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(13), KP_AT(kp_metadata_response, error_code)},
};
const struct kp_schema kp_metadata_response_schema = {
    KP_SCHEMA("MetadataResponse", kp_metadata_response, response_fields), .flexible_from = 9};
