/*
 * The fields of DescribeGroups, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DescribeGroupsRequest and DescribeGroupsResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_groups.h"

static const struct kp_field request_fields[] = {
    {"groups", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_request, groups)},
    {"includeAuthorizedOperations", KP_BOOL, .versions = KP_SINCE(3),
     KP_AT(kp_describe_groups_request, include_authorized_operations)},
};
const struct kp_schema kp_describe_groups_request_schema = {
    KP_SCHEMA("DescribeGroupsRequest", kp_describe_groups_request, request_fields),
    .flexible_from = 5};

static const struct kp_field response_member_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_member, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(4), .nullable = KP_SINCE(4),
     .null_fallback = true, KP_AT(kp_describe_groups_response_member, group_instance_id)},
    {"clientId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_member, client_id)},
    {"clientHost", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_member, client_host)},
    {"memberMetadata", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_member, member_metadata)},
    {"memberAssignment", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_member, member_assignment)},
};
const struct kp_schema kp_describe_groups_response_member_schema = {
    KP_SCHEMA("member", kp_describe_groups_response_member, response_member_fields)};

static const struct kp_field response_group_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_group, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(6), .nullable = KP_SINCE(6),
     .null_fallback = true, KP_AT(kp_describe_groups_response_group, error_message)},
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_group, group_id)},
    {"groupState", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_group, group_state)},
    {"protocolType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_group, protocol_type)},
    {"protocolData", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_groups_response_group, protocol_data)},
    {"members", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_groups_response_member_schema,
     KP_AT(kp_describe_groups_response_group, members)},
    {"authorizedOperations", KP_INT32, .versions = KP_SINCE(3), .fallback = INT32_MIN,
     KP_AT(kp_describe_groups_response_group, authorized_operations)},
};
const struct kp_schema kp_describe_groups_response_group_schema = {
    KP_SCHEMA("group", kp_describe_groups_response_group, response_group_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_describe_groups_response, throttle_time_ms)},
    {"groups", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_groups_response_group_schema, KP_AT(kp_describe_groups_response, groups)},
};
const struct kp_schema kp_describe_groups_response_schema = {
    KP_SCHEMA("DescribeGroupsResponse", kp_describe_groups_response, response_fields),
    .flexible_from = 5};
