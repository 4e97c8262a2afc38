/*
 * The fields of AddPartitionsToTxn, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages AddPartitionsToTxnRequest and AddPartitionsToTxnResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/add_partitions_to_txn.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_request_topic, partitions)},
};
const struct kp_schema kp_add_partitions_to_txn_request_topic_schema = {
    KP_SCHEMA("topic", kp_add_partitions_to_txn_request_topic, request_topic_fields)};

static const struct kp_field request_transaction_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(4),
     KP_AT(kp_add_partitions_to_txn_request_transaction, transactional_id)},
    {"producerId", KP_INT64, .versions = KP_SINCE(4),
     KP_AT(kp_add_partitions_to_txn_request_transaction, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(4),
     KP_AT(kp_add_partitions_to_txn_request_transaction, producer_epoch)},
    {"verifyOnly", KP_BOOL, .versions = KP_SINCE(4),
     KP_AT(kp_add_partitions_to_txn_request_transaction, verify_only)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(4),
     .item = &kp_add_partitions_to_txn_request_topic_schema,
     KP_AT(kp_add_partitions_to_txn_request_transaction, topics)},
};
const struct kp_schema kp_add_partitions_to_txn_request_transaction_schema = {KP_SCHEMA(
    "transaction", kp_add_partitions_to_txn_request_transaction, request_transaction_fields)};

static const struct kp_field request_fields[] = {
    {"transactions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(4),
     .item = &kp_add_partitions_to_txn_request_transaction_schema,
     KP_AT(kp_add_partitions_to_txn_request, transactions)},
    {"v3AndBelowTransactionalId", KP_STRING, .versions = KP_RANGE(0, 3),
     KP_AT(kp_add_partitions_to_txn_request, transactional_id)},
    {"v3AndBelowProducerId", KP_INT64, .versions = KP_RANGE(0, 3),
     KP_AT(kp_add_partitions_to_txn_request, producer_id)},
    {"v3AndBelowProducerEpoch", KP_INT16, .versions = KP_RANGE(0, 3),
     KP_AT(kp_add_partitions_to_txn_request, producer_epoch)},
    {"v3AndBelowTopics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_RANGE(0, 3),
     .item = &kp_add_partitions_to_txn_request_topic_schema,
     KP_AT(kp_add_partitions_to_txn_request, topics)},
};
const struct kp_schema kp_add_partitions_to_txn_request_schema = {
    KP_SCHEMA("AddPartitionsToTxnRequest", kp_add_partitions_to_txn_request, request_fields),
    .flexible_from = 3};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_response_partition, partition_index)},
    {"partitionErrorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_response_partition, error_code)},
};
const struct kp_schema kp_add_partitions_to_txn_response_partition_schema = {
    KP_SCHEMA("partition", kp_add_partitions_to_txn_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_response_topic, name)},
    {"resultsByPartition", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_add_partitions_to_txn_response_partition_schema,
     KP_AT(kp_add_partitions_to_txn_response_topic, partitions)},
};
const struct kp_schema kp_add_partitions_to_txn_response_topic_schema = {
    KP_SCHEMA("topic", kp_add_partitions_to_txn_response_topic, response_topic_fields)};

static const struct kp_field response_transaction_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(4),
     KP_AT(kp_add_partitions_to_txn_response_transaction, transactional_id)},
    {"topicResults", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(4),
     .item = &kp_add_partitions_to_txn_response_topic_schema,
     KP_AT(kp_add_partitions_to_txn_response_transaction, topics)},
};
const struct kp_schema kp_add_partitions_to_txn_response_transaction_schema = {KP_SCHEMA(
    "transaction", kp_add_partitions_to_txn_response_transaction, response_transaction_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(4),
     KP_AT(kp_add_partitions_to_txn_response, error_code)},
    {"resultsByTransaction", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(4),
     .item = &kp_add_partitions_to_txn_response_transaction_schema,
     KP_AT(kp_add_partitions_to_txn_response, transactions)},
    {"resultsByTopicV3AndBelow", KP_ARRAY, .element = KP_STRUCT, .versions = KP_RANGE(0, 3),
     .item = &kp_add_partitions_to_txn_response_topic_schema,
     KP_AT(kp_add_partitions_to_txn_response, topics)},
};
const struct kp_schema kp_add_partitions_to_txn_response_schema = {
    KP_SCHEMA("AddPartitionsToTxnResponse", kp_add_partitions_to_txn_response, response_fields),
    .flexible_from = 3};
