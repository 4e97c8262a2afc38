/*
 * DescribeConfigs (key 32): settings of topics and brokers. KIP-133, KIP-226 (1), KIP-569 (3).
 *
 * Versions 1 to 4. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_CONFIGS_H
#define PROTOCOL_MESSAGES_DESCRIBE_CONFIGS_H

#include "protocol/schema.h"

struct kp_describe_configs_request_resource {
    int8_t resource_type; /* 2 topic, 4 broker */
    struct kp_string resource_name;
    KP_ARRAY_OF(struct kp_string) configuration_keys; /* null: all of them */
};

struct kp_describe_configs_request {
    KP_ARRAY_OF(struct kp_describe_configs_request_resource) resources;
    bool include_synonyms;
    bool include_documentation;
};

struct kp_describe_configs_response_synonym {
    struct kp_string name;
    struct kp_string value;
    int8_t source;
};

struct kp_describe_configs_response_config {
    struct kp_string name;
    struct kp_string value; /* null: secret */
    bool read_only;
    int8_t config_source; /* 1 topic, 4 static broker, 5 default */
    bool is_sensitive;
    KP_ARRAY_OF(struct kp_describe_configs_response_synonym) synonyms;
    int8_t config_type; /* 3+; 1 boolean, 2 string, 3 int, 5 long, 7 list, 8 class, 9 password */
    struct kp_string documentation;
};

struct kp_describe_configs_response_resource {
    int16_t error_code;
    struct kp_string error_message;
    int8_t resource_type;
    struct kp_string resource_name;
    KP_ARRAY_OF(struct kp_describe_configs_response_config) configs;
};

struct kp_describe_configs_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_describe_configs_response_resource) results;
};

extern const struct kp_schema kp_describe_configs_request_schema;
extern const struct kp_schema kp_describe_configs_request_resource_schema;
extern const struct kp_schema kp_describe_configs_response_schema;
extern const struct kp_schema kp_describe_configs_response_resource_schema;
extern const struct kp_schema kp_describe_configs_response_config_schema;
extern const struct kp_schema kp_describe_configs_response_synonym_schema;

#endif
