/*
 * AddPartitionsToTxn (key 24): partitions that are to take part in a producer's transaction.
 * KIP-98, KIP-588 (2), KIP-482 (3).
 *
 * Versions 0 to 3. Versions 4 and 5 are what Kafka's brokers ask each other; no client speaks them.
 */
#ifndef PROTOCOL_MESSAGES_ADD_PARTITIONS_TO_TXN_H
#define PROTOCOL_MESSAGES_ADD_PARTITIONS_TO_TXN_H

#include "protocol/schema.h"

struct kp_add_partitions_to_txn_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_add_partitions_to_txn_request {
    struct kp_string transactional_id;
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

struct kp_add_partitions_to_txn_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_add_partitions_to_txn_response_topic) topics;
};

extern const struct kp_schema kp_add_partitions_to_txn_request_topic_schema;
extern const struct kp_schema kp_add_partitions_to_txn_request_schema;
extern const struct kp_schema kp_add_partitions_to_txn_response_partition_schema;
extern const struct kp_schema kp_add_partitions_to_txn_response_topic_schema;
extern const struct kp_schema kp_add_partitions_to_txn_response_schema;

#endif
