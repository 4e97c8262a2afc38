/*
 * WriteTxnMarkers (key 27): ends transactions in partitions of which the broker leads. KIP-98,
 * KIP-664, KIP-1228 (2).
 *
 * Versions 1 and 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_WRITE_TXN_MARKERS_H
#define PROTOCOL_MESSAGES_WRITE_TXN_MARKERS_H

#include "protocol/schema.h"

struct kp_write_txn_markers_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(int32_t) partition_indexes;
};

struct kp_write_txn_markers_request_marker {
    int64_t producer_id;
    int16_t producer_epoch;
    bool transaction_result; /* true: commit */
    KP_ARRAY_OF(struct kp_write_txn_markers_request_topic) topics;
    int32_t coordinator_epoch;
    int8_t transaction_version; /* 2+; from 2 on each end raises the producer's epoch */
};

struct kp_write_txn_markers_request {
    KP_ARRAY_OF(struct kp_write_txn_markers_request_marker) markers;
};

struct kp_write_txn_markers_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct kp_write_txn_markers_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_write_txn_markers_response_partition) partitions;
};

struct kp_write_txn_markers_response_marker {
    int64_t producer_id;
    KP_ARRAY_OF(struct kp_write_txn_markers_response_topic) topics;
};

struct kp_write_txn_markers_response {
    KP_ARRAY_OF(struct kp_write_txn_markers_response_marker) markers;
};

extern const struct kp_schema kp_write_txn_markers_request_topic_schema;
extern const struct kp_schema kp_write_txn_markers_request_marker_schema;
extern const struct kp_schema kp_write_txn_markers_request_schema;
extern const struct kp_schema kp_write_txn_markers_response_partition_schema;
extern const struct kp_schema kp_write_txn_markers_response_topic_schema;
extern const struct kp_schema kp_write_txn_markers_response_marker_schema;
extern const struct kp_schema kp_write_txn_markers_response_schema;

#endif
