/*
 * The fields of a transactional id, version by version, as tables; protocol/schema.h says how they
 * are read. The golden records prove each row.
 */
#include "protocol/coordinator_records/transaction_record.h"

#include "base/error.h"

static const struct kp_field key_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_transaction_key, transactional_id)},
};
const struct kp_schema kp_transaction_key_schema = {
    KP_SCHEMA("TransactionLogKey", kp_transaction_key, key_fields), .flexible_from = INT8_MAX};

static const struct kp_field partitions_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_transaction_partitions, topic)},
    {"partitionIds", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_transaction_partitions, partitions)},
};
const struct kp_schema kp_transaction_partitions_schema = {
    KP_SCHEMA("PartitionsSchema", kp_transaction_partitions, partitions_fields)};

static const struct kp_field value_fields[] = {
    {"producerId", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_transaction_value, producer_id)},
    {"previousProducerId", KP_INT64, .versions = KP_SINCE(1), .tagged = KP_SINCE(1), .tag = 0,
     .fallback = -1, KP_AT(kp_transaction_value, previous_producer_id)},
    {"nextProducerId", KP_INT64, .versions = KP_SINCE(1), .tagged = KP_SINCE(1), .tag = 1,
     .fallback = -1, KP_AT(kp_transaction_value, next_producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_transaction_value, producer_epoch)},
    {"transactionTimeoutMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_transaction_value, timeout_ms)},
    {"transactionStatus", KP_INT8, .versions = KP_SINCE(0), KP_AT(kp_transaction_value, status)},
    {"transactionPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .item = &kp_transaction_partitions_schema,
     KP_AT(kp_transaction_value, topics)},
    {"transactionLastUpdateTimestampMs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_transaction_value, last_update_ms)},
    {"transactionStartTimestampMs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_transaction_value, start_ms)},
    {"clientTransactionVersion", KP_INT16, .versions = KP_SINCE(1), .tagged = KP_SINCE(1), .tag = 2,
     KP_AT(kp_transaction_value, client_transaction_version)},
    {"lastProducerEpoch", KP_INT16, .versions = KP_SINCE(1), .tagged = KP_SINCE(1),
     .tag = KP_PRIVATE_TAG, .fallback = -1, KP_AT(kp_transaction_value, last_producer_epoch)},
};
const struct kp_schema kp_transaction_value_schema = {
    KP_SCHEMA("TransactionLogValue", kp_transaction_value, value_fields), .flexible_from = 1};

const struct kp_record_type kp_transaction_record_type = {
    0,       "TransactionLog", &kp_transaction_key_schema, &kp_transaction_value_schema, .from = 0,
    .to = 1, .written = 1};

bool kp_is_transaction_key(const void *key, size_t len) {
    struct kp_reader reader;
    kp_reader_init(&reader, key, len);
    return kp_read_int16(&reader) == kp_transaction_record_type.number && reader.error == ERR_NONE;
}
