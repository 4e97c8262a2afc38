/*
 * ApiVersions (key 18): what this broker speaks. KIP-35, KIP-511 (3), KIP-584 (features), KIP-1242
 * (5). Its response header is version 0 always.
 *
 * Versions 0 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_API_VERSIONS_H
#define PROTOCOL_MESSAGES_API_VERSIONS_H

#include "protocol/schema.h"

struct kp_api_versions_request {
    struct kp_string client_software_name;
    struct kp_string client_software_version;
    struct kp_string cluster_id; /* 5+: whom the client means to speak to; null: not said */
    int32_t node_id;             /* 5+; -1: not said */
};

struct kp_api_versions_response_api {
    int16_t api_key;
    int16_t min_version;
    int16_t max_version;
};

struct kp_api_versions_response_supported_feature {
    struct kp_string name;
    int16_t min_version;
    int16_t max_version;
};

struct kp_api_versions_response_finalized_feature {
    struct kp_string name;
    int16_t max_version_level;
    int16_t min_version_level;
};

struct kp_api_versions_response {
    int16_t error_code;
    KP_ARRAY_OF(struct kp_api_versions_response_api) api_keys;
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_api_versions_response_supported_feature) supported_features;
    int64_t finalized_features_epoch; /* 3+, tagged; -1: unknown */
    KP_ARRAY_OF(struct kp_api_versions_response_finalized_feature) finalized_features;
    bool zk_migration_ready;
};

extern const struct kp_schema kp_api_versions_request_schema;
extern const struct kp_schema kp_api_versions_response_schema;
extern const struct kp_schema kp_api_versions_response_finalized_feature_schema;
extern const struct kp_schema kp_api_versions_response_supported_feature_schema;
extern const struct kp_schema kp_api_versions_response_api_schema;

#endif
