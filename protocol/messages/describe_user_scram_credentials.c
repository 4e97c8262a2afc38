/*
 * The fields of DescribeUserScramCredentials, version by version, as tables; protocol/schema.h says
 * how they are read.
 *
 * Specification: the messages DescribeUserScramCredentialsRequest and
 * DescribeUserScramCredentialsResponse of the Kafka protocol. The golden frames prove each row.
 */
#include "protocol/messages/describe_user_scram_credentials.h"

static const struct kp_field request_user_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_request_user, name)},
};
const struct kp_schema kp_describe_user_scram_credentials_request_user_schema = {
    KP_SCHEMA("user", kp_describe_user_scram_credentials_request_user, request_user_fields)};

static const struct kp_field request_fields[] = {
    {"users", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .item = &kp_describe_user_scram_credentials_request_user_schema,
     KP_AT(kp_describe_user_scram_credentials_request, users)},
};
const struct kp_schema kp_describe_user_scram_credentials_request_schema = {
    KP_SCHEMA("DescribeUserScramCredentialsRequest", kp_describe_user_scram_credentials_request,
              request_fields),
    .flexible_from = 0};

static const struct kp_field response_credential_fields[] = {
    {"mechanism", KP_INT8, .versions = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response_credential, mechanism)},
    {"iterations", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response_credential, iterations)},
};
const struct kp_schema kp_describe_user_scram_credentials_response_credential_schema = {
    KP_SCHEMA("credential", kp_describe_user_scram_credentials_response_credential,
              response_credential_fields)};

static const struct kp_field response_result_fields[] = {
    {"user", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response_result, user)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response_result, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response_result, error_message)},
    {"credentialInfos", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_user_scram_credentials_response_credential_schema,
     KP_AT(kp_describe_user_scram_credentials_response_result, credential_infos)},
};
const struct kp_schema kp_describe_user_scram_credentials_response_result_schema = {KP_SCHEMA(
    "result", kp_describe_user_scram_credentials_response_result, response_result_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_describe_user_scram_credentials_response, error_message)},
    {"results", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_describe_user_scram_credentials_response_result_schema,
     KP_AT(kp_describe_user_scram_credentials_response, results)},
};
const struct kp_schema kp_describe_user_scram_credentials_response_schema = {
    KP_SCHEMA("DescribeUserScramCredentialsResponse", kp_describe_user_scram_credentials_response,
              response_fields),
    .flexible_from = 0};
