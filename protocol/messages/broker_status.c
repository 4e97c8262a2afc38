/* The fields of BrokerStatus, as tables; protocol/schema.h says how they are read. */
#include "protocol/messages/broker_status.h"

static const struct kp_field request_fields[] = {
    {"metrics", KP_ARRAY, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .element = KP_STRING,
     KP_AT(kp_broker_status_request, metrics)},
    {"reasonsMax", KP_INT32, .versions = KP_SINCE(0), .fallback = 10,
     KP_AT(kp_broker_status_request, reasons_max)},
    {"eventsMax", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_broker_status_request, events_max)},
    {"eventsAfter", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_broker_status_request, events_after)},
};
const struct kp_schema kp_broker_status_request_schema = {
    KP_SCHEMA("BrokerStatusRequest", kp_broker_status_request, request_fields), .flexible_from = 0};

static const struct kp_field reason_fields[] = {
    {"code", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_reason, code)},
    {"text", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_reason, text)},
};
const struct kp_schema kp_broker_status_response_reason_schema = {
    KP_SCHEMA("reason", kp_broker_status_response_reason, reason_fields)};

static const struct kp_field health_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_health, name)},
    {"ok", KP_BOOL, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_health, ok)},
    {"leftOut", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_broker_status_response_health, left_out)},
    {"reasons", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRUCT,
     .item = &kp_broker_status_response_reason_schema,
     KP_AT(kp_broker_status_response_health, reasons)},
};
const struct kp_schema kp_broker_status_response_health_schema = {
    KP_SCHEMA("health", kp_broker_status_response_health, health_fields)};

static const struct kp_field sample_fields[] = {
    {"labels", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRING,
     KP_AT(kp_broker_status_response_sample, labels)},
    {"value", KP_FLOAT64, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_sample, value)},
    {"counts", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_INT64,
     KP_AT(kp_broker_status_response_sample, counts)},
};
const struct kp_schema kp_broker_status_response_sample_schema = {
    KP_SCHEMA("sample", kp_broker_status_response_sample, sample_fields)};

static const struct kp_field metric_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_metric, name)},
    {"labels", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRING,
     KP_AT(kp_broker_status_response_metric, labels)},
    {"bounds", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_FLOAT64,
     KP_AT(kp_broker_status_response_metric, bounds)},
    {"samples", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRUCT,
     .item = &kp_broker_status_response_sample_schema,
     KP_AT(kp_broker_status_response_metric, samples)},
};
const struct kp_schema kp_broker_status_response_metric_schema = {
    KP_SCHEMA("metric", kp_broker_status_response_metric, metric_fields)};

static const struct kp_field event_fields[] = {
    {"id", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_event, id)},
    {"timeMs", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_event, time_ms)},
    {"kind", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_event, kind)},
    {"nodeId", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_broker_status_response_event, node_id)},
    {"cause", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_event, cause)},
    {"subject", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_broker_status_response_event, subject)},
    {"count", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_event, count)},
    {"tookMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_broker_status_response_event, took_ms)},
    {"ref", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response_event, ref)},
};
const struct kp_schema kp_broker_status_response_event_schema = {
    KP_SCHEMA("event", kp_broker_status_response_event, event_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_broker_status_response, error_message)},
    {"nodeId", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_broker_status_response, node_id)},
    {"rack", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response, rack)},
    {"version", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response, version)},
    {"clusterId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response, cluster_id)},
    {"uptimeMs", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response, uptime_ms)},
    {"timeMs", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_broker_status_response, time_ms)},
    {"health", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRUCT,
     .item = &kp_broker_status_response_health_schema, KP_AT(kp_broker_status_response, health)},
    {"metrics", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRUCT,
     .item = &kp_broker_status_response_metric_schema, KP_AT(kp_broker_status_response, metrics)},
    {"events", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRUCT,
     .item = &kp_broker_status_response_event_schema, KP_AT(kp_broker_status_response, events)},
};
const struct kp_schema kp_broker_status_response_schema = {
    KP_SCHEMA("BrokerStatusResponse", kp_broker_status_response, response_fields),
    .flexible_from = 0};
