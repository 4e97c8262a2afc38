/*
 * The fields of AlterConfigs, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages AlterConfigsRequest and AlterConfigsResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/alter_configs.h"

static const struct kp_field request_config_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_alter_configs_request_config, name)},
    {"value", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_configs_request_config, value)},
};
const struct kp_schema kp_alter_configs_request_config_schema = {
    KP_SCHEMA("config", kp_alter_configs_request_config, request_config_fields)};

static const struct kp_field request_resource_fields[] = {
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_alter_configs_request_resource, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_configs_request_resource, resource_name)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_configs_request_config_schema,
     KP_AT(kp_alter_configs_request_resource, configs)},
};
const struct kp_schema kp_alter_configs_request_resource_schema = {
    KP_SCHEMA("resource", kp_alter_configs_request_resource, request_resource_fields)};

static const struct kp_field request_fields[] = {
    {"resources", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_configs_request_resource_schema, KP_AT(kp_alter_configs_request, resources)},
    {"validateOnly", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_alter_configs_request, validate_only)},
};
const struct kp_schema kp_alter_configs_request_schema = {
    KP_SCHEMA("AlterConfigsRequest", kp_alter_configs_request, request_fields), .flexible_from = 2};

static const struct kp_field response_resource_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_alter_configs_response_resource, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_alter_configs_response_resource, error_message)},
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_alter_configs_response_resource, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_configs_response_resource, resource_name)},
};
const struct kp_schema kp_alter_configs_response_resource_schema = {
    KP_SCHEMA("resource", kp_alter_configs_response_resource, response_resource_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_configs_response, throttle_time_ms)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_configs_response_resource_schema,
     KP_AT(kp_alter_configs_response, responses)},
};
const struct kp_schema kp_alter_configs_response_schema = {
    KP_SCHEMA("AlterConfigsResponse", kp_alter_configs_response, response_fields),
    .flexible_from = 2};
