/*
 * OffsetDelete (key 47): offsets of a group go. KIP-496.
 *
 * Version 0.
 */
#ifndef PROTOCOL_MESSAGES_OFFSET_DELETE_H
#define PROTOCOL_MESSAGES_OFFSET_DELETE_H

#include "protocol/schema.h"

struct kp_offset_delete_request_partition {
    int32_t partition_index;
};

struct kp_offset_delete_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_offset_delete_request_partition) partitions;
};

struct kp_offset_delete_request {
    struct kp_string group_id;
    KP_ARRAY_OF(struct kp_offset_delete_request_topic) topics;
};

struct kp_offset_delete_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct kp_offset_delete_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_offset_delete_response_partition) partitions;
};

struct kp_offset_delete_response {
    int16_t error_code;
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_offset_delete_response_topic) topics;
};

extern const struct kp_schema kp_offset_delete_request_partition_schema;
extern const struct kp_schema kp_offset_delete_request_topic_schema;
extern const struct kp_schema kp_offset_delete_request_schema;
extern const struct kp_schema kp_offset_delete_response_partition_schema;
extern const struct kp_schema kp_offset_delete_response_topic_schema;
extern const struct kp_schema kp_offset_delete_response_schema;

#endif
