/*
 * The fields of DescribeAcls, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DescribeAclsRequest and DescribeAclsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/describe_acls.h"

static const struct kp_field request_fields[] = {
    {"resourceTypeFilter", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_request, resource_type_filter)},
    {"resourceNameFilter", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_acls_request, resource_name_filter)},
    {"patternTypeFilter", KP_INT8, .versions = KP_SINCE(1), .fallback = 3,
     KP_AT(kp_describe_acls_request, pattern_type_filter)},
    {"principalFilter", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_acls_request, principal_filter)},
    {"hostFilter", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_acls_request, host_filter)},
    {"operation", KP_INT8, .versions = KP_SINCE(0), KP_AT(kp_describe_acls_request, operation)},
    {"permissionType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_request, permission_type)},
};
const struct kp_schema kp_describe_acls_request_schema = {
    KP_SCHEMA("DescribeAclsRequest", kp_describe_acls_request, request_fields), .flexible_from = 2};

static const struct kp_field response_acl_fields[] = {
    {"principal", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_response_acl, principal)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_describe_acls_response_acl, host)},
    {"operation", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_response_acl, operation)},
    {"permissionType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_response_acl, permission_type)},
};
const struct kp_schema kp_describe_acls_response_acl_schema = {
    KP_SCHEMA("acl", kp_describe_acls_response_acl, response_acl_fields)};

static const struct kp_field response_resource_fields[] = {
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_response_resource, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_response_resource, resource_name)},
    {"patternType", KP_INT8, .versions = KP_SINCE(1), .fallback = 3,
     KP_AT(kp_describe_acls_response_resource, pattern_type)},
    {"acls", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_acls_response_acl_schema,
     KP_AT(kp_describe_acls_response_resource, acls)},
};
const struct kp_schema kp_describe_acls_response_resource_schema = {
    KP_SCHEMA("resource", kp_describe_acls_response_resource, response_resource_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_acls_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_describe_acls_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_acls_response, error_message)},
    {"resources", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_acls_response_resource_schema,
     KP_AT(kp_describe_acls_response, resources)},
};
const struct kp_schema kp_describe_acls_response_schema = {
    KP_SCHEMA("DescribeAclsResponse", kp_describe_acls_response, response_fields),
    .flexible_from = 2};
