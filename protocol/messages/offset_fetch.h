/*
 * OffsetFetch (key 9): where a group goes on reading. KIP-320 (5), KIP-447 (7), KIP-709 (8: many
 * groups), KIP-848 (9), KIP-516 (10: ids instead of names).
 *
 * Both forms of the request, one group (up to 7) and many, have the same topics.
 *
 * Versions 1 to 10. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_OFFSET_FETCH_H
#define PROTOCOL_MESSAGES_OFFSET_FETCH_H

#include "protocol/schema.h"

struct kp_offset_fetch_request_topic {
    struct kp_string name;   /* up to 9 */
    struct kp_uuid topic_id; /* 10+ */
    KP_ARRAY_OF(int32_t) partition_indexes;
};

struct kp_offset_fetch_request_group {
    struct kp_string group_id;                                /* 8+ */
    struct kp_string member_id;                               /* 9+; null: not a member */
    int32_t member_epoch;                                     /* 9+; -1: not checked */
    KP_ARRAY_OF(struct kp_offset_fetch_request_topic) topics; /* 8+; null: all */
};

struct kp_offset_fetch_request {
    struct kp_string group_id;                                /* up to 7 */
    KP_ARRAY_OF(struct kp_offset_fetch_request_topic) topics; /* up to 7; null (2+): all */
    KP_ARRAY_OF(struct kp_offset_fetch_request_group) groups; /* 8+ */
    bool require_stable;                                      /* 7+; not below open transactions */
};

struct kp_offset_fetch_response_partition {
    int32_t partition_index;
    int64_t committed_offset;       /* -1: none */
    int32_t committed_leader_epoch; /* 5+; -1: unknown */
    struct kp_string metadata;
    int16_t error_code;
};

struct kp_offset_fetch_response_topic {
    struct kp_string name;   /* up to 9 */
    struct kp_uuid topic_id; /* 10+ */
    KP_ARRAY_OF(struct kp_offset_fetch_response_partition) partitions;
};

struct kp_offset_fetch_response_group {
    struct kp_string group_id;                                 /* 8+ */
    KP_ARRAY_OF(struct kp_offset_fetch_response_topic) topics; /* 8+ */
    int16_t error_code;                                        /* 8+ */
};

struct kp_offset_fetch_response {
    int32_t throttle_time_ms;                                  /* 3+ */
    KP_ARRAY_OF(struct kp_offset_fetch_response_topic) topics; /* up to 7 */
    int16_t error_code;                                        /* 2 to 7 */
    KP_ARRAY_OF(struct kp_offset_fetch_response_group) groups; /* 8+ */
};

extern const struct kp_schema kp_offset_fetch_request_topic_schema;
extern const struct kp_schema kp_offset_fetch_request_group_schema;
extern const struct kp_schema kp_offset_fetch_request_schema;
extern const struct kp_schema kp_offset_fetch_response_partition_schema;
extern const struct kp_schema kp_offset_fetch_response_topic_schema;
extern const struct kp_schema kp_offset_fetch_response_group_schema;
extern const struct kp_schema kp_offset_fetch_response_schema;

#endif
