/*
 * UpdateFeatures (key 57): features of the cluster are set to other levels. KIP-584, KIP-778.
 *
 * Versions 0 to 2. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_UPDATE_FEATURES_H
#define PROTOCOL_MESSAGES_UPDATE_FEATURES_H

#include "protocol/schema.h"

struct kp_update_features_request_update {
    struct kp_string feature;
    int16_t max_version_level; /* the level */
    bool allow_downgrade;      /* 0 */
    int8_t upgrade_type;       /* 1+; 1 upgrade, 2 safe downgrade, 3 unsafe downgrade */
};

struct kp_update_features_request {
    int32_t timeout_ms;
    KP_ARRAY_OF(struct kp_update_features_request_update) feature_updates;
    bool validate_only; /* 1+ */
};

struct kp_update_features_response_result {
    struct kp_string feature;
    int16_t error_code;
    struct kp_string error_message; /* null: none */
};

struct kp_update_features_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;                                 /* null: none */
    KP_ARRAY_OF(struct kp_update_features_response_result) results; /* 0-1 */
};

extern const struct kp_schema kp_update_features_request_update_schema;
extern const struct kp_schema kp_update_features_request_schema;
extern const struct kp_schema kp_update_features_response_result_schema;
extern const struct kp_schema kp_update_features_response_schema;

#endif
