/*
 * DeleteRecords (key 21): what lies before an offset is not served any more. KIP-107.
 *
 * Versions 0 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DELETE_RECORDS_H
#define PROTOCOL_MESSAGES_DELETE_RECORDS_H

#include "protocol/schema.h"

struct kp_delete_records_request_partition {
    int32_t partition_index;
    int64_t offset; /* -1: the high watermark */
};

struct kp_delete_records_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_delete_records_request_partition) partitions;
};

struct kp_delete_records_request {
    KP_ARRAY_OF(struct kp_delete_records_request_topic) topics;
    int32_t timeout_ms;
};

struct kp_delete_records_response_partition {
    int32_t partition_index;
    int64_t low_watermark; /* where the log starts; -1 with an error */
    int16_t error_code;
};

struct kp_delete_records_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_delete_records_response_partition) partitions;
};

struct kp_delete_records_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_delete_records_response_topic) topics;
};

extern const struct kp_schema kp_delete_records_request_schema;
extern const struct kp_schema kp_delete_records_request_topic_schema;
extern const struct kp_schema kp_delete_records_request_partition_schema;
extern const struct kp_schema kp_delete_records_response_schema;
extern const struct kp_schema kp_delete_records_response_topic_schema;
extern const struct kp_schema kp_delete_records_response_partition_schema;

#endif
