/*
 * The fields of SyncGroup, version by version, as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages SyncGroupRequest and SyncGroupResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/sync_group.h"

static const struct kp_field request_assignment_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_sync_group_request_assignment, member_id)},
    {"assignment", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_sync_group_request_assignment, assignment)},
};
const struct kp_schema kp_sync_group_request_assignment_schema = {
    KP_SCHEMA("assignment", kp_sync_group_request_assignment, request_assignment_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_sync_group_request, group_id)},
    {"generationId", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_sync_group_request, generation_id)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_sync_group_request, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .null_fallback = true, KP_AT(kp_sync_group_request, group_instance_id)},
    {"protocolType", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_sync_group_request, protocol_type)},
    {"protocolName", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_sync_group_request, protocol_name)},
    {"assignments", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_sync_group_request_assignment_schema, KP_AT(kp_sync_group_request, assignments)},
};
const struct kp_schema kp_sync_group_request_schema = {
    KP_SCHEMA("SyncGroupRequest", kp_sync_group_request, request_fields), .flexible_from = 4};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_sync_group_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_sync_group_response, error_code)},
    {"protocolType", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_sync_group_response, protocol_type)},
    {"protocolName", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_sync_group_response, protocol_name)},
    {"assignment", KP_BYTES, .versions = KP_SINCE(0), KP_AT(kp_sync_group_response, assignment)},
};
const struct kp_schema kp_sync_group_response_schema = {
    KP_SCHEMA("SyncGroupResponse", kp_sync_group_response, response_fields), .flexible_from = 4};
