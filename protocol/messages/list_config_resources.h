/*
 * ListConfigResources (key 74): what has settings of its own, by name. KIP-1000 (0: client metrics,
 * as ListClientMetricsResources), KIP-1142 (1).
 *
 * Versions 0 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_LIST_CONFIG_RESOURCES_H
#define PROTOCOL_MESSAGES_LIST_CONFIG_RESOURCES_H

#include "protocol/schema.h"

struct kp_list_config_resources_request {
    KP_ARRAY_OF(int8_t) resource_types; /* 1+; none: all */
};

struct kp_list_config_resources_response_resource {
    struct kp_string resource_name;
    int8_t resource_type; /* 1+ */
};

struct kp_list_config_resources_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    KP_ARRAY_OF(struct kp_list_config_resources_response_resource) config_resources;
};

extern const struct kp_schema kp_list_config_resources_request_schema;
extern const struct kp_schema kp_list_config_resources_response_resource_schema;
extern const struct kp_schema kp_list_config_resources_response_schema;

#endif
