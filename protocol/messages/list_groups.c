/*
 * The fields of ListGroups, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages ListGroupsRequest and ListGroupsResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/list_groups.h"

static const struct kp_field request_fields[] = {
    {"statesFilter", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(4),
     KP_AT(kp_list_groups_request, states_filter)},
    {"typesFilter", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(5),
     KP_AT(kp_list_groups_request, types_filter)},
};
const struct kp_schema kp_list_groups_request_schema = {
    KP_SCHEMA("ListGroupsRequest", kp_list_groups_request, request_fields), .flexible_from = 3};

static const struct kp_field response_group_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_list_groups_response_group, group_id)},
    {"protocolType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_groups_response_group, protocol_type)},
    {"groupState", KP_STRING, .versions = KP_SINCE(4),
     KP_AT(kp_list_groups_response_group, group_state)},
    {"groupType", KP_STRING, .versions = KP_SINCE(5),
     KP_AT(kp_list_groups_response_group, group_type)},
};
const struct kp_schema kp_list_groups_response_group_schema = {
    KP_SCHEMA("group", kp_list_groups_response_group, response_group_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_list_groups_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_list_groups_response, error_code)},
    {"groups", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_groups_response_group_schema, KP_AT(kp_list_groups_response, groups)},
};
const struct kp_schema kp_list_groups_response_schema = {
    KP_SCHEMA("ListGroupsResponse", kp_list_groups_response, response_fields), .flexible_from = 3};
