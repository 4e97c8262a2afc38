/*
 * IncrementalAlterConfigs (key 44): settings of a resource are set and deleted one by one. KIP-339.
 *
 * Versions 0 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_INCREMENTAL_ALTER_CONFIGS_H
#define PROTOCOL_MESSAGES_INCREMENTAL_ALTER_CONFIGS_H

#include "protocol/schema.h"

/* Append and subtract are for lists only. */
enum config_operation { CONFIG_SET, CONFIG_DELETE, CONFIG_APPEND, CONFIG_SUBTRACT };

struct kp_incremental_alter_configs_request_config {
    struct kp_string name;
    int8_t config_operation; /* enum config_operation */
    struct kp_string value;  /* may be null */
};

struct kp_incremental_alter_configs_request_resource {
    int8_t resource_type; /* 2 topic, 4 broker */
    struct kp_string resource_name;
    KP_ARRAY_OF(struct kp_incremental_alter_configs_request_config) configs;
};

struct kp_incremental_alter_configs_request {
    KP_ARRAY_OF(struct kp_incremental_alter_configs_request_resource) resources;
    bool validate_only;
};

struct kp_incremental_alter_configs_response_resource {
    int16_t error_code;
    struct kp_string error_message;
    int8_t resource_type;
    struct kp_string resource_name;
};

struct kp_incremental_alter_configs_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_incremental_alter_configs_response_resource) responses;
};

extern const struct kp_schema kp_incremental_alter_configs_request_schema;
extern const struct kp_schema kp_incremental_alter_configs_request_resource_schema;
extern const struct kp_schema kp_incremental_alter_configs_request_config_schema;
extern const struct kp_schema kp_incremental_alter_configs_response_schema;
extern const struct kp_schema kp_incremental_alter_configs_response_resource_schema;

#endif
