/*
 * CreatePartitions (key 37): more partitions for a topic. KIP-195.
 *
 * Versions 0 to 3. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_CREATE_PARTITIONS_H
#define PROTOCOL_MESSAGES_CREATE_PARTITIONS_H

#include "protocol/schema.h"

struct kp_create_partitions_request_assignment {
    KP_ARRAY_OF(int32_t) broker_ids;
};

struct kp_create_partitions_request_topic {
    struct kp_string name;
    int32_t count; /* partitions in all, afterwards */
    KP_ARRAY_OF(struct kp_create_partitions_request_assignment)
    assignments; /* null: the cluster places */
};

struct kp_create_partitions_request {
    KP_ARRAY_OF(struct kp_create_partitions_request_topic) topics;
    int32_t timeout_ms;
    bool validate_only;
};

struct kp_create_partitions_response_topic {
    struct kp_string name;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_create_partitions_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_create_partitions_response_topic) results;
};

extern const struct kp_schema kp_create_partitions_request_schema;
extern const struct kp_schema kp_create_partitions_request_topic_schema;
extern const struct kp_schema kp_create_partitions_request_assignment_schema;
extern const struct kp_schema kp_create_partitions_response_schema;
extern const struct kp_schema kp_create_partitions_response_topic_schema;

#endif
