/*
 * DescribeUserScramCredentials (key 50): by which mechanisms users can log in. KIP-554.
 *
 * Version 0. Numbers in comments are versions; fields that a version lacks have their fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_USER_SCRAM_CREDENTIALS_H
#define PROTOCOL_MESSAGES_DESCRIBE_USER_SCRAM_CREDENTIALS_H

#include "protocol/schema.h"

struct kp_describe_user_scram_credentials_request_user {
    struct kp_string name;
};

struct kp_describe_user_scram_credentials_request {
    KP_ARRAY_OF(struct kp_describe_user_scram_credentials_request_user)
    users; /* null or empty: all */
};

struct kp_describe_user_scram_credentials_response_credential {
    int8_t mechanism; /* 1 SCRAM-SHA-256, 2 SCRAM-SHA-512 */
    int32_t iterations;
};

struct kp_describe_user_scram_credentials_response_result {
    struct kp_string user;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_describe_user_scram_credentials_response_credential) credential_infos;
};

struct kp_describe_user_scram_credentials_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_describe_user_scram_credentials_response_result) results;
};

extern const struct kp_schema kp_describe_user_scram_credentials_request_user_schema;
extern const struct kp_schema kp_describe_user_scram_credentials_request_schema;
extern const struct kp_schema kp_describe_user_scram_credentials_response_credential_schema;
extern const struct kp_schema kp_describe_user_scram_credentials_response_result_schema;
extern const struct kp_schema kp_describe_user_scram_credentials_response_schema;

#endif
