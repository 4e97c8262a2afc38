/*
 * AlterPartitionReassignments (key 45): where the replicas of partitions are to be. KIP-455,
 * KIP-860 (1).
 *
 * Versions 0 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_ALTER_PARTITION_REASSIGNMENTS_H
#define PROTOCOL_MESSAGES_ALTER_PARTITION_REASSIGNMENTS_H

#include "protocol/schema.h"

struct kp_alter_partition_reassignments_request_partition {
    int32_t partition_index;
    KP_ARRAY_OF(int32_t) replicas; /* null: what is under way is cancelled */
};

struct kp_alter_partition_reassignments_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_alter_partition_reassignments_request_partition) partitions;
};

struct kp_alter_partition_reassignments_request {
    int32_t timeout_ms;
    bool allow_replication_factor_change; /* 1+; else true */
    KP_ARRAY_OF(struct kp_alter_partition_reassignments_request_topic) topics;
};

struct kp_alter_partition_reassignments_response_partition {
    int32_t partition_index;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_alter_partition_reassignments_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_alter_partition_reassignments_response_partition) partitions;
};

struct kp_alter_partition_reassignments_response {
    int32_t throttle_time_ms;
    bool allow_replication_factor_change; /* 1+ */
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_alter_partition_reassignments_response_topic) responses;
};

extern const struct kp_schema kp_alter_partition_reassignments_request_partition_schema;
extern const struct kp_schema kp_alter_partition_reassignments_request_topic_schema;
extern const struct kp_schema kp_alter_partition_reassignments_request_schema;
extern const struct kp_schema kp_alter_partition_reassignments_response_partition_schema;
extern const struct kp_schema kp_alter_partition_reassignments_response_topic_schema;
extern const struct kp_schema kp_alter_partition_reassignments_response_schema;

#endif
