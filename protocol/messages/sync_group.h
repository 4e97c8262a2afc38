/*
 * SyncGroup (key 14): a member fetches its assignment, the leader of the group brings all of them.
 * KIP-345 (3), KIP-559 (5).
 *
 * Versions 0 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_SYNC_GROUP_H
#define PROTOCOL_MESSAGES_SYNC_GROUP_H

#include "protocol/schema.h"

struct kp_sync_group_request_assignment {
    struct kp_string member_id;
    struct kp_bytes assignment;
};

struct kp_sync_group_request {
    struct kp_string group_id;
    int32_t generation_id;
    struct kp_string member_id;
    struct kp_string group_instance_id; /* 3+; null: not a static member */
    struct kp_string protocol_type;     /* 5+ */
    struct kp_string protocol_name;     /* 5+ */
    KP_ARRAY_OF(struct kp_sync_group_request_assignment)
    assignments; /* from the leader; empty from others */
};

struct kp_sync_group_response {
    int32_t throttle_time_ms; /* 1+ */
    int16_t error_code;
    struct kp_string protocol_type; /* 5+ */
    struct kp_string protocol_name; /* 5+ */
    struct kp_bytes assignment;
};

extern const struct kp_schema kp_sync_group_request_assignment_schema;
extern const struct kp_schema kp_sync_group_request_schema;
extern const struct kp_schema kp_sync_group_response_schema;

#endif
