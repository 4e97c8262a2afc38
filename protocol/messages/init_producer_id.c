/*
 * The fields of InitProducerId, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages InitProducerIdRequest and InitProducerIdResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/init_producer_id.h"

static const struct kp_field request_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_init_producer_id_request, transactional_id)},
    {"transactionTimeoutMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_init_producer_id_request, transaction_timeout_ms)},
    {"producerId", KP_INT64, .versions = KP_SINCE(3), .fallback = -1,
     KP_AT(kp_init_producer_id_request, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(3), .fallback = -1,
     KP_AT(kp_init_producer_id_request, producer_epoch)},
};
const struct kp_schema kp_init_producer_id_request_schema = {
    KP_SCHEMA("InitProducerIdRequest", kp_init_producer_id_request, request_fields),
    .flexible_from = 2};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_init_producer_id_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_init_producer_id_response, error_code)},
    {"producerId", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_init_producer_id_response, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_init_producer_id_response, producer_epoch)},
};
const struct kp_schema kp_init_producer_id_response_schema = {
    KP_SCHEMA("InitProducerIdResponse", kp_init_producer_id_response, response_fields),
    .flexible_from = 2};
