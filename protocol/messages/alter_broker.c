/*
 * The fields of AlterBroker, version by version, as tables; protocol/schema.h says how they are
 * read.
 */
#include "protocol/messages/alter_broker.h"

static const struct kp_field request_fields[] = {
    {"brokerId", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_alter_broker_request, broker_id)},
    {"change", KP_INT8, .versions = KP_SINCE(0), KP_AT(kp_alter_broker_request, change)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_alter_broker_request, timeout_ms)},
    {"validateOnly", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_alter_broker_request, validate_only)},
    {"acceptLoss", KP_BOOL, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(kp_alter_broker_request, accept_loss)},
    {"voters", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 1, KP_AT(kp_alter_broker_request, voters)},
    {"group", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 2,
     KP_AT(kp_alter_broker_request, group)},
    {"replica", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 3,
     KP_AT(kp_alter_broker_request, replica)},
    {"entryTerm", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 4,
     KP_AT(kp_alter_broker_request, entry_term)},
    {"entryIndex", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 5,
     KP_AT(kp_alter_broker_request, entry_index)},
    {"lost", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 6, KP_AT(kp_alter_broker_request, lost)},
    {"unread", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 7, KP_AT(kp_alter_broker_request, unread)},
};
const struct kp_schema kp_alter_broker_request_schema = {
    KP_SCHEMA("AlterBrokerRequest", kp_alter_broker_request, request_fields), .flexible_from = 0};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_alter_broker_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_alter_broker_response, error_message)},
};
const struct kp_schema kp_alter_broker_response_schema = {
    KP_SCHEMA("AlterBrokerResponse", kp_alter_broker_response, response_fields),
    .flexible_from = 0};
