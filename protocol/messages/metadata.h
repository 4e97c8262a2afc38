/*
 * Metadata (key 3): brokers, topics, and who leads what. KIP-78 (2), KIP-320 (7), KIP-430 (8),
 * KIP-516 (10), KIP-700 (11), KIP-1102 (13).
 *
 * Versions 0 to 13. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_METADATA_H
#define PROTOCOL_MESSAGES_METADATA_H

#include "protocol/schema.h"

struct kp_metadata_request_topic {
    struct kp_uuid topic_id; /* 10+; zero: look at the name */
    struct kp_string name;   /* null (10+): look at the id */
};

struct kp_metadata_request {
    KP_ARRAY_OF(struct kp_metadata_request_topic) topics; /* null (1+) or empty (0): all of them */
    bool allow_auto_topic_creation;
    bool include_cluster_authorized_operations;
    bool include_topic_authorized_operations;
};

struct kp_metadata_response_broker {
    int32_t node_id;
    struct kp_string host;
    int32_t port;
    struct kp_string rack;
};

struct kp_metadata_response_partition {
    int16_t error_code;
    int32_t partition_index;
    int32_t leader_id;    /* -1: none */
    int32_t leader_epoch; /* 7+: the Raft term */
    KP_ARRAY_OF(int32_t) replica_nodes;
    KP_ARRAY_OF(int32_t) isr_nodes;
    KP_ARRAY_OF(int32_t) offline_replicas;
};

struct kp_metadata_response_topic {
    int16_t error_code;
    struct kp_string name; /* null (12) when asked by an unknown id */
    struct kp_uuid topic_id;
    bool is_internal;
    KP_ARRAY_OF(struct kp_metadata_response_partition) partitions;
    int32_t topic_authorized_operations; /* INT32_MIN: not asked for */
};

struct kp_metadata_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_metadata_response_broker) brokers;
    struct kp_string cluster_id;
    int32_t controller_id; /* the leader of group 0; -1: unknown */
    KP_ARRAY_OF(struct kp_metadata_response_topic) topics;
    int32_t cluster_authorized_operations; /* INT32_MIN: not asked for */
    int16_t error_code;                    /* 13+ */
};

extern const struct kp_schema kp_metadata_request_schema;
extern const struct kp_schema kp_metadata_request_topic_schema;
extern const struct kp_schema kp_metadata_response_schema;
extern const struct kp_schema kp_metadata_response_topic_schema;
extern const struct kp_schema kp_metadata_response_partition_schema;
extern const struct kp_schema kp_metadata_response_broker_schema;

#endif
