/*
 * DescribeTopicPartitions (key 75): topics and their partitions, page by page. KIP-966.
 *
 * Version 0.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_TOPIC_PARTITIONS_H
#define PROTOCOL_MESSAGES_DESCRIBE_TOPIC_PARTITIONS_H

#include "protocol/schema.h"

struct kp_describe_topic_partitions_request_topic {
    struct kp_string name;
};

struct kp_describe_topic_partitions_cursor {
    struct kp_string topic_name;
    int32_t partition_index;
};

struct kp_describe_topic_partitions_request {
    KP_ARRAY_OF(struct kp_describe_topic_partitions_request_topic) topics; /* empty: all */
    int32_t response_partition_limit;
    struct kp_describe_topic_partitions_cursor *cursor; /* null: from the start */
};

struct kp_describe_topic_partitions_response_partition {
    int16_t error_code;
    int32_t partition_index;
    int32_t leader_id;
    int32_t leader_epoch;
    KP_ARRAY_OF(int32_t) replica_nodes;
    KP_ARRAY_OF(int32_t) isr_nodes;
    KP_ARRAY_OF(int32_t) eligible_leader_replicas; /* null: unknown */
    KP_ARRAY_OF(int32_t) last_known_elr;           /* null: unknown */
    KP_ARRAY_OF(int32_t) offline_replicas;
};

struct kp_describe_topic_partitions_response_topic {
    int16_t error_code;
    struct kp_string name;
    struct kp_uuid topic_id;
    bool is_internal;
    KP_ARRAY_OF(struct kp_describe_topic_partitions_response_partition) partitions;
    int32_t topic_authorized_operations; /* INT32_MIN: not asked for */
};

struct kp_describe_topic_partitions_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_describe_topic_partitions_response_topic) topics;
    struct kp_describe_topic_partitions_cursor *next_cursor; /* null: that was all */
};

extern const struct kp_schema kp_describe_topic_partitions_request_topic_schema;
extern const struct kp_schema kp_describe_topic_partitions_cursor_schema;
extern const struct kp_schema kp_describe_topic_partitions_request_schema;
extern const struct kp_schema kp_describe_topic_partitions_response_partition_schema;
extern const struct kp_schema kp_describe_topic_partitions_response_topic_schema;
extern const struct kp_schema kp_describe_topic_partitions_response_schema;

#endif
