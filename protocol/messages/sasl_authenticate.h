/*
 * SaslAuthenticate (key 36): one token of a login, and what the broker says to it. KIP-152, KIP-368
 * (1).
 *
 * Versions 0 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_SASL_AUTHENTICATE_H
#define PROTOCOL_MESSAGES_SASL_AUTHENTICATE_H

#include "protocol/schema.h"

struct kp_sasl_authenticate_request {
    struct kp_bytes auth_bytes;
};

struct kp_sasl_authenticate_response {
    int16_t error_code;
    struct kp_string error_message;
    struct kp_bytes auth_bytes;
    int64_t session_lifetime_ms; /* 1+; 0: for as long as the connection */
};

extern const struct kp_schema kp_sasl_authenticate_request_schema;
extern const struct kp_schema kp_sasl_authenticate_response_schema;

#endif
