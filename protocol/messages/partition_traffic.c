/*
 * The fields of PartitionTraffic, version by version, as tables; protocol/schema.h says how they
 * are read.
 */
#include "protocol/messages/partition_traffic.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_request_partition, partition_index)},
    {"offset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_request_partition, offset)},
};
const struct kp_schema kp_partition_traffic_request_partition_schema = {
    KP_SCHEMA("partition", kp_partition_traffic_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_partition_traffic_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_partition_traffic_request_partition_schema,
     KP_AT(kp_partition_traffic_request_topic, partitions)},
};
const struct kp_schema kp_partition_traffic_request_topic_schema = {
    KP_SCHEMA("topic", kp_partition_traffic_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"shortMs", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_partition_traffic_request, short_ms)},
    {"longMs", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_partition_traffic_request, long_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_partition_traffic_request_topic_schema,
     KP_AT(kp_partition_traffic_request, topics)},
    {"shareGroup", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .tagged = KP_SINCE(0), .tag = 0, .null_fallback = true,
     KP_AT(kp_partition_traffic_request, share_group)},
};
const struct kp_schema kp_partition_traffic_request_schema = {
    KP_SCHEMA("PartitionTrafficRequest", kp_partition_traffic_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_reader_fields[] = {
    {"clientId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_reader, client_id)},
    {"peer", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_partition_traffic_response_reader, peer)},
    {"offset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_reader, offset)},
    {"furthest", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_reader, furthest)},
    {"seenAgeMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_reader, seen_age_ms)},
    {"movedAgeMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_reader, moved_age_ms)},
    {"again", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_reader, again)},
};
const struct kp_schema kp_partition_traffic_response_reader_schema = {
    KP_SCHEMA("reader", kp_partition_traffic_response_reader, response_reader_fields)};

static const struct kp_field response_writer_fields[] = {
    {"clientId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_writer, client_id)},
    {"peer", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_partition_traffic_response_writer, peer)},
    {"sinceAgeMs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_writer, since_age_ms)},
    {"seenAgeMs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_writer, seen_age_ms)},
    {"batches", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_writer, batches)},
    {"records", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_writer, records)},
    {"bytes", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_writer, bytes)},
};
const struct kp_schema kp_partition_traffic_response_writer_schema = {
    KP_SCHEMA("writer", kp_partition_traffic_response_writer, response_writer_fields)};

static const struct kp_field response_shared_fields[] = {
    {"startOffset", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_shared, start_offset)},
    {"lagRecords", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_shared, lag_records)},
    {"acquired", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_shared, acquired)},
    {"acquiredMost", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_shared, acquired_most)},
    {"waiting", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_shared, waiting)},
    {"retried", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_shared, retried)},
    {"deliveries", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_shared, deliveries)},
    {"deliveriesMost", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_shared, deliveries_most)},
    {"lockLeftMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_shared, lock_left_ms)},
};
const struct kp_schema kp_partition_traffic_response_shared_schema = {
    KP_SCHEMA("shared", kp_partition_traffic_response_shared, response_shared_fields)};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_partition, error_code)},
    {"logStartOffset", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_partition, log_start_offset)},
    {"highWatermark", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_partition, high_watermark)},
    {"arrivedAgeMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_partition, arrived_age_ms)},
    {"arrivedAtLeast", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_partition_traffic_response_partition, arrived_at_least)},
    {"producedShort", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_partition, produced_short)},
    {"producedLong", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_partition_traffic_response_partition, produced_long)},
    {"readers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_partition_traffic_response_reader_schema,
     KP_AT(kp_partition_traffic_response_partition, readers)},
    {"sizeBytes", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     .fallback = -1, KP_AT(kp_partition_traffic_response_partition, size_bytes)},
    {"pinnedBytes", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 1,
     KP_AT(kp_partition_traffic_response_partition, pinned_bytes)},
    {"pinnedBy", KP_INT32, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 2, .fallback = -1,
     KP_AT(kp_partition_traffic_response_partition, pinned_by)},
    {"writers", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 3, .item = &kp_partition_traffic_response_writer_schema,
     KP_AT(kp_partition_traffic_response_partition, writers)},
    {"shared", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 4, .item = &kp_partition_traffic_response_shared_schema,
     KP_AT(kp_partition_traffic_response_partition, shared)},
};
const struct kp_schema kp_partition_traffic_response_partition_schema = {
    KP_SCHEMA("partition", kp_partition_traffic_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_partition_traffic_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_partition_traffic_response_partition_schema,
     KP_AT(kp_partition_traffic_response_topic, partitions)},
};
const struct kp_schema kp_partition_traffic_response_topic_schema = {
    KP_SCHEMA("topic", kp_partition_traffic_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_partition_traffic_response_topic_schema,
     KP_AT(kp_partition_traffic_response, topics)},
};
const struct kp_schema kp_partition_traffic_response_schema = {
    KP_SCHEMA("PartitionTrafficResponse", kp_partition_traffic_response, response_fields),
    .flexible_from = 0};
