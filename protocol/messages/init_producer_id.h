/*
 * InitProducerId (key 22): an identity for an idempotent producer. KIP-98, KIP-360 (3), KIP-588
 * (4), KIP-890 (5).
 *
 * Versions 0 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_INIT_PRODUCER_ID_H
#define PROTOCOL_MESSAGES_INIT_PRODUCER_ID_H

#include "protocol/schema.h"

struct kp_init_producer_id_request {
    struct kp_string transactional_id; /* null: idempotence only */
    int32_t transaction_timeout_ms;
    int64_t producer_id; /* 3+; -1: a new one */
    int16_t producer_epoch;
};

struct kp_init_producer_id_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    int64_t producer_id;
    int16_t producer_epoch;
};

extern const struct kp_schema kp_init_producer_id_request_schema;
extern const struct kp_schema kp_init_producer_id_response_schema;

#endif
