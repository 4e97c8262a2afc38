/*
 * The fields of IncrementalAlterConfigs, version by version, as tables; protocol/schema.h says how
 * they are read.
 *
 * Specification: the messages IncrementalAlterConfigsRequest and IncrementalAlterConfigsResponse of
 * the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/incremental_alter_configs.h"

static const struct kp_field request_config_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_request_config, name)},
    {"configOperation", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_request_config, config_operation)},
    {"value", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_request_config, value)},
};
const struct kp_schema kp_incremental_alter_configs_request_config_schema = {
    KP_SCHEMA("config", kp_incremental_alter_configs_request_config, request_config_fields)};

static const struct kp_field request_resource_fields[] = {
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_request_resource, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_request_resource, resource_name)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_incremental_alter_configs_request_config_schema,
     KP_AT(kp_incremental_alter_configs_request_resource, configs)},
};
const struct kp_schema kp_incremental_alter_configs_request_resource_schema = {
    KP_SCHEMA("resource", kp_incremental_alter_configs_request_resource, request_resource_fields)};

static const struct kp_field request_fields[] = {
    {"resources", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_incremental_alter_configs_request_resource_schema,
     KP_AT(kp_incremental_alter_configs_request, resources)},
    {"validateOnly", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_request, validate_only)},
};
const struct kp_schema kp_incremental_alter_configs_request_schema = {
    KP_SCHEMA("IncrementalAlterConfigsRequest", kp_incremental_alter_configs_request,
              request_fields),
    .flexible_from = 1};

static const struct kp_field response_resource_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_response_resource, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_incremental_alter_configs_response_resource, error_message)},
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_response_resource, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_response_resource, resource_name)},
};
const struct kp_schema kp_incremental_alter_configs_response_resource_schema = {KP_SCHEMA(
    "resource", kp_incremental_alter_configs_response_resource, response_resource_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_incremental_alter_configs_response, throttle_time_ms)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_incremental_alter_configs_response_resource_schema,
     KP_AT(kp_incremental_alter_configs_response, responses)},
};
const struct kp_schema kp_incremental_alter_configs_response_schema = {
    KP_SCHEMA("IncrementalAlterConfigsResponse", kp_incremental_alter_configs_response,
              response_fields),
    .flexible_from = 1};
