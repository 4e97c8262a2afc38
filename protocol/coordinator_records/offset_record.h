/*
 * A committed offset as a record: types 0 (read only) and 1. Kafka's OffsetCommitKey,
 * OffsetCommitValue.
 *
 * Versions of the value 0 to 4: 1 when the client gave a retention (OffsetCommit 2 to 4), else 4;
 * Kafka before 4.1 writes 3. Type 0 has version 0 only.
 */
#ifndef PROTOCOL_COORDINATOR_RECORDS_OFFSET_RECORD_H
#define PROTOCOL_COORDINATOR_RECORDS_OFFSET_RECORD_H

#include "protocol/schema.h"

struct kp_offset_key {
    struct kp_string group, topic;
    int32_t partition;
};

struct kp_offset_value {
    int64_t offset;
    int32_t leader_epoch; /* 3+; -1: none */
    struct kp_string metadata;
    int64_t commit_time_ms;
    int64_t expire_time_ms;  /* 1 only; -1: none */
    struct kp_uuid topic_id; /* 4+, tagged; zero: none */
};

/* What version 1 is written for: it has no leader epoch and no topic id. */
enum { KP_OFFSET_VALUE_WITH_RETENTION = 1 };

extern const struct kp_schema kp_offset_key_schema;
extern const struct kp_schema kp_offset_value_schema;

#endif
