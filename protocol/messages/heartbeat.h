/*
 * Heartbeat (key 12): a member is alive and hears whether the group is being rebalanced. KIP-345
 * (3).
 *
 * Versions 0 to 4. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_HEARTBEAT_H
#define PROTOCOL_MESSAGES_HEARTBEAT_H

#include "protocol/schema.h"

struct kp_heartbeat_request {
    struct kp_string group_id;
    int32_t generation_id;
    struct kp_string member_id;
    struct kp_string group_instance_id; /* 3+; null: not a static member */
};

struct kp_heartbeat_response {
    int32_t throttle_time_ms; /* 1+ */
    int16_t error_code;
};

extern const struct kp_schema kp_heartbeat_request_schema;
extern const struct kp_schema kp_heartbeat_response_schema;

#endif
