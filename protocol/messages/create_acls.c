/*
 * The fields of CreateAcls, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages CreateAclsRequest and CreateAclsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/create_acls.h"

static const struct kp_field request_creation_fields[] = {
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_create_acls_request_creation, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_create_acls_request_creation, resource_name)},
    {"resourcePatternType", KP_INT8, .versions = KP_SINCE(1), .fallback = 3,
     KP_AT(kp_create_acls_request_creation, resource_pattern_type)},
    {"principal", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_create_acls_request_creation, principal)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_create_acls_request_creation, host)},
    {"operation", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_create_acls_request_creation, operation)},
    {"permissionType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_create_acls_request_creation, permission_type)},
};
const struct kp_schema kp_create_acls_request_creation_schema = {
    KP_SCHEMA("creation", kp_create_acls_request_creation, request_creation_fields)};

static const struct kp_field request_fields[] = {
    {"creations", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_acls_request_creation_schema, KP_AT(kp_create_acls_request, creations)},
};
const struct kp_schema kp_create_acls_request_schema = {
    KP_SCHEMA("CreateAclsRequest", kp_create_acls_request, request_fields), .flexible_from = 2};

static const struct kp_field response_result_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_create_acls_response_result, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_create_acls_response_result, error_message)},
};
const struct kp_schema kp_create_acls_response_result_schema = {
    KP_SCHEMA("result", kp_create_acls_response_result, response_result_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_create_acls_response, throttle_time_ms)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_create_acls_response_result_schema, KP_AT(kp_create_acls_response, results)},
};
const struct kp_schema kp_create_acls_response_schema = {
    KP_SCHEMA("CreateAclsResponse", kp_create_acls_response, response_fields), .flexible_from = 2};
