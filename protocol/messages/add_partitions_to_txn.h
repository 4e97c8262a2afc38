/*
 * AddPartitionsToTxn (key 24): partitions that are to take part in a producer's transaction.
 * KIP-98, KIP-588 (2), KIP-482 (3), KIP-890 (4, 5).
 *
 * Versions 0 to 5. From 4 on it is what Kafka's brokers ask each other, of many transactions at
 * once; no client speaks them. Numbers in comments are versions; fields that a version lacks have
 * their fallback.
 */
#ifndef PROTOCOL_MESSAGES_ADD_PARTITIONS_TO_TXN_H
#define PROTOCOL_MESSAGES_ADD_PARTITIONS_TO_TXN_H

#include "protocol/schema.h"

struct kp_add_partitions_to_txn_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_add_partitions_to_txn_request_transaction {
    struct kp_string transactional_id;
    int64_t producer_id;
    int16_t producer_epoch;
    bool verify_only; /* nothing is added */
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_request_topic) topics;
};

struct kp_add_partitions_to_txn_request {
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_request_transaction) transactions; /* 4+ */
    struct kp_string transactional_id; /* 0-3, all below */
    int64_t producer_id;
    int16_t producer_epoch;
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_request_topic) topics;
};

struct kp_add_partitions_to_txn_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct kp_add_partitions_to_txn_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_response_partition) partitions;
};

struct kp_add_partitions_to_txn_response_transaction {
    struct kp_string transactional_id;
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_response_topic) topics;
};

struct kp_add_partitions_to_txn_response {
    int32_t throttle_time_ms;
    int16_t error_code;                                                             /* 4+ */
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_response_transaction) transactions; /* 4+ */
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_response_topic) topics;             /* 0-3 */
};

extern const struct kp_schema kp_add_partitions_to_txn_request_topic_schema;
extern const struct kp_schema kp_add_partitions_to_txn_request_transaction_schema;
extern const struct kp_schema kp_add_partitions_to_txn_request_schema;
extern const struct kp_schema kp_add_partitions_to_txn_response_partition_schema;
extern const struct kp_schema kp_add_partitions_to_txn_response_topic_schema;
extern const struct kp_schema kp_add_partitions_to_txn_response_transaction_schema;
extern const struct kp_schema kp_add_partitions_to_txn_response_schema;

#endif
