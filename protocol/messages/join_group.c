/*
 * The fields of JoinGroup, version by version, as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages JoinGroupRequest and JoinGroupResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/join_group.h"

static const struct kp_field request_protocol_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_join_group_request_protocol, name)},
    {"metadata", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_join_group_request_protocol, metadata)},
};
const struct kp_schema kp_join_group_request_protocol_schema = {
    KP_SCHEMA("protocol", kp_join_group_request_protocol, request_protocol_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_join_group_request, group_id)},
    {"sessionTimeoutMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_join_group_request, session_timeout_ms)},
    {"rebalanceTimeoutMs", KP_INT32, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_join_group_request, rebalance_timeout_ms)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_join_group_request, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_join_group_request, group_instance_id)},
    {"protocolType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_join_group_request, protocol_type)},
    {"protocols", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_join_group_request_protocol_schema, KP_AT(kp_join_group_request, protocols)},
    {"reason", KP_STRING, .versions = KP_SINCE(8), .nullable = KP_SINCE(8), .null_fallback = true,
     KP_AT(kp_join_group_request, reason)},
};
const struct kp_schema kp_join_group_request_schema = {
    KP_SCHEMA("JoinGroupRequest", kp_join_group_request, request_fields), .flexible_from = 6};

static const struct kp_field response_member_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_join_group_response_member, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_join_group_response_member, group_instance_id)},
    {"metadata", KP_BYTES, .versions = KP_SINCE(0), KP_AT(kp_join_group_response_member, metadata)},
};
const struct kp_schema kp_join_group_response_member_schema = {
    KP_SCHEMA("member", kp_join_group_response_member, response_member_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(2),
     KP_AT(kp_join_group_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_join_group_response, error_code)},
    {"generationId", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_join_group_response, generation_id)},
    {"protocolType", KP_STRING, .versions = KP_SINCE(7), .nullable = KP_SINCE(7),
     .null_fallback = true, KP_AT(kp_join_group_response, protocol_type)},
    {"protocolName", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(7),
     KP_AT(kp_join_group_response, protocol_name)},
    {"leader", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_join_group_response, leader)},
    {"skipAssignment", KP_BOOL, .versions = KP_SINCE(9),
     KP_AT(kp_join_group_response, skip_assignment)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_join_group_response, member_id)},
    {"members", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_join_group_response_member_schema, KP_AT(kp_join_group_response, members)},
};
const struct kp_schema kp_join_group_response_schema = {
    KP_SCHEMA("JoinGroupResponse", kp_join_group_response, response_fields), .flexible_from = 6};
