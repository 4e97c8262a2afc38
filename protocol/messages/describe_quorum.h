/*
 * DescribeQuorum (key 55): who votes on the metadata of the cluster, who leads it, how far each one
 * is. KIP-595, KIP-836 (1), KIP-853 (2).
 *
 * Versions 0 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_QUORUM_H
#define PROTOCOL_MESSAGES_DESCRIBE_QUORUM_H

#include "protocol/schema.h"

struct kp_describe_quorum_request_partition {
    int32_t partition_index;
};

struct kp_describe_quorum_request_topic {
    struct kp_string topic_name;
    KP_ARRAY_OF(struct kp_describe_quorum_request_partition) partitions;
};

struct kp_describe_quorum_request {
    KP_ARRAY_OF(struct kp_describe_quorum_request_topic) topics;
};

struct kp_describe_quorum_response_replica {
    int32_t replica_id;                  /* the broker's id */
    struct kp_uuid replica_directory_id; /* 2+ */
    int64_t log_end_offset;              /* -1: unknown */
    int64_t last_fetch_timestamp;        /* 1+; ms; -1: unknown, or the leader */
    int64_t last_caught_up_timestamp;    /* 1+; ms; -1: unknown */
};

struct kp_describe_quorum_response_partition {
    int32_t partition_index;
    int16_t error_code;
    struct kp_string error_message; /* 2+ */
    int32_t leader_id;              /* -1: unknown */
    int32_t leader_epoch;
    int64_t high_watermark;
    KP_ARRAY_OF(struct kp_describe_quorum_response_replica) current_voters;
    KP_ARRAY_OF(struct kp_describe_quorum_response_replica) observers;
};

struct kp_describe_quorum_response_topic {
    struct kp_string topic_name;
    KP_ARRAY_OF(struct kp_describe_quorum_response_partition) partitions;
};

struct kp_describe_quorum_response_listener {
    struct kp_string name; /* 2+ */
    struct kp_string host; /* 2+ */
    uint16_t port;         /* 2+ */
};

struct kp_describe_quorum_response_node {
    int32_t node_id;                                                    /* 2+ */
    KP_ARRAY_OF(struct kp_describe_quorum_response_listener) listeners; /* 2+ */
};

struct kp_describe_quorum_response {
    int16_t error_code;
    struct kp_string error_message; /* 2+ */
    KP_ARRAY_OF(struct kp_describe_quorum_response_topic) topics;
    KP_ARRAY_OF(struct kp_describe_quorum_response_node) nodes; /* 2+ */
};

extern const struct kp_schema kp_describe_quorum_request_partition_schema;
extern const struct kp_schema kp_describe_quorum_request_topic_schema;
extern const struct kp_schema kp_describe_quorum_request_schema;
extern const struct kp_schema kp_describe_quorum_response_replica_schema;
extern const struct kp_schema kp_describe_quorum_response_partition_schema;
extern const struct kp_schema kp_describe_quorum_response_topic_schema;
extern const struct kp_schema kp_describe_quorum_response_listener_schema;
extern const struct kp_schema kp_describe_quorum_response_node_schema;
extern const struct kp_schema kp_describe_quorum_response_schema;

#endif
