/*
 * The fields of ApiVersions, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages ApiVersionsRequest and ApiVersionsResponse of the Kafka protocol. The
 * golden frames prove each row.
 */
#include "protocol/messages/api_versions.h"

static const struct kp_field request_fields[] = {
    {"clientSoftwareName", KP_STRING, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_request, client_software_name)},
    {"clientSoftwareVersion", KP_STRING, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_request, client_software_version)},
    {"clusterId", KP_STRING, .versions = KP_SINCE(5), .nullable = KP_SINCE(5),
     .null_fallback = true, KP_AT(kp_api_versions_request, cluster_id)},
    {"nodeId", KP_INT32, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_api_versions_request, node_id)},
};
const struct kp_schema kp_api_versions_request_schema = {
    KP_SCHEMA("ApiVersionsRequest", kp_api_versions_request, request_fields), .flexible_from = 3};

static const struct kp_field response_api_fields[] = {
    {"apiKey", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_api_versions_response_api, api_key)},
    {"minVersion", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_api_versions_response_api, min_version)},
    {"maxVersion", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_api_versions_response_api, max_version)},
};
const struct kp_schema kp_api_versions_response_api_schema = {
    KP_SCHEMA("api", kp_api_versions_response_api, response_api_fields)};

static const struct kp_field response_supported_feature_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_response_supported_feature, name)},
    {"minVersion", KP_INT16, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_response_supported_feature, min_version)},
    {"maxVersion", KP_INT16, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_response_supported_feature, max_version)},
};
const struct kp_schema kp_api_versions_response_supported_feature_schema = {
    KP_SCHEMA("supported_feature", kp_api_versions_response_supported_feature,
              response_supported_feature_fields)};

static const struct kp_field response_finalized_feature_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_response_finalized_feature, name)},
    {"maxVersionLevel", KP_INT16, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_response_finalized_feature, max_version_level)},
    {"minVersionLevel", KP_INT16, .versions = KP_SINCE(3),
     KP_AT(kp_api_versions_response_finalized_feature, min_version_level)},
};
const struct kp_schema kp_api_versions_response_finalized_feature_schema = {
    KP_SCHEMA("finalized_feature", kp_api_versions_response_finalized_feature,
              response_finalized_feature_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_api_versions_response, error_code)},
    {"apiKeys", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_api_versions_response_api_schema, KP_AT(kp_api_versions_response, api_keys)},
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_api_versions_response, throttle_time_ms)},
    {"supportedFeatures", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(3),
     .tagged = KP_SINCE(3), .tag = 0, .item = &kp_api_versions_response_supported_feature_schema,
     KP_AT(kp_api_versions_response, supported_features)},
    {"finalizedFeaturesEpoch", KP_INT64, .versions = KP_SINCE(3), .tagged = KP_SINCE(3), .tag = 1,
     .fallback = -1, KP_AT(kp_api_versions_response, finalized_features_epoch)},
    {"finalizedFeatures", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(3),
     .tagged = KP_SINCE(3), .tag = 2, .item = &kp_api_versions_response_finalized_feature_schema,
     KP_AT(kp_api_versions_response, finalized_features)},
    {"zkMigrationReady", KP_BOOL, .versions = KP_SINCE(3), .tagged = KP_SINCE(3), .tag = 3,
     KP_AT(kp_api_versions_response, zk_migration_ready)},
};
const struct kp_schema kp_api_versions_response_schema = {
    KP_SCHEMA("ApiVersionsResponse", kp_api_versions_response, response_fields),
    .flexible_from = 3};
