/*
 * FindCoordinator: there are no groups and no transactions yet, and the answer must make clients stop and say so.
 *
 * It is served all the same, because librdkafka takes its version 0 as support for LZ4. COORDINATOR_NOT_AVAILABLE would make every consumer
 * of a group ask again for ever; an authorization error is the one that all clients hand to their user, with its message.
 */
#include "protocol/find_coordinator.h"
#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

enum key_type { KEY_GROUP, KEY_TRANSACTION };

static int16_t refuse(int8_t key_type, struct kp_string *message) {
    if (key_type == KEY_GROUP) {
        *message = kp_string_of(
            "This broker has no consumer groups yet: consume without a group, with assigned partitions.");
        return KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    if (key_type == KEY_TRANSACTION) {
        *message = kp_string_of("This broker has no transactions yet: produce without a transactional.id.");
        return KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
    *message = kp_string_of("The key type must be 0 (group) or 1 (transaction).");
    return KAFKA_INVALID_REQUEST;
}

void api_find_coordinator(void *service, struct request *request) {
    (void)service;
    const struct kp_find_coordinator_request *in = request->message;
    struct kp_find_coordinator_response out;
    struct kp_string message;
    kp_set_fallbacks(&kp_find_coordinator_response_schema, &out);
    int16_t code = refuse(in->key_type, &message);
    out.node_id = -1;
    out.port = -1;
    if (request->api_version < 4) {
        out.error_code = code;
        out.error_message = message;
    } else if (in->coordinator_keys.count > 0) {
        struct kp_find_coordinator_response_coordinator *each = kp_new_items(
            &request->arena, &kp_find_coordinator_response_coordinator_schema, &out.coordinators,
            in->coordinator_keys.count);
        if (each == NULL) {
            request_close_connection(request);
            return;
        }
        for (int32_t i = 0; i < in->coordinator_keys.count; i++) {
            each[i].key = in->coordinator_keys.items[i];
            each[i].node_id = -1;
            each[i].port = -1;
            each[i].error_code = code;
            each[i].error_message = message;
        }
    }
    request_respond(request, &out);
}
