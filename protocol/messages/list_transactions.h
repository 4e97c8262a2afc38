/*
 * ListTransactions (key 66): the transactions of a coordinator. KIP-664, KIP-994 (1), KIP-1152 (2).
 *
 * Versions 0 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_LIST_TRANSACTIONS_H
#define PROTOCOL_MESSAGES_LIST_TRANSACTIONS_H

#include "protocol/schema.h"

struct kp_list_transactions_request {
    KP_ARRAY_OF(struct kp_string) state_filters; /* none: all */
    KP_ARRAY_OF(int64_t) producer_id_filters;    /* none: all */
    int64_t duration_filter;                     /* 1+; ms; those that are open longer; -1: all */
    struct kp_string transactional_id_pattern;   /* 2+; null: all */
};

struct kp_list_transactions_response_transaction {
    struct kp_string transactional_id;
    int64_t producer_id;
    struct kp_string transaction_state;
};

struct kp_list_transactions_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    KP_ARRAY_OF(struct kp_string) unknown_state_filters;
    KP_ARRAY_OF(struct kp_list_transactions_response_transaction) transaction_states;
};

extern const struct kp_schema kp_list_transactions_request_schema;
extern const struct kp_schema kp_list_transactions_response_transaction_schema;
extern const struct kp_schema kp_list_transactions_response_schema;

#endif
