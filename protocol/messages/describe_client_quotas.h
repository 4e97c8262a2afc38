/*
 * DescribeClientQuotas (key 48): the quotas of users, clients and addresses. KIP-546.
 *
 * Versions 0 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_CLIENT_QUOTAS_H
#define PROTOCOL_MESSAGES_DESCRIBE_CLIENT_QUOTAS_H

#include "protocol/schema.h"

struct kp_describe_client_quotas_request_component {
    struct kp_string entity_type; /* "user", "client-id", "ip" */
    int8_t match_type;            /* 0 this name, 1 the default, 2 any name */
    struct kp_string match;
};

struct kp_describe_client_quotas_request {
    KP_ARRAY_OF(struct kp_describe_client_quotas_request_component) components;
    bool strict; /* and nothing else is specified of the entity */
};

struct kp_describe_client_quotas_response_entity {
    struct kp_string entity_type;
    struct kp_string entity_name; /* null: the default */
};

struct kp_describe_client_quotas_response_value {
    struct kp_string key;
    double value;
};

struct kp_describe_client_quotas_response_entry {
    KP_ARRAY_OF(struct kp_describe_client_quotas_response_entity) entity;
    KP_ARRAY_OF(struct kp_describe_client_quotas_response_value) values;
};

struct kp_describe_client_quotas_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_describe_client_quotas_response_entry) entries;
};

extern const struct kp_schema kp_describe_client_quotas_request_component_schema;
extern const struct kp_schema kp_describe_client_quotas_request_schema;
extern const struct kp_schema kp_describe_client_quotas_response_entity_schema;
extern const struct kp_schema kp_describe_client_quotas_response_value_schema;
extern const struct kp_schema kp_describe_client_quotas_response_entry_schema;
extern const struct kp_schema kp_describe_client_quotas_response_schema;

#endif
