/*
 * The fields of FindCoordinator, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages FindCoordinatorRequest and FindCoordinatorResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/find_coordinator.h"

static const struct kp_field request_fields[] = {
    {"key", KP_STRING, .versions = KP_RANGE(0, 3), KP_AT(kp_find_coordinator_request, key)},
    {"keyType", KP_INT8, .versions = KP_SINCE(1), KP_AT(kp_find_coordinator_request, key_type)},
    {"coordinatorKeys", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(4),
     KP_AT(kp_find_coordinator_request, coordinator_keys)},
};
const struct kp_schema kp_find_coordinator_request_schema = {
    KP_SCHEMA("FindCoordinatorRequest", kp_find_coordinator_request, request_fields),
    .flexible_from = 3};

static const struct kp_field response_coordinator_fields[] = {
    {"key", KP_STRING, .versions = KP_SINCE(4),
     KP_AT(kp_find_coordinator_response_coordinator, key)},
    {"nodeId", KP_INT32, .versions = KP_SINCE(4),
     KP_AT(kp_find_coordinator_response_coordinator, node_id)},
    {"host", KP_STRING, .versions = KP_SINCE(4),
     KP_AT(kp_find_coordinator_response_coordinator, host)},
    {"port", KP_INT32, .versions = KP_SINCE(4),
     KP_AT(kp_find_coordinator_response_coordinator, port)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(4),
     KP_AT(kp_find_coordinator_response_coordinator, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(4), .nullable = KP_SINCE(4),
     KP_AT(kp_find_coordinator_response_coordinator, error_message)},
};
const struct kp_schema kp_find_coordinator_response_coordinator_schema = {KP_SCHEMA(
    "coordinator", kp_find_coordinator_response_coordinator, response_coordinator_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_find_coordinator_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_RANGE(0, 3),
     KP_AT(kp_find_coordinator_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_RANGE(1, 3), .nullable = KP_RANGE(1, 3),
     KP_AT(kp_find_coordinator_response, error_message)},
    {"nodeId", KP_INT32, .versions = KP_RANGE(0, 3), KP_AT(kp_find_coordinator_response, node_id)},
    {"host", KP_STRING, .versions = KP_RANGE(0, 3), KP_AT(kp_find_coordinator_response, host)},
    {"port", KP_INT32, .versions = KP_RANGE(0, 3), KP_AT(kp_find_coordinator_response, port)},
    {"coordinators", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(4),
     .item = &kp_find_coordinator_response_coordinator_schema,
     KP_AT(kp_find_coordinator_response, coordinators)},
};
const struct kp_schema kp_find_coordinator_response_schema = {
    KP_SCHEMA("FindCoordinatorResponse", kp_find_coordinator_response, response_fields),
    .flexible_from = 3};
