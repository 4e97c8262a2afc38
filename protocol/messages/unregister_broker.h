/*
 * UnregisterBroker (key 64): a broker that is gone for good is listed no more. KIP-500.
 *
 * Version 0.
 */
#ifndef PROTOCOL_MESSAGES_UNREGISTER_BROKER_H
#define PROTOCOL_MESSAGES_UNREGISTER_BROKER_H

#include "protocol/schema.h"

struct kp_unregister_broker_request {
    int32_t broker_id;
};

struct kp_unregister_broker_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
};

extern const struct kp_schema kp_unregister_broker_request_schema;
extern const struct kp_schema kp_unregister_broker_response_schema;

#endif
