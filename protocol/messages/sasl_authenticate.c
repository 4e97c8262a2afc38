/*
 * The fields of SaslAuthenticate, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages SaslAuthenticateRequest and SaslAuthenticateResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/sasl_authenticate.h"

static const struct kp_field request_fields[] = {
    {"authBytes", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_sasl_authenticate_request, auth_bytes)},
};
const struct kp_schema kp_sasl_authenticate_request_schema = {
    KP_SCHEMA("SaslAuthenticateRequest", kp_sasl_authenticate_request, request_fields),
    .flexible_from = 2};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_sasl_authenticate_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_sasl_authenticate_response, error_message)},
    {"authBytes", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_sasl_authenticate_response, auth_bytes)},
    {"sessionLifetimeMs", KP_INT64, .versions = KP_SINCE(1),
     KP_AT(kp_sasl_authenticate_response, session_lifetime_ms)},
};
const struct kp_schema kp_sasl_authenticate_response_schema = {
    KP_SCHEMA("SaslAuthenticateResponse", kp_sasl_authenticate_response, response_fields),
    .flexible_from = 2};
