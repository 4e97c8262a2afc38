/*
 * LeaveGroup (key 13): members leave a group, or are removed. KIP-345 (3: many at once), KIP-800
 * (5).
 *
 * Versions 0 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_LEAVE_GROUP_H
#define PROTOCOL_MESSAGES_LEAVE_GROUP_H

#include "protocol/schema.h"

struct kp_leave_group_request_member {
    struct kp_string member_id;         /* 3+ */
    struct kp_string group_instance_id; /* 3+; null: not a static member, look at the id */
    struct kp_string reason;            /* 5+ */
};

struct kp_leave_group_request {
    struct kp_string group_id;
    struct kp_string member_id;                                /* up to 2 */
    KP_ARRAY_OF(struct kp_leave_group_request_member) members; /* 3+ */
};

struct kp_leave_group_response_member {
    struct kp_string member_id;         /* 3+ */
    struct kp_string group_instance_id; /* 3+ */
    int16_t error_code;                 /* 3+ */
};

struct kp_leave_group_response {
    int32_t throttle_time_ms; /* 1+ */
    int16_t error_code;
    KP_ARRAY_OF(struct kp_leave_group_response_member) members; /* 3+ */
};

extern const struct kp_schema kp_leave_group_request_member_schema;
extern const struct kp_schema kp_leave_group_request_schema;
extern const struct kp_schema kp_leave_group_response_member_schema;
extern const struct kp_schema kp_leave_group_response_schema;

#endif
