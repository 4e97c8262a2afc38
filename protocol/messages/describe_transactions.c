/*
 * The fields of DescribeTransactions, version by version, as tables; protocol/schema.h says how
 * they are read.
 *
 * Specification: the messages DescribeTransactionsRequest and DescribeTransactionsResponse of the
 * Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_transactions.h"

static const struct kp_field request_fields[] = {
    {"transactionalIds", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_request, transactional_ids)},
};
const struct kp_schema kp_describe_transactions_request_schema = {
    KP_SCHEMA("DescribeTransactionsRequest", kp_describe_transactions_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_topic, topic)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_topic, partitions)},
};
const struct kp_schema kp_describe_transactions_response_topic_schema = {
    KP_SCHEMA("topic", kp_describe_transactions_response_topic, response_topic_fields)};

static const struct kp_field response_transaction_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_transaction, error_code)},
    {"transactionalId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_transaction, transactional_id)},
    {"transactionState", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_transaction, transaction_state)},
    {"transactionTimeoutMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_transaction, transaction_timeout_ms)},
    {"transactionStartTimeMs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_transaction, transaction_start_time_ms)},
    {"producerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_transaction, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response_transaction, producer_epoch)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_transactions_response_topic_schema,
     KP_AT(kp_describe_transactions_response_transaction, topics)},
};
const struct kp_schema kp_describe_transactions_response_transaction_schema = {KP_SCHEMA(
    "transaction", kp_describe_transactions_response_transaction, response_transaction_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_transactions_response, throttle_time_ms)},
    {"transactionStates", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_transactions_response_transaction_schema,
     KP_AT(kp_describe_transactions_response, transaction_states)},
};
const struct kp_schema kp_describe_transactions_response_schema = {
    KP_SCHEMA("DescribeTransactionsResponse", kp_describe_transactions_response, response_fields),
    .flexible_from = 0};
