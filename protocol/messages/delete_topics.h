/*
 * DeleteTopics (key 20). KIP-4, KIP-599 (5: messages), KIP-516 (6: by topic id).
 *
 * Versions 1 to 6. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DELETE_TOPICS_H
#define PROTOCOL_MESSAGES_DELETE_TOPICS_H

#include "protocol/schema.h"

struct kp_delete_topics_request_topic {
    struct kp_string name; /* null: look at the id */
    struct kp_uuid topic_id;
};

struct kp_delete_topics_request {
    KP_ARRAY_OF(struct kp_delete_topics_request_topic) topics; /* 6+ */
    KP_ARRAY_OF(struct kp_string) topic_names;                 /* up to 5 */
    int32_t timeout_ms;
};

struct kp_delete_topics_response_topic {
    struct kp_string name; /* null (6): an unknown id */
    struct kp_uuid topic_id;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_delete_topics_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_delete_topics_response_topic) responses;
};

extern const struct kp_schema kp_delete_topics_request_schema;
extern const struct kp_schema kp_delete_topics_request_topic_schema;
extern const struct kp_schema kp_delete_topics_response_schema;
extern const struct kp_schema kp_delete_topics_response_topic_schema;

#endif
