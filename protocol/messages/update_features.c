/*
 * The fields of UpdateFeatures, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages UpdateFeaturesRequest and UpdateFeaturesResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/update_features.h"

static const struct kp_field request_update_fields[] = {
    {"feature", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_update_features_request_update, feature)},
    {"maxVersionLevel", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_update_features_request_update, max_version_level)},
    {"allowDowngrade", KP_BOOL, .versions = KP_RANGE(0, 0),
     KP_AT(kp_update_features_request_update, allow_downgrade)},
    {"upgradeType", KP_INT8, .versions = KP_SINCE(1), .fallback = 1,
     KP_AT(kp_update_features_request_update, upgrade_type)},
};
const struct kp_schema kp_update_features_request_update_schema = {
    KP_SCHEMA("update", kp_update_features_request_update, request_update_fields)};

static const struct kp_field request_fields[] = {
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = 60000,
     KP_AT(kp_update_features_request, timeout_ms)},
    {"featureUpdates", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_update_features_request_update_schema,
     KP_AT(kp_update_features_request, feature_updates)},
    {"validateOnly", KP_BOOL, .versions = KP_SINCE(1),
     KP_AT(kp_update_features_request, validate_only)},
};
const struct kp_schema kp_update_features_request_schema = {
    KP_SCHEMA("UpdateFeaturesRequest", kp_update_features_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_result_fields[] = {
    {"feature", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_update_features_response_result, feature)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_update_features_response_result, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_update_features_response_result, error_message)},
};
const struct kp_schema kp_update_features_response_result_schema = {
    KP_SCHEMA("result", kp_update_features_response_result, response_result_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_update_features_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_update_features_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_update_features_response, error_message)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_RANGE(0, 1),
     .item = &kp_update_features_response_result_schema,
     KP_AT(kp_update_features_response, results)},
};
const struct kp_schema kp_update_features_response_schema = {
    KP_SCHEMA("UpdateFeaturesResponse", kp_update_features_response, response_fields),
    .flexible_from = 0};
