/*
 * AlterUserScramCredentials (key 51): passwords of users, set and taken away. KIP-554.
 *
 * Version 0. A password itself never travels: what does is made of it, and is as good as it.
 */
#ifndef PROTOCOL_MESSAGES_ALTER_USER_SCRAM_CREDENTIALS_H
#define PROTOCOL_MESSAGES_ALTER_USER_SCRAM_CREDENTIALS_H

#include "protocol/schema.h"

struct kp_alter_user_scram_credentials_request_deletion {
    struct kp_string name;
    int8_t mechanism; /* 1 SCRAM-SHA-256, 2 SCRAM-SHA-512 */
};

struct kp_alter_user_scram_credentials_request_upsertion {
    struct kp_string name;
    int8_t mechanism;
    int32_t iterations;
    struct kp_bytes salt, salted_password;
};

struct kp_alter_user_scram_credentials_request {
    KP_ARRAY_OF(struct kp_alter_user_scram_credentials_request_deletion) deletions;
    KP_ARRAY_OF(struct kp_alter_user_scram_credentials_request_upsertion) upsertions;
};

struct kp_alter_user_scram_credentials_response_result {
    struct kp_string user;
    int16_t error_code;
    struct kp_string error_message;
};

struct kp_alter_user_scram_credentials_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_alter_user_scram_credentials_response_result) results;
};

extern const struct kp_schema kp_alter_user_scram_credentials_request_deletion_schema;
extern const struct kp_schema kp_alter_user_scram_credentials_request_upsertion_schema;
extern const struct kp_schema kp_alter_user_scram_credentials_request_schema;
extern const struct kp_schema kp_alter_user_scram_credentials_response_result_schema;
extern const struct kp_schema kp_alter_user_scram_credentials_response_schema;

#endif
