/*
 * TxnOffsetCommit (key 28): where a group goes on reading, as part of a producer's transaction.
 * KIP-98, KIP-320 (2), KIP-447 (3: who commits), KIP-890 (4: TRANSACTION_ABORTABLE; 5: the
 * transaction takes the group's partition in by this).
 *
 * Versions 0 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_TXN_OFFSET_COMMIT_H
#define PROTOCOL_MESSAGES_TXN_OFFSET_COMMIT_H

#include "protocol/schema.h"

struct kp_txn_offset_commit_request_partition {
    int32_t partition_index;
    int64_t committed_offset;
    int32_t committed_leader_epoch; /* 2+; -1: unknown */
    struct kp_string committed_metadata;
};

struct kp_txn_offset_commit_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_txn_offset_commit_request_partition) partitions;
};

struct kp_txn_offset_commit_request {
    struct kp_string transactional_id;
    struct kp_string group_id;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t generation_id_or_member_epoch; /* 3+; -1: not a member */
    struct kp_string member_id;            /* 3+ */
    struct kp_string group_instance_id;    /* 3+; null: not a static member */
    KP_ARRAY_OF(struct kp_txn_offset_commit_request_topic) topics;
};

struct kp_txn_offset_commit_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct kp_txn_offset_commit_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_txn_offset_commit_response_partition) partitions;
};

struct kp_txn_offset_commit_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_txn_offset_commit_response_topic) topics;
};

extern const struct kp_schema kp_txn_offset_commit_request_partition_schema;
extern const struct kp_schema kp_txn_offset_commit_request_topic_schema;
extern const struct kp_schema kp_txn_offset_commit_request_schema;
extern const struct kp_schema kp_txn_offset_commit_response_partition_schema;
extern const struct kp_schema kp_txn_offset_commit_response_topic_schema;
extern const struct kp_schema kp_txn_offset_commit_response_schema;

#endif
