/*
 * AlterClientQuotas (key 49): quotas of users, clients and addresses are set and taken away.
 * KIP-546.
 *
 * Versions 0 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_ALTER_CLIENT_QUOTAS_H
#define PROTOCOL_MESSAGES_ALTER_CLIENT_QUOTAS_H

#include "protocol/schema.h"

struct kp_alter_client_quotas_request_entity {
    struct kp_string entity_type; /* "user", "client-id", "ip" */
    struct kp_string entity_name; /* null: the default */
};

struct kp_alter_client_quotas_request_op {
    struct kp_string key;
    double value;
    bool remove;
};

struct kp_alter_client_quotas_request_entry {
    KP_ARRAY_OF(struct kp_alter_client_quotas_request_entity) entity;
    KP_ARRAY_OF(struct kp_alter_client_quotas_request_op) ops;
};

struct kp_alter_client_quotas_request {
    KP_ARRAY_OF(struct kp_alter_client_quotas_request_entry) entries;
    bool validate_only;
};

struct kp_alter_client_quotas_response_entity {
    struct kp_string entity_type;
    struct kp_string entity_name; /* null: the default */
};

struct kp_alter_client_quotas_response_entry {
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_alter_client_quotas_response_entity) entity;
};

struct kp_alter_client_quotas_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_alter_client_quotas_response_entry) entries;
};

extern const struct kp_schema kp_alter_client_quotas_request_entity_schema;
extern const struct kp_schema kp_alter_client_quotas_request_op_schema;
extern const struct kp_schema kp_alter_client_quotas_request_entry_schema;
extern const struct kp_schema kp_alter_client_quotas_request_schema;
extern const struct kp_schema kp_alter_client_quotas_response_entity_schema;
extern const struct kp_schema kp_alter_client_quotas_response_entry_schema;
extern const struct kp_schema kp_alter_client_quotas_response_schema;

#endif
