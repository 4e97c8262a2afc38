/*
 * The fields of DescribeProducers, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages DescribeProducersRequest and DescribeProducersResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_producers.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_describe_producers_request_topic, name)},
    {"partitionIndexes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_producers_request_topic, partition_indexes)},
};
const struct kp_schema kp_describe_producers_request_topic_schema = {
    KP_SCHEMA("topic", kp_describe_producers_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_producers_request_topic_schema,
     KP_AT(kp_describe_producers_request, topics)},
};
const struct kp_schema kp_describe_producers_request_schema = {
    KP_SCHEMA("DescribeProducersRequest", kp_describe_producers_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_producer_fields[] = {
    {"producerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_producers_response_producer, producer_id)},
    {"producerEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_producers_response_producer, producer_epoch)},
    {"lastSequence", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_describe_producers_response_producer, last_sequence)},
    {"lastTimestamp", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_describe_producers_response_producer, last_timestamp)},
    {"coordinatorEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_producers_response_producer, coordinator_epoch)},
    {"currentTxnStartOffset", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_describe_producers_response_producer, current_txn_start_offset)},
};
const struct kp_schema kp_describe_producers_response_producer_schema = {
    KP_SCHEMA("producer", kp_describe_producers_response_producer, response_producer_fields)};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_producers_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_producers_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_describe_producers_response_partition, error_message)},
    {"activeProducers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_producers_response_producer_schema,
     KP_AT(kp_describe_producers_response_partition, active_producers)},
};
const struct kp_schema kp_describe_producers_response_partition_schema = {
    KP_SCHEMA("partition", kp_describe_producers_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_describe_producers_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_producers_response_partition_schema,
     KP_AT(kp_describe_producers_response_topic, partitions)},
};
const struct kp_schema kp_describe_producers_response_topic_schema = {
    KP_SCHEMA("topic", kp_describe_producers_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_producers_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_producers_response_topic_schema,
     KP_AT(kp_describe_producers_response, topics)},
};
const struct kp_schema kp_describe_producers_response_schema = {
    KP_SCHEMA("DescribeProducersResponse", kp_describe_producers_response, response_fields),
    .flexible_from = 0};
