/*
 * ListOffsets (key 2): offsets by timestamp, and the ends of a partition. KIP-79 (1), KIP-98 (2),
 * KIP-320 (4), KIP-734 (7).
 *
 * Versions 1 to 7. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_LIST_OFFSETS_H
#define PROTOCOL_MESSAGES_LIST_OFFSETS_H

#include "protocol/schema.h"

struct kp_list_offsets_request_partition {
    int32_t partition_index;
    int32_t current_leader_epoch; /* 4+; -1: unknown */
    int64_t timestamp;            /* ms; -1 latest, -2 earliest, -3 max timestamp (7+) */
};

struct kp_list_offsets_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_list_offsets_request_partition) partitions;
};

struct kp_list_offsets_request {
    int32_t replica_id;     /* -1: a consumer */
    int8_t isolation_level; /* 2+; 0 read uncommitted, 1 read committed */
    KP_ARRAY_OF(struct kp_list_offsets_request_topic) topics;
};

struct kp_list_offsets_response_partition {
    int32_t partition_index;
    int16_t error_code;
    int64_t timestamp;    /* of the record found; -1: none */
    int64_t offset;       /* -1: none */
    int32_t leader_epoch; /* 4+; -1: unknown */
};

struct kp_list_offsets_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_list_offsets_response_partition) partitions;
};

struct kp_list_offsets_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_list_offsets_response_topic) topics;
};

extern const struct kp_schema kp_list_offsets_request_schema;
extern const struct kp_schema kp_list_offsets_request_topic_schema;
extern const struct kp_schema kp_list_offsets_request_partition_schema;
extern const struct kp_schema kp_list_offsets_response_schema;
extern const struct kp_schema kp_list_offsets_response_topic_schema;
extern const struct kp_schema kp_list_offsets_response_partition_schema;

#endif
