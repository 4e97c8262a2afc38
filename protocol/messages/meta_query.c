/*
 * The fields of MetaQuery, version by version, as tables; protocol/schema.h says how they are read.
 */
#include "protocol/messages/meta_query.h"

static const struct kp_field request_fields[] = {
    {"path", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_meta_query_request, path)},
};
const struct kp_schema kp_meta_query_request_schema = {
    KP_SCHEMA("MetaQueryRequest", kp_meta_query_request, request_fields), .flexible_from = 0};

static const struct kp_field response_entry_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_meta_query_response_entry, name)},
    {"value", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_meta_query_response_entry, value)},
};
const struct kp_schema kp_meta_query_response_entry_schema = {
    KP_SCHEMA("entry", kp_meta_query_response_entry, response_entry_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_meta_query_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_meta_query_response, error_message)},
    {"value", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_meta_query_response, value)},
    {"entries", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_meta_query_response_entry_schema, KP_AT(kp_meta_query_response, entries)},
};
const struct kp_schema kp_meta_query_response_schema = {
    KP_SCHEMA("MetaQueryResponse", kp_meta_query_response, response_fields), .flexible_from = 0};
