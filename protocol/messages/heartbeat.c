/*
 * The fields of Heartbeat, version by version, as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages HeartbeatRequest and HeartbeatResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/heartbeat.h"

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_heartbeat_request, group_id)},
    {"generationId", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_heartbeat_request, generation_id)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_heartbeat_request, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .null_fallback = true, KP_AT(kp_heartbeat_request, group_instance_id)},
};
const struct kp_schema kp_heartbeat_request_schema = {
    KP_SCHEMA("HeartbeatRequest", kp_heartbeat_request, request_fields), .flexible_from = 4};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_heartbeat_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_heartbeat_response, error_code)},
};
const struct kp_schema kp_heartbeat_response_schema = {
    KP_SCHEMA("HeartbeatResponse", kp_heartbeat_response, response_fields), .flexible_from = 4};
