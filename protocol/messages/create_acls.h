/*
 * CreateAcls (key 30): somebody may do something, or may not. KIP-140, KIP-290 (1).
 *
 * Versions 1 to 3. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_CREATE_ACLS_H
#define PROTOCOL_MESSAGES_CREATE_ACLS_H

#include "protocol/schema.h"

struct kp_create_acls_request_creation {
    int8_t resource_type;
    struct kp_string resource_name;
    int8_t resource_pattern_type;
    struct kp_string principal;
    struct kp_string host;
    int8_t operation;
    int8_t permission_type;
};

struct kp_create_acls_request {
    KP_ARRAY_OF(struct kp_create_acls_request_creation) creations;
};

struct kp_create_acls_response_result {
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_create_acls_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_create_acls_response_result) results;
};

extern const struct kp_schema kp_create_acls_request_schema;
extern const struct kp_schema kp_create_acls_request_creation_schema;
extern const struct kp_schema kp_create_acls_response_schema;
extern const struct kp_schema kp_create_acls_response_result_schema;

#endif
