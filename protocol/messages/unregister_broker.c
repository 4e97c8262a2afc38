/*
 * The fields of UnregisterBroker as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages UnregisterBrokerRequest and UnregisterBrokerResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/unregister_broker.h"

static const struct kp_field request_fields[] = {
    {"brokerId", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_unregister_broker_request, broker_id)},
};
const struct kp_schema kp_unregister_broker_request_schema = {
    KP_SCHEMA("UnregisterBrokerRequest", kp_unregister_broker_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_unregister_broker_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_unregister_broker_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_unregister_broker_response, error_message)},
};
const struct kp_schema kp_unregister_broker_response_schema = {
    KP_SCHEMA("UnregisterBrokerResponse", kp_unregister_broker_response, response_fields),
    .flexible_from = 0};
