/*
 * The fields of DescribeConfigs, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages DescribeConfigsRequest and DescribeConfigsResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_configs.h"

static const struct kp_field request_resource_fields[] = {
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_request_resource, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_request_resource, resource_name)},
    {"configurationKeys", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), KP_AT(kp_describe_configs_request_resource, configuration_keys)},
};
const struct kp_schema kp_describe_configs_request_resource_schema = {
    KP_SCHEMA("resource", kp_describe_configs_request_resource, request_resource_fields)};

static const struct kp_field request_fields[] = {
    {"resources", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_configs_request_resource_schema,
     KP_AT(kp_describe_configs_request, resources)},
    {"includeSynonyms", KP_BOOL, .versions = KP_SINCE(1),
     KP_AT(kp_describe_configs_request, include_synonyms)},
    {"includeDocumentation", KP_BOOL, .versions = KP_SINCE(3),
     KP_AT(kp_describe_configs_request, include_documentation)},
};
const struct kp_schema kp_describe_configs_request_schema = {
    KP_SCHEMA("DescribeConfigsRequest", kp_describe_configs_request, request_fields),
    .flexible_from = 4};

static const struct kp_field response_synonym_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(1), KP_AT(kp_describe_configs_response_synonym, name)},
    {"value", KP_STRING, .versions = KP_SINCE(1), .nullable = KP_SINCE(1),
     KP_AT(kp_describe_configs_response_synonym, value)},
    {"source", KP_INT8, .versions = KP_SINCE(1),
     KP_AT(kp_describe_configs_response_synonym, source)},
};
const struct kp_schema kp_describe_configs_response_synonym_schema = {
    KP_SCHEMA("synonym", kp_describe_configs_response_synonym, response_synonym_fields)};

static const struct kp_field response_config_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_describe_configs_response_config, name)},
    {"value", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_configs_response_config, value)},
    {"readOnly", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_response_config, read_only)},
    {"configSource", KP_INT8, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_describe_configs_response_config, config_source)},
    {"isSensitive", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_response_config, is_sensitive)},
    {"synonyms", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(1),
     .item = &kp_describe_configs_response_synonym_schema,
     KP_AT(kp_describe_configs_response_config, synonyms)},
    {"configType", KP_INT8, .versions = KP_SINCE(3),
     KP_AT(kp_describe_configs_response_config, config_type)},
    {"documentation", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     KP_AT(kp_describe_configs_response_config, documentation)},
};
const struct kp_schema kp_describe_configs_response_config_schema = {
    KP_SCHEMA("config", kp_describe_configs_response_config, response_config_fields)};

static const struct kp_field response_resource_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_response_resource, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_configs_response_resource, error_message)},
    {"resourceType", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_response_resource, resource_type)},
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_response_resource, resource_name)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_configs_response_config_schema,
     KP_AT(kp_describe_configs_response_resource, configs)},
};
const struct kp_schema kp_describe_configs_response_resource_schema = {
    KP_SCHEMA("resource", kp_describe_configs_response_resource, response_resource_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_configs_response, throttle_time_ms)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_configs_response_resource_schema,
     KP_AT(kp_describe_configs_response, results)},
};
const struct kp_schema kp_describe_configs_response_schema = {
    KP_SCHEMA("DescribeConfigsResponse", kp_describe_configs_response, response_fields),
    .flexible_from = 4};
