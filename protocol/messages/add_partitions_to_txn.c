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

static const struct kp_field request_fields[] = {
    {"v3AndBelowTransactionalId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_request, transactional_id)},
    {"v3AndBelowProducerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_request, producer_id)},
    {"v3AndBelowProducerEpoch", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_request, producer_epoch)},
    {"v3AndBelowTopics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
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

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_add_partitions_to_txn_response, throttle_time_ms)},
    {"resultsByTopicV3AndBelow", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_add_partitions_to_txn_response_topic_schema,
     KP_AT(kp_add_partitions_to_txn_response, topics)},
};
const struct kp_schema kp_add_partitions_to_txn_response_schema = {
    KP_SCHEMA("AddPartitionsToTxnResponse", kp_add_partitions_to_txn_response, response_fields),
    .flexible_from = 3};
