/*
 * The fields of SaslHandshake, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages SaslHandshakeRequest and SaslHandshakeResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/sasl_handshake.h"

static const struct kp_field request_fields[] = {
    {"mechanism", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_sasl_handshake_request, mechanism)},
};
const struct kp_schema kp_sasl_handshake_request_schema = {
    KP_SCHEMA("SaslHandshakeRequest", kp_sasl_handshake_request, request_fields),
    .flexible_from = INT8_MAX};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_sasl_handshake_response, error_code)},
    {"mechanisms", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_sasl_handshake_response, mechanisms)},
};
const struct kp_schema kp_sasl_handshake_response_schema = {
    KP_SCHEMA("SaslHandshakeResponse", kp_sasl_handshake_response, response_fields),
    .flexible_from = INT8_MAX};
