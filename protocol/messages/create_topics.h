/*
 * CreateTopics (key 19). KIP-4, KIP-464 (4: defaults for -1), KIP-525 (5: configuration in the
 * answer), KIP-516 (7).
 *
 * Versions 2 to 7. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_CREATE_TOPICS_H
#define PROTOCOL_MESSAGES_CREATE_TOPICS_H

#include "protocol/schema.h"

struct kp_create_topics_request_assignment {
    int32_t partition_index;
    KP_ARRAY_OF(int32_t) broker_ids;
};

struct kp_create_topics_request_config {
    struct kp_string name;
    struct kp_string value;
};

struct kp_create_topics_request_topic {
    struct kp_string name;
    int32_t num_partitions;     /* -1: default, or as assigned */
    int16_t replication_factor; /* -1: default, or as assigned */
    KP_ARRAY_OF(struct kp_create_topics_request_assignment)
    assignments; /* empty: the cluster places */
    KP_ARRAY_OF(struct kp_create_topics_request_config) configs;
    struct kp_uuid wanted_id; /* 5+; ours, not Kafka's: the id that the topic is to have, so that a
                                 repeated request is recognised; zero: any */
};

struct kp_create_topics_request {
    KP_ARRAY_OF(struct kp_create_topics_request_topic) topics;
    int32_t timeout_ms;
    bool validate_only; /* check, but create nothing */
};

struct kp_create_topics_response_config {
    struct kp_string name;
    struct kp_string value;
    bool read_only;
    int8_t config_source;
    bool is_sensitive;
};

struct kp_create_topics_response_topic {
    struct kp_string name;
    struct kp_uuid topic_id;
    int16_t error_code;
    struct kp_string error_message;
    int16_t topic_config_error_code; /* 5+, tagged: configs may not be shown */
    int32_t num_partitions;
    int16_t replication_factor;
    KP_ARRAY_OF(struct kp_create_topics_response_config) configs; /* 5+; null with an error */
};

struct kp_create_topics_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_create_topics_response_topic) topics;
};

extern const struct kp_schema kp_create_topics_request_schema;
extern const struct kp_schema kp_create_topics_request_topic_schema;
extern const struct kp_schema kp_create_topics_request_config_schema;
extern const struct kp_schema kp_create_topics_request_assignment_schema;
extern const struct kp_schema kp_create_topics_response_schema;
extern const struct kp_schema kp_create_topics_response_topic_schema;
extern const struct kp_schema kp_create_topics_response_config_schema;

#endif
