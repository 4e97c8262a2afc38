/*
 * Fetch (key 1): record batches out of partitions. KIP-98 (4), KIP-227 (7), KIP-320 (9), KIP-392
 * (11), KIP-482 and KIP-595 (12), KIP-516 (13), KIP-903 (15), KIP-951 (16), KIP-853 (17), KIP-1166
 * (18).
 *
 * Versions 4 to 18. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_FETCH_H
#define PROTOCOL_MESSAGES_FETCH_H

#include "protocol/messages/leader_hint.h"
#include "protocol/schema.h"

enum { FETCH_READ_COMMITTED = 1 }; /* an isolation level */

struct kp_fetch_request_partition {
    int32_t partition;
    int32_t current_leader_epoch; /* 9+: as the client knows it; -1: unknown */
    int64_t fetch_offset;
    int32_t last_fetched_epoch; /* 12+; -1: unknown */
    int64_t log_start_offset;   /* 5+: of a follower; -1 from consumers */
    int32_t partition_max_bytes;
    struct kp_uuid replica_directory_id; /* 17+, tagged; this and the next: of a follower */
    int64_t high_watermark;              /* 18+, tagged */
};

struct kp_fetch_request_topic {
    struct kp_string topic;  /* -12 */
    struct kp_uuid topic_id; /* 13+ */
    KP_ARRAY_OF(struct kp_fetch_request_partition) partitions;
};

struct kp_fetch_request_forgotten_topic {
    struct kp_string topic;  /* -12 */
    struct kp_uuid topic_id; /* 13+ */
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_fetch_request_replica_state {
    int32_t replica_id;
    int64_t replica_epoch;
};

struct kp_fetch_request {
    struct kp_string cluster_id;                         /* 12+, tagged: only replicas send it */
    int32_t replica_id;                                  /* -14; -1: a consumer */
    struct kp_fetch_request_replica_state replica_state; /* 15+, tagged */
    int32_t max_wait_ms;                                 /* how long to wait for min_bytes */
    int32_t min_bytes;
    int32_t max_bytes;
    int8_t isolation_level; /* FETCH_READ_COMMITTED, or 0: uncommitted */
    int32_t session_id;     /* 7+; 0: none */
    int32_t session_epoch;  /* 7+; -1: no session wanted, 0: a new one */
    KP_ARRAY_OF(struct kp_fetch_request_topic) topics;
    KP_ARRAY_OF(struct kp_fetch_request_forgotten_topic)
    forgotten_topics_data;    /* 7+: leave the session */
    struct kp_string rack_id; /* 11+: the consumer's rack; empty: unknown */
};

struct kp_fetch_response_epoch_end {
    int32_t epoch;
    int64_t end_offset;
};

struct kp_fetch_response_snapshot_id {
    int64_t end_offset;
    int32_t epoch;
};

struct kp_fetch_response_aborted_transaction {
    int64_t producer_id;
    int64_t first_offset;
};

struct kp_fetch_response_partition {
    int32_t partition_index;
    int16_t error_code;
    int64_t high_watermark;     /* -1 where it is not known */
    int64_t last_stable_offset; /* -1 where it is not known */
    int64_t log_start_offset;
    struct kp_fetch_response_epoch_end diverging_epoch; /* 12+, tagged: truncate to here */
    struct kp_leader_id_and_epoch current_leader;       /* 12+, tagged; see leader_hint.h */
    struct kp_fetch_response_snapshot_id snapshot_id;   /* 12+, tagged: for KRaft peers only */
    KP_ARRAY_OF(struct kp_fetch_response_aborted_transaction)
    aborted_transactions;           /* null with read uncommitted */
    int32_t preferred_read_replica; /* 11+; -1: the leader itself */
    struct kp_records records;      /* whole batches; slices are sent without a copy */
};

struct kp_fetch_response_topic {
    struct kp_string topic;  /* -12 */
    struct kp_uuid topic_id; /* 13+ */
    KP_ARRAY_OF(struct kp_fetch_response_partition) partitions;
};

struct kp_fetch_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    int32_t session_id; /* 0: no session */
    KP_ARRAY_OF(struct kp_fetch_response_topic) responses;
    KP_ARRAY_OF(struct kp_node_endpoint) node_endpoints; /* 16+, tagged: of current_leader */
};

extern const struct kp_schema kp_fetch_request_schema;
extern const struct kp_schema kp_fetch_request_replica_state_schema;
extern const struct kp_schema kp_fetch_request_forgotten_topic_schema;
extern const struct kp_schema kp_fetch_request_topic_schema;
extern const struct kp_schema kp_fetch_request_partition_schema;
extern const struct kp_schema kp_fetch_response_schema;
extern const struct kp_schema kp_fetch_response_topic_schema;
extern const struct kp_schema kp_fetch_response_partition_schema;
extern const struct kp_schema kp_fetch_response_aborted_transaction_schema;
extern const struct kp_schema kp_fetch_response_snapshot_id_schema;
extern const struct kp_schema kp_fetch_response_epoch_end_schema;

#endif
