/*
 * InitProducerId (key 22): an identity for a producer.
 *
 * Happy path: without a transactional id, a producer id that nobody ever had, epoch 0, from any
 * broker. With one, its coordinator answers: the same producer id with another epoch, and what the
 * instance before left open is aborted first (KIP-98, KIP-360).
 * Failures: an empty transactional id, or an id without its epoch: INVALID_REQUEST;
 * INVALID_TRANSACTION_TIMEOUT (not above 0, or above transaction.max.timeout.ms); those of
 * transaction_request.h and transaction_judge_init; PRODUCER_FENCED is INVALID_PRODUCER_EPOCH below
 * version 4; CLUSTER_AUTHORIZATION_FAILED for who may neither write idempotently nor to any topic
 * (KIP-679). No metadata leader: a retriable error.
 */
#include "protocol/messages/init_producer_id.h"

#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/transaction_request.h"
#include "broker/metadata/asking/producer_ids.h"
#include "protocol/kafka_error.h"

enum { FENCED_FROM = 4 };

struct waiting {
    struct producer_id_wait wait;
    struct request *request;
};

static void id_answer(struct request *request, int16_t error, int64_t id, int16_t epoch) {
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_response_schema, &response);
    response.error_code = error;
    response.producer_id = error == KAFKA_NONE ? id : -1;
    response.producer_epoch = error == KAFKA_NONE ? epoch : -1;
    request_respond(request, &response);
}

/* ---- Idempotence only ---- */

static void on_id(struct producer_id_wait *wait, int16_t error, int64_t id) {
    struct waiting *waiting = (struct waiting *)wait; /* its first field */
    /* Every client repeats the request for this one, and gives up on what the metadata group says.
     */
    id_answer(waiting->request, error == 0 ? 0 : KAFKA_COORDINATOR_LOAD_IN_PROGRESS, id, 0);
    mem_free(waiting);
}

/* ---- Transactions ---- */

static void init_answer(struct transaction_request *transaction, int16_t error) {
    id_answer(transaction->request,
              transaction_request_code(transaction->request, error, FENCED_FROM),
              transaction->call.producer_id, transaction->call.epoch);
}

static void init_transactional(const struct broker_services *services, struct request *request) {
    const struct kp_init_producer_id_request *asked = request->message;
    int32_t timeout_ms = asked->transaction_timeout_ms;
    struct transaction_request *transaction = kp_arena_alloc(&request->arena, sizeof *transaction);
    if (transaction == NULL) {
        request_close_too_large(request);
        return;
    }
    if (timeout_ms <= 0 || timeout_ms > services->settings->transaction_max_timeout_ms) {
        id_answer(request, KAFKA_INVALID_TRANSACTION_TIMEOUT, -1, -1);
        return;
    }
    transaction->request = request;
    transaction->services = services;
    transaction->answer = init_answer;
    transaction->call.kind = TRANSACTION_INIT;
    transaction->call.id = asked->transactional_id;
    transaction->call.init = (struct transaction_init_ask){.producer_id = asked->producer_id,
                                                           .epoch = asked->producer_epoch,
                                                           .timeout_ms = timeout_ms};
    transaction_request_begin(transaction);
}

void api_init_producer_id(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_init_producer_id_request *asked = request->message;
    bool half = (asked->producer_id == -1) !=
                (asked->producer_epoch == -1); /* KIP-360: both or none */
    if (asked->transactional_id.len == 0 || half) {
        id_answer(request, KAFKA_INVALID_REQUEST, -1, -1);
        return;
    }
    if (asked->transactional_id.len >= 0) {
        init_transactional(services, request);
        return;
    }
    if (!authorize_has(&request->ctx, AUTHORIZE_IDEMPOTENT_WRITE, AUTHORIZE_CLUSTER, NULL, 0) &&
        !authorize_some(&request->ctx, AUTHORIZE_WRITE, AUTHORIZE_TOPIC)) {
        id_answer(request, KAFKA_CLUSTER_AUTHORIZATION_FAILED, -1, -1);
        return;
    }
    struct waiting *waiting = mem_zalloc(sizeof *waiting);
    waiting->wait.done = on_id;
    waiting->request = request;
    producer_ids_take(services->producer_ids, &waiting->wait);
}
