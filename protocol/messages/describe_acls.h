/*
 * DescribeAcls (key 29): who may do what. KIP-140, KIP-290 (1), KIP-373 (3: users are resources).
 *
 * Versions 1 to 3. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_ACLS_H
#define PROTOCOL_MESSAGES_DESCRIBE_ACLS_H

#include "protocol/schema.h"

struct kp_describe_acls_request {
    int8_t resource_type_filter;
    struct kp_string resource_name_filter; /* null: any */
    int8_t pattern_type_filter;
    struct kp_string principal_filter; /* null: any */
    struct kp_string host_filter;      /* null: any */
    int8_t operation;
    int8_t permission_type;
};

struct kp_describe_acls_response_acl {
    struct kp_string principal;
    struct kp_string host;
    int8_t operation;
    int8_t permission_type;
};

struct kp_describe_acls_response_resource {
    int8_t resource_type;
    struct kp_string resource_name;
    int8_t pattern_type;
    KP_ARRAY_OF(struct kp_describe_acls_response_acl) acls;
};

struct kp_describe_acls_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_describe_acls_response_resource) resources;
};

extern const struct kp_schema kp_describe_acls_request_schema;
extern const struct kp_schema kp_describe_acls_response_acl_schema;
extern const struct kp_schema kp_describe_acls_response_resource_schema;
extern const struct kp_schema kp_describe_acls_response_schema;

#endif
