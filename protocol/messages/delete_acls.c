/*
 * The fields of DeleteAcls, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DeleteAclsRequest and DeleteAclsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/delete_acls.h"

static const struct kp_field request_filter_fields[] = {
    {"resourceTypeFilter", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_request_filter, resource_type_filter)},
    {"resourceNameFilter", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_delete_acls_request_filter, resource_name_filter)},
    {"patternTypeFilter", KP_INT8, .versions = KP_SINCE(1), .fallback = 3,
     KP_AT(kp_delete_acls_request_filter, pattern_type_filter)},
    {"principalFilter", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_delete_acls_request_filter, principal_filter)},
    {"hostFilter", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_delete_acls_request_filter, host_filter)},
    {"operation", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_request_filter, operation)},
    {"permissionType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_request_filter, permission_type)},
};
const struct kp_schema kp_delete_acls_request_filter_schema = {
    KP_SCHEMA("filter", kp_delete_acls_request_filter, request_filter_fields)};

static const struct kp_field request_fields[] = {
    {"filters", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_acls_request_filter_schema, KP_AT(kp_delete_acls_request, filters)},
};
const struct kp_schema kp_delete_acls_request_schema = {
    KP_SCHEMA("DeleteAclsRequest", kp_delete_acls_request, request_fields), .flexible_from = 2};

static const struct kp_field response_acl_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_acl, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_acl, error_message)},
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_acl, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_acl, resource_name)},
    {"patternType", KP_INT8, .versions = KP_SINCE(1), .fallback = 3,
     KP_AT(kp_delete_acls_response_acl, pattern_type)},
    {"principal", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_acl, principal)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_delete_acls_response_acl, host)},
    {"operation", KP_INT8, .versions = KP_SINCE(0), KP_AT(kp_delete_acls_response_acl, operation)},
    {"permissionType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_acl, permission_type)},
};
const struct kp_schema kp_delete_acls_response_acl_schema = {
    KP_SCHEMA("acl", kp_delete_acls_response_acl, response_acl_fields)};

static const struct kp_field response_result_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_result, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_delete_acls_response_result, error_message)},
    {"matchingAcls", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_acls_response_acl_schema,
     KP_AT(kp_delete_acls_response_result, matching_acls)},
};
const struct kp_schema kp_delete_acls_response_result_schema = {
    KP_SCHEMA("result", kp_delete_acls_response_result, response_result_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_delete_acls_response, throttle_time_ms)},
    {"filterResults", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_acls_response_result_schema,
     KP_AT(kp_delete_acls_response, filter_results)},
};
const struct kp_schema kp_delete_acls_response_schema = {
    KP_SCHEMA("DeleteAclsResponse", kp_delete_acls_response, response_fields), .flexible_from = 2};
