/*
 * DescribeShareGroupOffsets (key 90): where share groups begin to read, and how much is before
 * them. KIP-932, KIP-1226 (1).
 *
 * Versions 0 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_SHARE_GROUP_OFFSETS_H
#define PROTOCOL_MESSAGES_DESCRIBE_SHARE_GROUP_OFFSETS_H

#include "protocol/schema.h"

struct kp_describe_share_group_offsets_request_topic {
    struct kp_string topic_name;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_describe_share_group_offsets_request_group {
    struct kp_string group_id;
    KP_ARRAY_OF(struct kp_describe_share_group_offsets_request_topic)
    topics; /* null: all that there is */
};

struct kp_describe_share_group_offsets_request {
    KP_ARRAY_OF(struct kp_describe_share_group_offsets_request_group) groups;
};

struct kp_describe_share_group_offsets_response_partition {
    int32_t partition_index;
    int64_t start_offset;
    int32_t leader_epoch;
    int64_t lag; /* 1 */
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_describe_share_group_offsets_response_topic {
    struct kp_string topic_name;
    struct kp_uuid topic_id;
    KP_ARRAY_OF(struct kp_describe_share_group_offsets_response_partition) partitions;
};

struct kp_describe_share_group_offsets_response_group {
    struct kp_string group_id;
    KP_ARRAY_OF(struct kp_describe_share_group_offsets_response_topic) topics;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_describe_share_group_offsets_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_describe_share_group_offsets_response_group) groups;
};

extern const struct kp_schema kp_describe_share_group_offsets_request_topic_schema;
extern const struct kp_schema kp_describe_share_group_offsets_request_group_schema;
extern const struct kp_schema kp_describe_share_group_offsets_request_schema;
extern const struct kp_schema kp_describe_share_group_offsets_response_partition_schema;
extern const struct kp_schema kp_describe_share_group_offsets_response_topic_schema;
extern const struct kp_schema kp_describe_share_group_offsets_response_group_schema;
extern const struct kp_schema kp_describe_share_group_offsets_response_schema;

#endif
