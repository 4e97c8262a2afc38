/*
 * UnregisterBroker (key 64): `drave broker remove`, as Kafka's tools ask for it. At any broker.
 *
 * Happy path: a broker that is stopped and holds nothing is taken out of the cluster, and the
 * answer leaves when this broker's table has it. Kafka takes the registration of any broker, and
 * leaves it its replicas; here neither id nor directory ever comes back, so who serves, holds or
 * votes is refused: POLICY_VIOLATION, with what to do first. Failures: BROKER_ID_NOT_REGISTERED;
 * what the metadata leader says.
 */
#include "protocol/messages/unregister_broker.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "protocol/kafka_error.h"

enum { UNREGISTER_MS = 30 * 1000 }; /* the request says nothing of its own */

struct unregistering {
    struct request *request;
    struct metadata_submit submit;
};

static void unregister_answer(struct request *request, int16_t error, const char *message) {
    struct kp_unregister_broker_response response;
    kp_set_fallbacks(&kp_unregister_broker_response_schema, &response);
    response.error_code = error;
    response.error_message = error == KAFKA_NONE ? KP_NULL_STRING : kp_string_of(message);
    request_respond(request, &response);
}

static void on_unregistered(struct metadata_submit *submit, const struct metadata_result *result) {
    struct unregistering *asking = CONTAINER_OF(submit, struct unregistering, submit);
    unregister_answer(asking->request, result->error, result->message);
    mem_free(asking);
}

void api_unregister_broker(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_unregister_broker_request *asked = request->message;
    struct metadata_change change = {.validate_only = false};
    if (!authorize(&request->ctx, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, NULL, 0)) {
        unregister_answer(request, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
                          kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED));
        return;
    }
    metadata_command_init(&change.command, COMMAND_RETIRE_BROKER);
    change.command.retire_broker.node = asked->broker_id;
    struct unregistering *asking = mem_zalloc(sizeof *asking);
    asking->request = request;
    asking->submit.done = on_unregistered;
    metadata_group_submit(services->metadata_group, &asking->submit, &change, UNREGISTER_MS);
}
