/* The fields of ClientStatus, as tables; protocol/schema.h says how they are read. */
#include "protocol/messages/client_status.h"

static const struct kp_field request_fields[] = {
    {"clientsAfter", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_client_status_request, clients_after)},
    {"tracedAfter", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_client_status_request, traced_after)},
    {"tracedClient", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_client_status_request, traced_client)},
};
const struct kp_schema kp_client_status_request_schema = {
    KP_SCHEMA("ClientStatusRequest", kp_client_status_request, request_fields), .flexible_from = 0};

static const struct kp_field client_fields[] = {
    {"id", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_client_status_response_client, id)},
    {"listener", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, listener)},
    {"peer", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_client_status_response_client, peer)},
    {"clientId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, client_id)},
    {"software", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, software)},
    {"version", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, version)},
    {"connectedAgeMs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, connected_age_ms)},
    {"requestAgeMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_client_status_response_client, request_age_ms)},
    {"lastApi", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, last_api)},
    {"requests", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, requests)},
    {"errors", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_client_status_response_client, errors)},
    {"receivedBytes", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, received_bytes)},
    {"sentBytes", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_client, sent_bytes)},
};
const struct kp_schema kp_client_status_response_client_schema = {
    KP_SCHEMA("client", kp_client_status_response_client, client_fields)};

static const struct kp_field traced_fields[] = {
    {"id", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_client_status_response_request, id)},
    {"client", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_client_status_response_request, client)},
    {"peer", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_client_status_response_request, peer)},
    {"clientId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_request, client_id)},
    {"timeMs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_request, time_ms)},
    {"apiKey", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_request, api_key)},
    {"apiVersion", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_request, api_version)},
    {"error", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_client_status_response_request, error)},
    {"requestBytes", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_request, request_bytes)},
    {"answerBytes", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_request, answer_bytes)},
    {"tookUs", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_client_status_response_request, took_us)},
};
const struct kp_schema kp_client_status_response_request_schema = {
    KP_SCHEMA("request", kp_client_status_response_request, traced_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_client_status_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_client_status_response, error_message)},
    {"clients", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRUCT,
     .item = &kp_client_status_response_client_schema, KP_AT(kp_client_status_response, clients)},
    {"requests", KP_ARRAY, .versions = KP_SINCE(0), .element = KP_STRUCT,
     .item = &kp_client_status_response_request_schema, KP_AT(kp_client_status_response, requests)},
};
const struct kp_schema kp_client_status_response_schema = {
    KP_SCHEMA("ClientStatusResponse", kp_client_status_response, response_fields),
    .flexible_from = 0};
