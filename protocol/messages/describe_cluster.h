/*
 * DescribeCluster (key 60): brokers and cluster id. KIP-700, KIP-919 (1), KIP-1073 (2).
 *
 * Versions 0 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_CLUSTER_H
#define PROTOCOL_MESSAGES_DESCRIBE_CLUSTER_H

#include "protocol/schema.h"

struct kp_describe_cluster_request {
    bool include_cluster_authorized_operations;
    int8_t endpoint_type;        /* 1+; 1 brokers, 2 controllers */
    bool include_fenced_brokers; /* 2+ */
};

struct kp_describe_cluster_response_broker {
    int32_t broker_id;
    struct kp_string host;
    int32_t port;
    struct kp_string rack;
    bool is_fenced; /* 2+ */
};

struct kp_describe_cluster_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    int8_t endpoint_type;
    struct kp_string cluster_id;
    int32_t controller_id;
    KP_ARRAY_OF(struct kp_describe_cluster_response_broker) brokers;
    int32_t cluster_authorized_operations; /* INT32_MIN: not asked for */
};

extern const struct kp_schema kp_describe_cluster_request_schema;
extern const struct kp_schema kp_describe_cluster_response_schema;
extern const struct kp_schema kp_describe_cluster_response_broker_schema;

#endif
