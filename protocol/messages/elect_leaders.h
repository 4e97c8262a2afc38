/*
 * ElectLeaders (key 43): leads go to the preferred replicas. KIP-183, KIP-460 (1).
 *
 * Versions 0 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_ELECT_LEADERS_H
#define PROTOCOL_MESSAGES_ELECT_LEADERS_H

#include "protocol/schema.h"

enum { ELECT_PREFERRED = 0, ELECT_UNCLEAN = 1 };

struct kp_elect_leaders_request_topic {
    struct kp_string topic;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_elect_leaders_request {
    int8_t election_type;                                                /* 1+ */
    KP_ARRAY_OF(struct kp_elect_leaders_request_topic) topic_partitions; /* null: all */
    int32_t timeout_ms;
};

struct kp_elect_leaders_response_partition {
    int32_t partition_id;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_elect_leaders_response_topic {
    struct kp_string topic;
    KP_ARRAY_OF(struct kp_elect_leaders_response_partition) partition_result;
};

struct kp_elect_leaders_response {
    int32_t throttle_time_ms;
    int16_t error_code; /* 1+ */
    KP_ARRAY_OF(struct kp_elect_leaders_response_topic) replica_election_results;
};

extern const struct kp_schema kp_elect_leaders_request_schema;
extern const struct kp_schema kp_elect_leaders_request_topic_schema;
extern const struct kp_schema kp_elect_leaders_response_schema;
extern const struct kp_schema kp_elect_leaders_response_topic_schema;
extern const struct kp_schema kp_elect_leaders_response_partition_schema;

#endif
