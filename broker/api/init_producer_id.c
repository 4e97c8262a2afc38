/*
 * InitProducerId (key 22): an identity for an idempotent producer.
 *
 * Happy path: an id that nobody ever had, epoch 0. Failures: a transactional id is refused with
 * TRANSACTIONAL_ID_AUTHORIZATION_FAILED until there are transactions, so that clients stop and say
 * it (docs/protocol.md); an empty one, or an id without its epoch: INVALID_REQUEST; no metadata
 * leader: a retriable error.
 */
#include "protocol/messages/init_producer_id.h"

#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/asking/producer_ids.h"
#include "protocol/kafka_error.h"

struct waiting {
    struct producer_id_wait wait;
    struct request *request;
};

static void id_answer(struct request *request, int16_t error, int64_t id) {
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_response_schema, &response);
    response.error_code = error;
    response.producer_id = error == 0 ? id : -1;
    response.producer_epoch = error == 0 ? 0 : -1;
    request_respond(request, &response);
}

static void on_id(struct producer_id_wait *wait, int16_t error, int64_t id) {
    struct waiting *waiting = (struct waiting *)wait; /* its first field */
    /* Every client repeats the request for this one, and gives up on what the metadata group says.
     */
    id_answer(waiting->request, error == 0 ? 0 : KAFKA_COORDINATOR_LOAD_IN_PROGRESS, id);
    mem_free(waiting);
}

void api_init_producer_id(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_init_producer_id_request *asked = request->message;
    bool half = (asked->producer_id == -1) !=
                (asked->producer_epoch == -1); /* KIP-360: both or none */
    if (asked->transactional_id.len == 0 || half) {
        id_answer(request, KAFKA_INVALID_REQUEST, -1);
        return;
    }
    if (asked->transactional_id.len >= 0) {
        id_answer(request, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1);
        return;
    }
    struct waiting *waiting = mem_zalloc(sizeof *waiting);
    waiting->wait.done = on_id;
    waiting->request = request;
    producer_ids_take(services->producer_ids, &waiting->wait);
}
