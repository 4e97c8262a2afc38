/*
 * DescribeGroups (key 15): groups of the classic protocol and their members. KIP-345 (4), KIP-430
 * (3), KIP-1043 (6).
 *
 * Versions 0 to 6. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_GROUPS_H
#define PROTOCOL_MESSAGES_DESCRIBE_GROUPS_H

#include "protocol/schema.h"

struct kp_describe_groups_request {
    KP_ARRAY_OF(struct kp_string) groups;
    bool include_authorized_operations; /* 3+ */
};

struct kp_describe_groups_response_member {
    struct kp_string member_id;
    struct kp_string group_instance_id; /* 4+; null: not a static member */
    struct kp_string client_id;
    struct kp_string client_host;
    struct kp_bytes member_metadata;
    struct kp_bytes member_assignment;
};

struct kp_describe_groups_response_group {
    int16_t error_code;
    struct kp_string error_message; /* 6+ */
    struct kp_string group_id;
    struct kp_string group_state;
    struct kp_string protocol_type;
    struct kp_string protocol_data; /* the name of the chosen protocol */
    KP_ARRAY_OF(struct kp_describe_groups_response_member) members;
    int32_t authorized_operations; /* 3+; INT32_MIN: not asked for */
};

struct kp_describe_groups_response {
    int32_t throttle_time_ms; /* 1+ */
    KP_ARRAY_OF(struct kp_describe_groups_response_group) groups;
};

extern const struct kp_schema kp_describe_groups_request_schema;
extern const struct kp_schema kp_describe_groups_response_member_schema;
extern const struct kp_schema kp_describe_groups_response_group_schema;
extern const struct kp_schema kp_describe_groups_response_schema;

#endif
