/*
 * DescribeProducers (key 61): the idempotent producers that a partition remembers. KIP-664.
 *
 * Version 0. Numbers in comments are versions; fields that a version lacks have their fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_PRODUCERS_H
#define PROTOCOL_MESSAGES_DESCRIBE_PRODUCERS_H

#include "protocol/schema.h"

struct kp_describe_producers_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(int32_t) partition_indexes;
};

struct kp_describe_producers_request {
    KP_ARRAY_OF(struct kp_describe_producers_request_topic) topics;
};

struct kp_describe_producers_response_producer {
    int64_t producer_id;
    int32_t producer_epoch;
    int32_t last_sequence;
    int64_t last_timestamp;           /* ms */
    int32_t coordinator_epoch;        /* of the last transaction; -1: none */
    int64_t current_txn_start_offset; /* -1: no transaction is open */
};

struct kp_describe_producers_response_partition {
    int32_t partition_index;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_describe_producers_response_producer) active_producers;
};

struct kp_describe_producers_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_describe_producers_response_partition) partitions;
};

struct kp_describe_producers_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_describe_producers_response_topic) topics;
};

extern const struct kp_schema kp_describe_producers_request_topic_schema;
extern const struct kp_schema kp_describe_producers_request_schema;
extern const struct kp_schema kp_describe_producers_response_producer_schema;
extern const struct kp_schema kp_describe_producers_response_partition_schema;
extern const struct kp_schema kp_describe_producers_response_topic_schema;
extern const struct kp_schema kp_describe_producers_response_schema;

#endif
