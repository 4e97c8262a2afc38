/*
 * The fields of DescribeLogDirs, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DescribeLogDirsRequest and DescribeLogDirsResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_log_dirs.h"

static const struct kp_field request_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_describe_log_dirs_request_topic, topic)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_request_topic, partitions)},
};
const struct kp_schema kp_describe_log_dirs_request_topic_schema = {
    KP_SCHEMA("topic", kp_describe_log_dirs_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_describe_log_dirs_request_topic_schema,
     KP_AT(kp_describe_log_dirs_request, topics)},
};
const struct kp_schema kp_describe_log_dirs_request_schema = {
    KP_SCHEMA("DescribeLogDirsRequest", kp_describe_log_dirs_request, request_fields),
    .flexible_from = 2};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_response_partition, partition_index)},
    {"partitionSize", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_response_partition, partition_size)},
    {"offsetLag", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_response_partition, offset_lag)},
    {"isFutureKey", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_response_partition, is_future_key)},
};
const struct kp_schema kp_describe_log_dirs_response_partition_schema = {
    KP_SCHEMA("partition", kp_describe_log_dirs_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_describe_log_dirs_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_log_dirs_response_partition_schema,
     KP_AT(kp_describe_log_dirs_response_topic, partitions)},
};
const struct kp_schema kp_describe_log_dirs_response_topic_schema = {
    KP_SCHEMA("topic", kp_describe_log_dirs_response_topic, response_topic_fields)};

static const struct kp_field response_directory_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_response_directory, error_code)},
    {"logDir", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_response_directory, log_dir)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_log_dirs_response_topic_schema,
     KP_AT(kp_describe_log_dirs_response_directory, topics)},
    {"totalBytes", KP_INT64, .versions = KP_SINCE(4), .fallback = -1,
     KP_AT(kp_describe_log_dirs_response_directory, total_bytes)},
    {"usableBytes", KP_INT64, .versions = KP_SINCE(4), .fallback = -1,
     KP_AT(kp_describe_log_dirs_response_directory, usable_bytes)},
    {"isCordoned", KP_BOOL, .versions = KP_SINCE(5),
     KP_AT(kp_describe_log_dirs_response_directory, is_cordoned)},
};
const struct kp_schema kp_describe_log_dirs_response_directory_schema = {
    KP_SCHEMA("directory", kp_describe_log_dirs_response_directory, response_directory_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_log_dirs_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(3),
     KP_AT(kp_describe_log_dirs_response, error_code)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_log_dirs_response_directory_schema,
     KP_AT(kp_describe_log_dirs_response, results)},
};
const struct kp_schema kp_describe_log_dirs_response_schema = {
    KP_SCHEMA("DescribeLogDirsResponse", kp_describe_log_dirs_response, response_fields),
    .flexible_from = 2};
