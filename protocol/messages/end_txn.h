/*
 * EndTxn (key 26): a producer commits or aborts its transaction. KIP-98, KIP-588 (2), KIP-482 (3),
 * KIP-890 (4, 5).
 *
 * Versions 0 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_END_TXN_H
#define PROTOCOL_MESSAGES_END_TXN_H

#include "protocol/schema.h"

struct kp_end_txn_request {
    struct kp_string transactional_id;
    int64_t producer_id;
    int16_t producer_epoch;
    bool committed; /* false: abort */
};

struct kp_end_txn_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    int64_t producer_id; /* 5+: of the next transaction; -1: unknown */
    int16_t producer_epoch;
};

extern const struct kp_schema kp_end_txn_request_schema;
extern const struct kp_schema kp_end_txn_response_schema;

#endif
