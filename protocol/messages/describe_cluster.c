/*
 * The fields of DescribeCluster, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DescribeClusterRequest and DescribeClusterResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_cluster.h"

static const struct kp_field request_fields[] = {
    {"includeClusterAuthorizedOperations", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_describe_cluster_request, include_cluster_authorized_operations)},
    {"endpointType", KP_INT8, .versions = KP_SINCE(1), .fallback = 1,
     KP_AT(kp_describe_cluster_request, endpoint_type)},
    {"includeFencedBrokers", KP_BOOL, .versions = KP_SINCE(2),
     KP_AT(kp_describe_cluster_request, include_fenced_brokers)},
};
const struct kp_schema kp_describe_cluster_request_schema = {
    KP_SCHEMA("DescribeClusterRequest", kp_describe_cluster_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_broker_fields[] = {
    {"brokerId", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_cluster_response_broker, broker_id)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_describe_cluster_response_broker, host)},
    {"port", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_describe_cluster_response_broker, port)},
    {"rack", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_describe_cluster_response_broker, rack)},
    {"isFenced", KP_BOOL, .versions = KP_SINCE(2),
     KP_AT(kp_describe_cluster_response_broker, is_fenced)},
};
const struct kp_schema kp_describe_cluster_response_broker_schema = {
    KP_SCHEMA("broker", kp_describe_cluster_response_broker, response_broker_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_cluster_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_cluster_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_describe_cluster_response, error_message)},
    {"endpointType", KP_INT8, .versions = KP_SINCE(1), .fallback = 1,
     KP_AT(kp_describe_cluster_response, endpoint_type)},
    {"clusterId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_cluster_response, cluster_id)},
    {"controllerId", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_describe_cluster_response, controller_id)},
    {"brokers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_cluster_response_broker_schema,
     KP_AT(kp_describe_cluster_response, brokers)},
    {"clusterAuthorizedOperations", KP_INT32, .versions = KP_SINCE(0), .fallback = INT32_MIN,
     KP_AT(kp_describe_cluster_response, cluster_authorized_operations)},
};
const struct kp_schema kp_describe_cluster_response_schema = {
    KP_SCHEMA("DescribeClusterResponse", kp_describe_cluster_response, response_fields),
    .flexible_from = 0};
