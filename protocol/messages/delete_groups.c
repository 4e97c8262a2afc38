/*
 * The fields of DeleteGroups, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DeleteGroupsRequest and DeleteGroupsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/delete_groups.h"

static const struct kp_field request_fields[] = {
    {"groupsNames", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_delete_groups_request, groups_names)},
};
const struct kp_schema kp_delete_groups_request_schema = {
    KP_SCHEMA("DeleteGroupsRequest", kp_delete_groups_request, request_fields), .flexible_from = 2};

static const struct kp_field response_result_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_delete_groups_response_result, group_id)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_delete_groups_response_result, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .null_fallback = true, KP_AT(kp_delete_groups_response_result, error_message)},
};
const struct kp_schema kp_delete_groups_response_result_schema = {
    KP_SCHEMA("result", kp_delete_groups_response_result, response_result_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_delete_groups_response, throttle_time_ms)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delete_groups_response_result_schema, KP_AT(kp_delete_groups_response, results)},
};
const struct kp_schema kp_delete_groups_response_schema = {
    KP_SCHEMA("DeleteGroupsResponse", kp_delete_groups_response, response_fields),
    .flexible_from = 2};
