/*
 * AddOffsetsToTxn (key 25): offsets of a consumer group are to be committed by a producer's
 * transaction. KIP-98, KIP-588 (2), KIP-482 (3), KIP-890 (4).
 *
 * Versions 0 to 4. Numbers in comments are versions.
 */
#ifndef PROTOCOL_MESSAGES_ADD_OFFSETS_TO_TXN_H
#define PROTOCOL_MESSAGES_ADD_OFFSETS_TO_TXN_H

#include "protocol/schema.h"

struct kp_add_offsets_to_txn_request {
    struct kp_string transactional_id;
    int64_t producer_id;
    int16_t producer_epoch;
    struct kp_string group_id;
};

struct kp_add_offsets_to_txn_response {
    int32_t throttle_time_ms;
    int16_t error_code;
};

extern const struct kp_schema kp_add_offsets_to_txn_request_schema;
extern const struct kp_schema kp_add_offsets_to_txn_response_schema;

#endif
