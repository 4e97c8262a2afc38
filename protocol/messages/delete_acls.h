/*
 * DeleteAcls (key 31): rules of who may do what go, by filters. KIP-140, KIP-290 (1).
 *
 * Versions 1 to 3. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DELETE_ACLS_H
#define PROTOCOL_MESSAGES_DELETE_ACLS_H

#include "protocol/schema.h"

struct kp_delete_acls_request_filter {
    int8_t resource_type_filter;
    struct kp_string resource_name_filter; /* null: any */
    int8_t pattern_type_filter;
    struct kp_string principal_filter; /* null: any */
    struct kp_string host_filter;      /* null: any */
    int8_t operation;
    int8_t permission_type;
};

struct kp_delete_acls_request {
    KP_ARRAY_OF(struct kp_delete_acls_request_filter) filters;
};

struct kp_delete_acls_response_acl {
    int16_t error_code;
    struct kp_string error_message;
    int8_t resource_type;
    struct kp_string resource_name;
    int8_t pattern_type;
    struct kp_string principal;
    struct kp_string host;
    int8_t operation;
    int8_t permission_type;
};

struct kp_delete_acls_response_result {
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_delete_acls_response_acl) matching_acls;
};

struct kp_delete_acls_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_delete_acls_response_result) filter_results;
};

extern const struct kp_schema kp_delete_acls_request_schema;
extern const struct kp_schema kp_delete_acls_request_filter_schema;
extern const struct kp_schema kp_delete_acls_response_schema;
extern const struct kp_schema kp_delete_acls_response_result_schema;
extern const struct kp_schema kp_delete_acls_response_acl_schema;

#endif
