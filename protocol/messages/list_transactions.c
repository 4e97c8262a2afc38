/*
 * The fields of ListTransactions, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages ListTransactionsRequest and ListTransactionsResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/list_transactions.h"

static const struct kp_field request_fields[] = {
    {"stateFilters", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_request, state_filters)},
    {"producerIdFilters", KP_ARRAY, .element = KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_request, producer_id_filters)},
    {"durationFilter", KP_INT64, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_list_transactions_request, duration_filter)},
    {"transactionalIdPattern", KP_STRING, .versions = KP_SINCE(2), .nullable = KP_SINCE(2),
     .null_fallback = true, KP_AT(kp_list_transactions_request, transactional_id_pattern)},
};
const struct kp_schema kp_list_transactions_request_schema = {
    KP_SCHEMA("ListTransactionsRequest", kp_list_transactions_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_transaction_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_response_transaction, transactional_id)},
    {"producerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_response_transaction, producer_id)},
    {"transactionState", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_response_transaction, transaction_state)},
};
const struct kp_schema kp_list_transactions_response_transaction_schema = {KP_SCHEMA(
    "transaction", kp_list_transactions_response_transaction, response_transaction_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_response, error_code)},
    {"unknownStateFilters", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_transactions_response, unknown_state_filters)},
    {"transactionStates", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_transactions_response_transaction_schema,
     KP_AT(kp_list_transactions_response, transaction_states)},
};
const struct kp_schema kp_list_transactions_response_schema = {
    KP_SCHEMA("ListTransactionsResponse", kp_list_transactions_response, response_fields),
    .flexible_from = 0};
