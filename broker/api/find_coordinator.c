/*
 * FindCoordinator: there are no groups and no transactions yet, and the answer must make clients
 * stop and say so.
 *
 * It is served all the same, because librdkafka takes its version 0 as support for LZ4.
 * COORDINATOR_NOT_AVAILABLE would make every consumer of a group ask again for ever; an
 * authorization error is the one that all clients hand to their user, with its message.
 */
#include "protocol/messages/find_coordinator.h"
#include "broker/api/handlers.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum key_type { KEY_GROUP, KEY_TRANSACTION };
enum { LIST_VERSION = 4, KEYS_OF_A_STEP = 256 };

static int16_t coordinator_refuse(int8_t key_type, struct kp_string *message) {
    if (key_type == KEY_GROUP) {
        *message = kp_string_of(
            "This broker has no consumer groups yet: consume without a group, with assigned partitions.");
        return KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    if (key_type == KEY_TRANSACTION) {
        *message = kp_string_of(
            "This broker has no transactions yet: produce without a transactional.id.");
        return KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
    *message = kp_string_of("The key type must be 0 (group) or 1 (transaction).");
    return KAFKA_INVALID_REQUEST;
}

/* The keys of one request, of which there may be a million; in its arena. */
struct finding {
    struct kp_find_coordinator_response response;
    int16_t code;
    struct kp_string message;
    int32_t count;
};

static bool refuse_next(struct request *request) {
    const struct kp_find_coordinator_request *in = request->message;
    struct finding *finding = request->state;
    struct kp_find_coordinator_response *out = &finding->response;
    for (int32_t until = out->coordinators.count + KEYS_OF_A_STEP;
         out->coordinators.count < finding->count && out->coordinators.count < until;
         out->coordinators.count++) {
        struct kp_find_coordinator_response_coordinator *one =
            &out->coordinators.items[out->coordinators.count];
        kp_set_fallbacks(&kp_find_coordinator_response_coordinator_schema, one);
        one->key = in->coordinator_keys.items[out->coordinators.count];
        one->node_id = -1;
        one->port = -1;
        one->error_code = finding->code;
        one->error_message = finding->message;
    }
    if (out->coordinators.count < finding->count) return true;
    request_respond_kept(request, out);
    return false;
}

void api_find_coordinator(void *service, struct request *request) {
    (void)service;
    const struct kp_find_coordinator_request *in = request->message;
    struct finding *finding = kp_arena_alloc(&request->arena, sizeof *finding);
    if (finding == NULL) {
        request_close_too_large(request);
        return;
    }
    kp_set_fallbacks(&kp_find_coordinator_response_schema, &finding->response);
    finding->code = coordinator_refuse(in->key_type, &finding->message);
    finding->response.node_id = -1;
    finding->response.port = -1;
    if (request->api_version < LIST_VERSION) {
        finding->response.error_code = finding->code;
        finding->response.error_message = finding->message;
        request_respond(request, &finding->response);
        return;
    }
    finding->count = in->coordinator_keys.count > 0 ? in->coordinator_keys.count : 0;
    finding->response.coordinators.items = kp_arena_alloc(
        &request->arena, (size_t)finding->count * sizeof *finding->response.coordinators.items);
    finding->response.coordinators.count = 0;
    request->state = finding;
    if (finding->response.coordinators.items != NULL)
        request_steps(request, refuse_next);
    else
        request_close_too_large(request);
}
