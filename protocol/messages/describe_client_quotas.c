/*
 * The fields of DescribeClientQuotas, version by version, as tables; protocol/schema.h says how
 * they are read.
 *
 * Specification: the messages DescribeClientQuotasRequest and DescribeClientQuotasResponse of the
 * Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_client_quotas.h"

static const struct kp_field request_component_fields[] = {
    {"entityType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_request_component, entity_type)},
    {"matchType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_request_component, match_type)},
    {"match", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_request_component, match)},
};
const struct kp_schema kp_describe_client_quotas_request_component_schema = {
    KP_SCHEMA("component", kp_describe_client_quotas_request_component, request_component_fields)};

static const struct kp_field request_fields[] = {
    {"components", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_client_quotas_request_component_schema,
     KP_AT(kp_describe_client_quotas_request, components)},
    {"strict", KP_BOOL, .versions = KP_SINCE(0), KP_AT(kp_describe_client_quotas_request, strict)},
};
const struct kp_schema kp_describe_client_quotas_request_schema = {
    KP_SCHEMA("DescribeClientQuotasRequest", kp_describe_client_quotas_request, request_fields),
    .flexible_from = 1};

static const struct kp_field response_entity_fields[] = {
    {"entityType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_response_entity, entity_type)},
    {"entityName", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_response_entity, entity_name)},
};
const struct kp_schema kp_describe_client_quotas_response_entity_schema = {
    KP_SCHEMA("entity", kp_describe_client_quotas_response_entity, response_entity_fields)};

static const struct kp_field response_value_fields[] = {
    {"key", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_response_value, key)},
    {"value", KP_FLOAT64, .versions = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_response_value, value)},
};
const struct kp_schema kp_describe_client_quotas_response_value_schema = {
    KP_SCHEMA("value", kp_describe_client_quotas_response_value, response_value_fields)};

static const struct kp_field response_entry_fields[] = {
    {"entity", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_client_quotas_response_entity_schema,
     KP_AT(kp_describe_client_quotas_response_entry, entity)},
    {"values", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_client_quotas_response_value_schema,
     KP_AT(kp_describe_client_quotas_response_entry, values)},
};
const struct kp_schema kp_describe_client_quotas_response_entry_schema = {
    KP_SCHEMA("entry", kp_describe_client_quotas_response_entry, response_entry_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_client_quotas_response, error_message)},
    {"entries", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_describe_client_quotas_response_entry_schema,
     KP_AT(kp_describe_client_quotas_response, entries)},
};
const struct kp_schema kp_describe_client_quotas_response_schema = {
    KP_SCHEMA("DescribeClientQuotasResponse", kp_describe_client_quotas_response, response_fields),
    .flexible_from = 1};
