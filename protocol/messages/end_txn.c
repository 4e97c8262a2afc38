/*
 * The fields of EndTxn, version by version, as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages EndTxnRequest and EndTxnResponse of the Kafka protocol. The golden
 * frames prove each row.
 */
#include "protocol/messages/end_txn.h"

static const struct kp_field request_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_end_txn_request, transactional_id)},
    {"producerId", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_end_txn_request, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_end_txn_request, producer_epoch)},
    {"committed", KP_BOOL, .versions = KP_SINCE(0), KP_AT(kp_end_txn_request, committed)},
};
const struct kp_schema kp_end_txn_request_schema = {
    KP_SCHEMA("EndTxnRequest", kp_end_txn_request, request_fields), .flexible_from = 3};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_end_txn_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_end_txn_response, error_code)},
    {"producerId", KP_INT64, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_end_txn_response, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_end_txn_response, producer_epoch)},
};
const struct kp_schema kp_end_txn_response_schema = {
    KP_SCHEMA("EndTxnResponse", kp_end_txn_response, response_fields), .flexible_from = 3};
