/*
 * Produce (key 0): record batches into partitions. KIP-98 (3), KIP-467 (8), KIP-482 (9),
 * KIP-951 (10), KIP-890 (11, 12), KIP-516 (13).
 *
 * Versions 3 to 13. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_PRODUCE_H
#define PROTOCOL_MESSAGES_PRODUCE_H

#include "protocol/messages/leader_hint.h"
#include "protocol/schema.h"

struct kp_produce_request_partition {
    int32_t index;
    struct kp_records records; /* one record batch (3+); points into the frame */
};

struct kp_produce_request_topic {
    struct kp_string name;   /* -12 */
    struct kp_uuid topic_id; /* 13+ */
    KP_ARRAY_OF(struct kp_produce_request_partition) partition_data;
};

struct kp_produce_request {
    struct kp_string transactional_id; /* null: no transaction */
    int16_t acks;                      /* -1 all, 1 leader, 0: no answer is sent */
    int32_t timeout_ms;                /* how long to wait for the acknowledgement */
    KP_ARRAY_OF(struct kp_produce_request_topic) topic_data;
};

struct kp_produce_response_record_error {
    int32_t batch_index;
    struct kp_string batch_index_error_message;
};

struct kp_produce_response_partition {
    int32_t index;
    int16_t error_code;
    int64_t base_offset;        /* of the first record; -1 with an error */
    int64_t log_append_time_ms; /* -1 unless the topic has LogAppendTime */
    int64_t log_start_offset;
    KP_ARRAY_OF(struct kp_produce_response_record_error)
    record_errors;                                /* 8+: records that made the batch be refused */
    struct kp_string error_message;               /* 8+ */
    struct kp_leader_id_and_epoch current_leader; /* 10+, tagged; see leader_hint.h */
};

struct kp_produce_response_topic {
    struct kp_string name;   /* -12 */
    struct kp_uuid topic_id; /* 13+ */
    KP_ARRAY_OF(struct kp_produce_response_partition) partition_responses;
};

struct kp_produce_response {
    KP_ARRAY_OF(struct kp_produce_response_topic) responses;
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_node_endpoint) node_endpoints; /* 10+, tagged: of current_leader */
};

extern const struct kp_schema kp_produce_request_schema;
extern const struct kp_schema kp_produce_request_topic_schema;
extern const struct kp_schema kp_produce_request_partition_schema;
extern const struct kp_schema kp_produce_response_schema;
extern const struct kp_schema kp_produce_response_topic_schema;
extern const struct kp_schema kp_produce_response_partition_schema;
extern const struct kp_schema kp_produce_response_record_error_schema;

#endif
