/*
 * The fields of DelayedRecords, version by version, as tables; protocol/schema.h says how they are
 * read.
 */
#include "protocol/messages/delayed_records.h"

static const struct kp_field request_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_delayed_records_request, topic)},
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_delayed_records_request, partition_index)},
    {"after", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_delayed_records_request, after)},
    {"dueBefore", KP_INT64, .versions = KP_SINCE(0), .fallback = INT64_MAX,
     KP_AT(kp_delayed_records_request, due_before)},
    {"key", KP_BYTES, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_delayed_records_request, key)},
    {"recordsMax", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_delayed_records_request, records_max)},
};
const struct kp_schema kp_delayed_records_request_schema = {
    KP_SCHEMA("DelayedRecordsRequest", kp_delayed_records_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_record_fields[] = {
    {"offset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_delayed_records_response_record, offset)},
    {"due", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_delayed_records_response_record, due)},
    {"timestamp", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_delayed_records_response_record, timestamp)},
    {"key", KP_BYTES, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_delayed_records_response_record, key)},
    {"keySize", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_delayed_records_response_record, key_size)},
    {"valueSize", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_delayed_records_response_record, value_size)},
};
const struct kp_schema kp_delayed_records_response_record_schema = {
    KP_SCHEMA("record", kp_delayed_records_response_record, response_record_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_delayed_records_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_delayed_records_response, error_message)},
    {"highWatermark", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_delayed_records_response, high_watermark)},
    {"count", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_delayed_records_response, count)},
    {"bytes", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_delayed_records_response, bytes)},
    {"nextDue", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_delayed_records_response, next_due)},
    {"matched", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_delayed_records_response, matched)},
    {"records", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_delayed_records_response_record_schema,
     KP_AT(kp_delayed_records_response, records)},
    {"nextAfter", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_delayed_records_response, next_after)},
};
const struct kp_schema kp_delayed_records_response_schema = {
    KP_SCHEMA("DelayedRecordsResponse", kp_delayed_records_response, response_fields),
    .flexible_from = 0};
