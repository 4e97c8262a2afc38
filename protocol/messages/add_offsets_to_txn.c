/*
 * The fields of AddOffsetsToTxn, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages AddOffsetsToTxnRequest and AddOffsetsToTxnResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/add_offsets_to_txn.h"

static const struct kp_field request_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_add_offsets_to_txn_request, transactional_id)},
    {"producerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_add_offsets_to_txn_request, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_add_offsets_to_txn_request, producer_epoch)},
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_add_offsets_to_txn_request, group_id)},
};
const struct kp_schema kp_add_offsets_to_txn_request_schema = {
    KP_SCHEMA("AddOffsetsToTxnRequest", kp_add_offsets_to_txn_request, request_fields),
    .flexible_from = 3};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_add_offsets_to_txn_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_add_offsets_to_txn_response, error_code)},
};
const struct kp_schema kp_add_offsets_to_txn_response_schema = {
    KP_SCHEMA("AddOffsetsToTxnResponse", kp_add_offsets_to_txn_response, response_fields),
    .flexible_from = 3};
