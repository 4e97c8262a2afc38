/*
 * ShareAcknowledge (key 79): what a member of a share group says of records that it had. KIP-932,
 * KIP-1222 (2).
 *
 * Versions 1 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_SHARE_ACKNOWLEDGE_H
#define PROTOCOL_MESSAGES_SHARE_ACKNOWLEDGE_H

#include "protocol/messages/leader_hint.h"
#include "protocol/schema.h"

struct kp_share_acknowledge_request_batch {
    int64_t first_offset;
    int64_t last_offset;
    KP_ARRAY_OF(int8_t) acknowledge_types;
};

struct kp_share_acknowledge_request_partition {
    int32_t partition_index;
    KP_ARRAY_OF(struct kp_share_acknowledge_request_batch) acknowledgement_batches;
};

struct kp_share_acknowledge_request_topic {
    struct kp_uuid topic_id;
    KP_ARRAY_OF(struct kp_share_acknowledge_request_partition) partitions;
};

struct kp_share_acknowledge_request {
    struct kp_string group_id;
    struct kp_string member_id;
    int32_t share_session_epoch;
    bool is_renew_ack;
    KP_ARRAY_OF(struct kp_share_acknowledge_request_topic) topics;
};

struct kp_share_acknowledge_response_partition {
    int32_t partition_index;
    int16_t error_code;
    struct kp_string error_message;
    struct kp_leader_id_and_epoch current_leader;
};

struct kp_share_acknowledge_response_topic {
    struct kp_uuid topic_id;
    KP_ARRAY_OF(struct kp_share_acknowledge_response_partition) partitions;
};

struct kp_share_acknowledge_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    int32_t acquisition_lock_timeout_ms;
    KP_ARRAY_OF(struct kp_share_acknowledge_response_topic) responses;
    KP_ARRAY_OF(struct kp_node_endpoint) node_endpoints;
};

extern const struct kp_schema kp_share_acknowledge_request_batch_schema;
extern const struct kp_schema kp_share_acknowledge_request_partition_schema;
extern const struct kp_schema kp_share_acknowledge_request_topic_schema;
extern const struct kp_schema kp_share_acknowledge_request_schema;
extern const struct kp_schema kp_share_acknowledge_response_partition_schema;
extern const struct kp_schema kp_share_acknowledge_response_topic_schema;
extern const struct kp_schema kp_share_acknowledge_response_schema;

#endif
