/*
 * DeleteShareGroupOffsets (key 92): a share group without members forgets topics. KIP-932.
 *
 * Version 0.
 */
#ifndef PROTOCOL_MESSAGES_DELETE_SHARE_GROUP_OFFSETS_H
#define PROTOCOL_MESSAGES_DELETE_SHARE_GROUP_OFFSETS_H

#include "protocol/schema.h"

struct kp_delete_share_group_offsets_request_topic {
    struct kp_string topic_name;
};

struct kp_delete_share_group_offsets_request {
    struct kp_string group_id;
    KP_ARRAY_OF(struct kp_delete_share_group_offsets_request_topic) topics;
};

struct kp_delete_share_group_offsets_response_topic {
    struct kp_string topic_name;
    struct kp_uuid topic_id;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_delete_share_group_offsets_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_delete_share_group_offsets_response_topic) responses;
};

extern const struct kp_schema kp_delete_share_group_offsets_request_topic_schema;
extern const struct kp_schema kp_delete_share_group_offsets_request_schema;
extern const struct kp_schema kp_delete_share_group_offsets_response_topic_schema;
extern const struct kp_schema kp_delete_share_group_offsets_response_schema;

#endif
