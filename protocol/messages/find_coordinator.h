/*
 * FindCoordinator (key 10): the broker of a group or transactional id. KIP-98 (1), KIP-699 (4: many
 * keys).
 *
 * Versions 0 to 4. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_FIND_COORDINATOR_H
#define PROTOCOL_MESSAGES_FIND_COORDINATOR_H

#include "protocol/schema.h"

struct kp_find_coordinator_request {
    struct kp_string key;                           /* up to 3 */
    int8_t key_type;                                /* 1+; 0 group, 1 transaction */
    KP_ARRAY_OF(struct kp_string) coordinator_keys; /* 4+ */
};

struct kp_find_coordinator_response_coordinator {
    struct kp_string key;
    int32_t node_id;
    struct kp_string host;
    int32_t port;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_find_coordinator_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    int32_t node_id;
    struct kp_string host;
    int32_t port;
    KP_ARRAY_OF(struct kp_find_coordinator_response_coordinator)
    coordinators; /* 4+; before: the fields above */
};

extern const struct kp_schema kp_find_coordinator_request_schema;
extern const struct kp_schema kp_find_coordinator_response_schema;
extern const struct kp_schema kp_find_coordinator_response_coordinator_schema;

#endif
