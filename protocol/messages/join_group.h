/*
 * JoinGroup (key 11): a member asks to be in the next generation of a group. KIP-345 (5), KIP-394
 * (4), KIP-559 (7), KIP-800 (8), KIP-814 (9).
 *
 * Versions 0 to 9. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_JOIN_GROUP_H
#define PROTOCOL_MESSAGES_JOIN_GROUP_H

#include "protocol/schema.h"

struct kp_join_group_request_protocol {
    struct kp_string name;
    struct kp_bytes metadata;
};

struct kp_join_group_request {
    struct kp_string group_id;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;       /* 1+; -1: the session timeout */
    struct kp_string member_id;         /* empty: not known yet */
    struct kp_string group_instance_id; /* 5+; null: not a static member */
    struct kp_string protocol_type;
    KP_ARRAY_OF(struct kp_join_group_request_protocol)
    protocols;               /* in the order in which the member likes them */
    struct kp_string reason; /* 8+ */
};

struct kp_join_group_response_member {
    struct kp_string member_id;
    struct kp_string group_instance_id; /* 5+; null: not a static member */
    struct kp_bytes metadata;
};

struct kp_join_group_response {
    int32_t throttle_time_ms; /* 2+ */
    int16_t error_code;
    int32_t generation_id;
    struct kp_string protocol_type; /* 7+ */
    struct kp_string protocol_name; /* null from 7 on, before that empty: none */
    struct kp_string leader;        /* its member id */
    bool skip_assignment;           /* 9+; the leader need not assign */
    struct kp_string member_id;
    KP_ARRAY_OF(struct kp_join_group_response_member)
    members; /* for the leader; empty for others */
};

extern const struct kp_schema kp_join_group_request_protocol_schema;
extern const struct kp_schema kp_join_group_request_schema;
extern const struct kp_schema kp_join_group_response_member_schema;
extern const struct kp_schema kp_join_group_response_schema;

#endif
