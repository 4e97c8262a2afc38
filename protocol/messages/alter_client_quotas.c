/*
 * The fields of AlterClientQuotas, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages AlterClientQuotasRequest and AlterClientQuotasResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/alter_client_quotas.h"

static const struct kp_field request_entity_fields[] = {
    {"entityType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_request_entity, entity_type)},
    {"entityName", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_request_entity, entity_name)},
};
const struct kp_schema kp_alter_client_quotas_request_entity_schema = {
    KP_SCHEMA("entity", kp_alter_client_quotas_request_entity, request_entity_fields)};

static const struct kp_field request_op_fields[] = {
    {"key", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_alter_client_quotas_request_op, key)},
    {"value", KP_FLOAT64, .versions = KP_SINCE(0), KP_AT(kp_alter_client_quotas_request_op, value)},
    {"remove", KP_BOOL, .versions = KP_SINCE(0), KP_AT(kp_alter_client_quotas_request_op, remove)},
};
const struct kp_schema kp_alter_client_quotas_request_op_schema = {
    KP_SCHEMA("op", kp_alter_client_quotas_request_op, request_op_fields)};

static const struct kp_field request_entry_fields[] = {
    {"entity", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_client_quotas_request_entity_schema,
     KP_AT(kp_alter_client_quotas_request_entry, entity)},
    {"ops", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_client_quotas_request_op_schema,
     KP_AT(kp_alter_client_quotas_request_entry, ops)},
};
const struct kp_schema kp_alter_client_quotas_request_entry_schema = {
    KP_SCHEMA("entry", kp_alter_client_quotas_request_entry, request_entry_fields)};

static const struct kp_field request_fields[] = {
    {"entries", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_client_quotas_request_entry_schema,
     KP_AT(kp_alter_client_quotas_request, entries)},
    {"validateOnly", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_request, validate_only)},
};
const struct kp_schema kp_alter_client_quotas_request_schema = {
    KP_SCHEMA("AlterClientQuotasRequest", kp_alter_client_quotas_request, request_fields),
    .flexible_from = 1};

static const struct kp_field response_entity_fields[] = {
    {"entityType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_response_entity, entity_type)},
    {"entityName", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_response_entity, entity_name)},
};
const struct kp_schema kp_alter_client_quotas_response_entity_schema = {
    KP_SCHEMA("entity", kp_alter_client_quotas_response_entity, response_entity_fields)};

static const struct kp_field response_entry_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_response_entry, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_response_entry, error_message)},
    {"entity", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_client_quotas_response_entity_schema,
     KP_AT(kp_alter_client_quotas_response_entry, entity)},
};
const struct kp_schema kp_alter_client_quotas_response_entry_schema = {
    KP_SCHEMA("entry", kp_alter_client_quotas_response_entry, response_entry_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_client_quotas_response, throttle_time_ms)},
    {"entries", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_client_quotas_response_entry_schema,
     KP_AT(kp_alter_client_quotas_response, entries)},
};
const struct kp_schema kp_alter_client_quotas_response_schema = {
    KP_SCHEMA("AlterClientQuotasResponse", kp_alter_client_quotas_response, response_fields),
    .flexible_from = 1};
