/*
 * ListOffsets (key 2): offsets by timestamp, and the ends of a partition. KIP-79 (1), KIP-98 (2),
 * KIP-320 (4), KIP-734 (7), KIP-405 (8), KIP-1005 (9), KIP-1075 (10), KIP-1023 (11).
 *
 * Versions 1 to 11. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_LIST_OFFSETS_H
#define PROTOCOL_MESSAGES_LIST_OFFSETS_H

#include "protocol/schema.h"

/* What a negative timestamp asks for. */
enum list_offsets_position {
    LIST_OFFSETS_LATEST = -1,
    LIST_OFFSETS_EARLIEST = -2,
    LIST_OFFSETS_MAX_TIMESTAMP = -3,  /* 7+ */
    LIST_OFFSETS_EARLIEST_LOCAL = -4, /* 8+: the first that is not only in tiered storage */
    LIST_OFFSETS_LATEST_TIERED = -5,  /* 9+ */
    LIST_OFFSETS_EARLIEST_PENDING_UPLOAD = -6, /* 11+ */
    LIST_OFFSETS_READ_COMMITTED = 1,           /* an isolation level */
};

struct kp_list_offsets_request_partition {
    int32_t partition_index;
    int32_t current_leader_epoch; /* 4+; -1: unknown */
    int64_t timestamp;            /* ms, or an enum list_offsets_position */
};

struct kp_list_offsets_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_list_offsets_request_partition) partitions;
};

struct kp_list_offsets_request {
    int32_t replica_id;     /* -1: a consumer */
    int8_t isolation_level; /* 2+; LIST_OFFSETS_READ_COMMITTED, or 0: uncommitted */
    KP_ARRAY_OF(struct kp_list_offsets_request_topic) topics;
    int32_t timeout_ms; /* 10+; for tiered storage */
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
