/*
 * OffsetCommit (key 8): where a group goes on reading. KIP-211 (5), KIP-320 (6), KIP-345 (7),
 * KIP-848 (9), KIP-516 (10: ids instead of names).
 *
 * Versions 2 to 10. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_OFFSET_COMMIT_H
#define PROTOCOL_MESSAGES_OFFSET_COMMIT_H

#include "protocol/schema.h"

struct kp_offset_commit_request_partition {
    int32_t partition_index;
    int64_t committed_offset;
    int32_t committed_leader_epoch; /* 6+; -1: unknown */
    struct kp_string committed_metadata;
};

struct kp_offset_commit_request_topic {
    struct kp_string name;   /* up to 9 */
    struct kp_uuid topic_id; /* 10+ */
    KP_ARRAY_OF(struct kp_offset_commit_request_partition) partitions;
};

struct kp_offset_commit_request {
    struct kp_string group_id;
    int32_t generation_id_or_member_epoch; /* -1: not a member */
    struct kp_string member_id;
    struct kp_string group_instance_id; /* 7+; null: not a static member */
    int64_t retention_time_ms;          /* up to 4; -1: the broker's */
    KP_ARRAY_OF(struct kp_offset_commit_request_topic) topics;
};

struct kp_offset_commit_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct kp_offset_commit_response_topic {
    struct kp_string name;   /* up to 9 */
    struct kp_uuid topic_id; /* 10+ */
    KP_ARRAY_OF(struct kp_offset_commit_response_partition) partitions;
};

struct kp_offset_commit_response {
    int32_t throttle_time_ms; /* 3+ */
    KP_ARRAY_OF(struct kp_offset_commit_response_topic) topics;
};

extern const struct kp_schema kp_offset_commit_request_partition_schema;
extern const struct kp_schema kp_offset_commit_request_topic_schema;
extern const struct kp_schema kp_offset_commit_request_schema;
extern const struct kp_schema kp_offset_commit_response_partition_schema;
extern const struct kp_schema kp_offset_commit_response_topic_schema;
extern const struct kp_schema kp_offset_commit_response_schema;

#endif
