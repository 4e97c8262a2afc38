/*
 * The fields of LeaveGroup, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages LeaveGroupRequest and LeaveGroupResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/leave_group.h"

static const struct kp_field request_member_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(3),
     KP_AT(kp_leave_group_request_member, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .null_fallback = true, KP_AT(kp_leave_group_request_member, group_instance_id)},
    {"reason", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5), .null_fallback = true,
     KP_AT(kp_leave_group_request_member, reason)},
};
const struct kp_schema kp_leave_group_request_member_schema = {
    KP_SCHEMA("member", kp_leave_group_request_member, request_member_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_leave_group_request, group_id)},
    {"memberId", KP_STRING, .versions = KP_RANGE(0, 2), KP_AT(kp_leave_group_request, member_id)},
    {"members", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(3),
     .item = &kp_leave_group_request_member_schema, KP_AT(kp_leave_group_request, members)},
};
const struct kp_schema kp_leave_group_request_schema = {
    KP_SCHEMA("LeaveGroupRequest", kp_leave_group_request, request_fields), .flexible_from = 4};

static const struct kp_field response_member_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(3),
     KP_AT(kp_leave_group_response_member, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     KP_AT(kp_leave_group_response_member, group_instance_id)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(3),
     KP_AT(kp_leave_group_response_member, error_code)},
};
const struct kp_schema kp_leave_group_response_member_schema = {
    KP_SCHEMA("member", kp_leave_group_response_member, response_member_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_leave_group_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_leave_group_response, error_code)},
    {"members", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(3),
     .item = &kp_leave_group_response_member_schema, KP_AT(kp_leave_group_response, members)},
};
const struct kp_schema kp_leave_group_response_schema = {
    KP_SCHEMA("LeaveGroupResponse", kp_leave_group_response, response_fields), .flexible_from = 4};
