/*
 * ShareGroupHeartbeat (key 76): a member of a share group says what it reads, and hears what it is
 * to fetch. KIP-932.
 *
 * Versions 1 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_SHARE_GROUP_HEARTBEAT_H
#define PROTOCOL_MESSAGES_SHARE_GROUP_HEARTBEAT_H

#include "protocol/schema.h"

struct kp_share_group_heartbeat_request {
    struct kp_string group_id;
    struct kp_string member_id;
    int32_t member_epoch;
    struct kp_string rack_id;
    KP_ARRAY_OF(struct kp_string) subscribed_topic_names;
};

struct kp_share_group_heartbeat_response_topic_partitions {
    struct kp_uuid topic_id;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_share_group_heartbeat_response_assignment {
    KP_ARRAY_OF(struct kp_share_group_heartbeat_response_topic_partitions) topic_partitions;
};

struct kp_share_group_heartbeat_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    struct kp_string member_id;
    int32_t member_epoch;
    int32_t heartbeat_interval_ms;
    struct kp_share_group_heartbeat_response_assignment *assignment;
};

extern const struct kp_schema kp_share_group_heartbeat_request_schema;
extern const struct kp_schema kp_share_group_heartbeat_response_topic_partitions_schema;
extern const struct kp_schema kp_share_group_heartbeat_response_assignment_schema;
extern const struct kp_schema kp_share_group_heartbeat_response_schema;

#endif
