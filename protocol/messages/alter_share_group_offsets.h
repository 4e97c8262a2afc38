/*
 * AlterShareGroupOffsets (key 91): a share group without members begins elsewhere. KIP-932.
 *
 * Version 0.
 */
#ifndef PROTOCOL_MESSAGES_ALTER_SHARE_GROUP_OFFSETS_H
#define PROTOCOL_MESSAGES_ALTER_SHARE_GROUP_OFFSETS_H

#include "protocol/schema.h"

struct kp_alter_share_group_offsets_request_partition {
    int32_t partition_index;
    int64_t start_offset;
};

struct kp_alter_share_group_offsets_request_topic {
    struct kp_string topic_name;
    KP_ARRAY_OF(struct kp_alter_share_group_offsets_request_partition) partitions;
};

struct kp_alter_share_group_offsets_request {
    struct kp_string group_id;
    KP_ARRAY_OF(struct kp_alter_share_group_offsets_request_topic) topics;
};

struct kp_alter_share_group_offsets_response_partition {
    int32_t partition_index;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_alter_share_group_offsets_response_topic {
    struct kp_string topic_name;
    struct kp_uuid topic_id;
    KP_ARRAY_OF(struct kp_alter_share_group_offsets_response_partition) partitions;
};

struct kp_alter_share_group_offsets_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_alter_share_group_offsets_response_topic) responses;
};

extern const struct kp_schema kp_alter_share_group_offsets_request_partition_schema;
extern const struct kp_schema kp_alter_share_group_offsets_request_topic_schema;
extern const struct kp_schema kp_alter_share_group_offsets_request_schema;
extern const struct kp_schema kp_alter_share_group_offsets_response_partition_schema;
extern const struct kp_schema kp_alter_share_group_offsets_response_topic_schema;
extern const struct kp_schema kp_alter_share_group_offsets_response_schema;

#endif
