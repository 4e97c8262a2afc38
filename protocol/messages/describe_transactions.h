/*
 * DescribeTransactions (key 65): transactions by their ids. KIP-664.
 *
 * Version 0. Numbers in comments are versions; fields that a version lacks have their fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_TRANSACTIONS_H
#define PROTOCOL_MESSAGES_DESCRIBE_TRANSACTIONS_H

#include "protocol/schema.h"

struct kp_describe_transactions_request {
    KP_ARRAY_OF(struct kp_string) transactional_ids;
};

struct kp_describe_transactions_response_topic {
    struct kp_string topic;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_describe_transactions_response_transaction {
    int16_t error_code;
    struct kp_string transactional_id;
    struct kp_string transaction_state;
    int32_t transaction_timeout_ms;
    int64_t transaction_start_time_ms;
    int64_t producer_id;
    int16_t producer_epoch;
    KP_ARRAY_OF(struct kp_describe_transactions_response_topic) topics;
};

struct kp_describe_transactions_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_describe_transactions_response_transaction) transaction_states;
};

extern const struct kp_schema kp_describe_transactions_request_schema;
extern const struct kp_schema kp_describe_transactions_response_topic_schema;
extern const struct kp_schema kp_describe_transactions_response_transaction_schema;
extern const struct kp_schema kp_describe_transactions_response_schema;

#endif
