/*
 * OffsetForLeaderEpoch (key 23): where the records of a leader epoch end, by which a consumer finds
 * out after a change of leader whether what it read is still there. KIP-320 (2), KIP-392 (3).
 *
 * Versions 2 to 4. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_OFFSET_FOR_LEADER_EPOCH_H
#define PROTOCOL_MESSAGES_OFFSET_FOR_LEADER_EPOCH_H

#include "protocol/schema.h"

struct kp_offset_for_leader_epoch_request_partition {
    int32_t partition;
    int32_t current_leader_epoch; /* -1: unknown */
    int32_t leader_epoch;         /* of the record before the client's position */
};

struct kp_offset_for_leader_epoch_request_topic {
    struct kp_string topic;
    KP_ARRAY_OF(struct kp_offset_for_leader_epoch_request_partition) partitions;
};

struct kp_offset_for_leader_epoch_request {
    int32_t replica_id; /* 3+; -1: a consumer */
    KP_ARRAY_OF(struct kp_offset_for_leader_epoch_request_topic) topics;
};

struct kp_offset_for_leader_epoch_response_partition {
    int16_t error_code;
    int32_t partition;
    int32_t leader_epoch; /* the largest that is not above the one asked for; -1: none */
    int64_t end_offset;   /* behind its last record; -1: none */
};

struct kp_offset_for_leader_epoch_response_topic {
    struct kp_string topic;
    KP_ARRAY_OF(struct kp_offset_for_leader_epoch_response_partition) partitions;
};

struct kp_offset_for_leader_epoch_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_offset_for_leader_epoch_response_topic) topics;
};

extern const struct kp_schema kp_offset_for_leader_epoch_request_schema;
extern const struct kp_schema kp_offset_for_leader_epoch_request_topic_schema;
extern const struct kp_schema kp_offset_for_leader_epoch_request_partition_schema;
extern const struct kp_schema kp_offset_for_leader_epoch_response_schema;
extern const struct kp_schema kp_offset_for_leader_epoch_response_topic_schema;
extern const struct kp_schema kp_offset_for_leader_epoch_response_partition_schema;

#endif
