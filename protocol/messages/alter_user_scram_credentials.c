/*
 * The fields of AlterUserScramCredentials, version by version, as tables; protocol/schema.h says
 * how they are read.
 *
 * Specification: the messages AlterUserScramCredentialsRequest and
 * AlterUserScramCredentialsResponse of the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/alter_user_scram_credentials.h"

static const struct kp_field request_deletion_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_request_deletion, name)},
    {"mechanism", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_request_deletion, mechanism)},
};
const struct kp_schema kp_alter_user_scram_credentials_request_deletion_schema = {KP_SCHEMA(
    "deletion", kp_alter_user_scram_credentials_request_deletion, request_deletion_fields)};

static const struct kp_field request_upsertion_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_request_upsertion, name)},
    {"mechanism", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_request_upsertion, mechanism)},
    {"iterations", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_request_upsertion, iterations)},
    {"salt", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_request_upsertion, salt)},
    {"saltedPassword", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_request_upsertion, salted_password)},
};
const struct kp_schema kp_alter_user_scram_credentials_request_upsertion_schema = {KP_SCHEMA(
    "upsertion", kp_alter_user_scram_credentials_request_upsertion, request_upsertion_fields)};

static const struct kp_field request_fields[] = {
    {"deletions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_user_scram_credentials_request_deletion_schema,
     KP_AT(kp_alter_user_scram_credentials_request, deletions)},
    {"upsertions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_user_scram_credentials_request_upsertion_schema,
     KP_AT(kp_alter_user_scram_credentials_request, upsertions)},
};
const struct kp_schema kp_alter_user_scram_credentials_request_schema = {
    KP_SCHEMA("AlterUserScramCredentialsRequest", kp_alter_user_scram_credentials_request,
              request_fields),
    .flexible_from = 0};

static const struct kp_field response_result_fields[] = {
    {"user", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_response_result, user)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_response_result, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_response_result, error_message)},
};
const struct kp_schema kp_alter_user_scram_credentials_response_result_schema = {
    KP_SCHEMA("result", kp_alter_user_scram_credentials_response_result, response_result_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_alter_user_scram_credentials_response, throttle_time_ms)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_alter_user_scram_credentials_response_result_schema,
     KP_AT(kp_alter_user_scram_credentials_response, results)},
};
const struct kp_schema kp_alter_user_scram_credentials_response_schema = {
    KP_SCHEMA("AlterUserScramCredentialsResponse", kp_alter_user_scram_credentials_response,
              response_fields),
    .flexible_from = 0};
