/*
 * ListPartitionReassignments (key 46): the partitions whose replicas are being moved. KIP-455.
 *
 * Version 0. Numbers in comments are versions; fields that a version lacks have their fallback.
 */
#ifndef PROTOCOL_MESSAGES_LIST_PARTITION_REASSIGNMENTS_H
#define PROTOCOL_MESSAGES_LIST_PARTITION_REASSIGNMENTS_H

#include "protocol/schema.h"

struct kp_list_partition_reassignments_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(int32_t) partition_indexes;
};

struct kp_list_partition_reassignments_request {
    int32_t timeout_ms;
    KP_ARRAY_OF(struct kp_list_partition_reassignments_request_topic) topics; /* null: all */
};

struct kp_list_partition_reassignments_response_partition {
    int32_t partition_index;
    KP_ARRAY_OF(int32_t) replicas;
    KP_ARRAY_OF(int32_t) adding_replicas;
    KP_ARRAY_OF(int32_t) removing_replicas;
};

struct kp_list_partition_reassignments_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_list_partition_reassignments_response_partition) partitions;
};

struct kp_list_partition_reassignments_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_list_partition_reassignments_response_topic) topics;
};

extern const struct kp_schema kp_list_partition_reassignments_request_topic_schema;
extern const struct kp_schema kp_list_partition_reassignments_request_schema;
extern const struct kp_schema kp_list_partition_reassignments_response_partition_schema;
extern const struct kp_schema kp_list_partition_reassignments_response_topic_schema;
extern const struct kp_schema kp_list_partition_reassignments_response_schema;

#endif
