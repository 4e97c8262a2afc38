/*
 * ShareGroupDescribe (key 77): the members of share groups, and what each is to fetch. KIP-932.
 *
 * Versions 1 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_SHARE_GROUP_DESCRIBE_H
#define PROTOCOL_MESSAGES_SHARE_GROUP_DESCRIBE_H

#include "protocol/schema.h"

struct kp_share_group_describe_request {
    KP_ARRAY_OF(struct kp_string) group_ids;
    bool include_authorized_operations;
};

struct kp_share_group_describe_response_topic_partitions {
    struct kp_uuid topic_id;
    struct kp_string topic_name;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_share_group_describe_response_assignment {
    KP_ARRAY_OF(struct kp_share_group_describe_response_topic_partitions) topic_partitions;
};

struct kp_share_group_describe_response_member {
    struct kp_string member_id;
    struct kp_string rack_id;
    int32_t member_epoch;
    struct kp_string client_id;
    struct kp_string client_host;
    KP_ARRAY_OF(struct kp_string) subscribed_topic_names;
    struct kp_share_group_describe_response_assignment assignment;
};

struct kp_share_group_describe_response_group {
    int16_t error_code;
    struct kp_string error_message;
    struct kp_string group_id;
    struct kp_string group_state;
    int32_t group_epoch;
    int32_t assignment_epoch;
    struct kp_string assignor_name;
    KP_ARRAY_OF(struct kp_share_group_describe_response_member) members;
    int32_t authorized_operations;
};

struct kp_share_group_describe_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_share_group_describe_response_group) groups;
};

extern const struct kp_schema kp_share_group_describe_request_schema;
extern const struct kp_schema kp_share_group_describe_response_topic_partitions_schema;
extern const struct kp_schema kp_share_group_describe_response_assignment_schema;
extern const struct kp_schema kp_share_group_describe_response_member_schema;
extern const struct kp_schema kp_share_group_describe_response_group_schema;
extern const struct kp_schema kp_share_group_describe_response_schema;

#endif
