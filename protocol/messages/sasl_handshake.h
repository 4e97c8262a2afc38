/*
 * SaslHandshake (key 17): by which mechanism the client logs in. KIP-43, KIP-152 (1).
 *
 * Versions 0 and 1. Behind version 0 tokens travel as frames without a header; behind version 1 in
 * SaslAuthenticate. Never flexible.
 */
#ifndef PROTOCOL_MESSAGES_SASL_HANDSHAKE_H
#define PROTOCOL_MESSAGES_SASL_HANDSHAKE_H

#include "protocol/schema.h"

struct kp_sasl_handshake_request {
    struct kp_string mechanism;
};

struct kp_sasl_handshake_response {
    int16_t error_code;
    KP_ARRAY_OF(struct kp_string) mechanisms; /* that are on */
};

extern const struct kp_schema kp_sasl_handshake_request_schema;
extern const struct kp_schema kp_sasl_handshake_response_schema;

#endif
