/*
 * The fields of ListConfigResources, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages ListConfigResourcesRequest and ListConfigResourcesResponse of the
 * Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/list_config_resources.h"

static const struct kp_field request_fields[] = {
    {"resourceTypes", KP_ARRAY, .element = KP_INT8, .versions = KP_SINCE(1),
     KP_AT(kp_list_config_resources_request, resource_types)},
};
const struct kp_schema kp_list_config_resources_request_schema = {
    KP_SCHEMA("ListConfigResourcesRequest", kp_list_config_resources_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_resource_fields[] = {
    {"resourceName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_list_config_resources_response_resource, resource_name)},
    {"resourceType", KP_INT8, .versions = KP_SINCE(1), .fallback = 16,
     KP_AT(kp_list_config_resources_response_resource, resource_type)},
};
const struct kp_schema kp_list_config_resources_response_resource_schema = {
    KP_SCHEMA("resource", kp_list_config_resources_response_resource, response_resource_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_list_config_resources_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_list_config_resources_response, error_code)},
    {"configResources", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_list_config_resources_response_resource_schema,
     KP_AT(kp_list_config_resources_response, config_resources)},
};
const struct kp_schema kp_list_config_resources_response_schema = {
    KP_SCHEMA("ListConfigResourcesResponse", kp_list_config_resources_response, response_fields),
    .flexible_from = 0};
