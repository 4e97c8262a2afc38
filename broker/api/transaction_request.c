/* The way from a request to the coordinator of its transactional id, and the ends of it. */
#include "broker/api/transaction_request.h"

#include "base/container_of.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "protocol/kafka_error.h"

/* A call that cannot be canceled ends the request when it is done. */
static void client_gone(struct request *request) {
    struct transaction_request *transaction = request->state;
    coordinators_find_cancel(&transaction->find);
    if (!transaction->calls || transaction_call_cancel(&transaction->call))
        request_respond_nothing(request);
}

static void on_done(struct transaction_call *call) {
    struct transaction_request *transaction = CONTAINER_OF(call, struct transaction_request, call);
    transaction->calls = false;
    transaction->request->canceled = NULL;
    transaction->answer(transaction, call->error);
}

static void on_found(struct coordinator_find *find, void *state, int16_t error) {
    struct transaction_request *transaction = CONTAINER_OF(find, struct transaction_request, find);
    if (error != KAFKA_NONE) {
        transaction->request->canceled = NULL;
        transaction->answer(transaction, error);
        return;
    }
    transaction->calls = true;
    transaction->call.done = on_done;
    transaction_coordinator_call(state, &transaction->call);
}

static int16_t check(struct transaction_request *transaction) {
    struct kp_string id = transaction->call.id;
    if (id.len <= 0) return KAFKA_INVALID_REQUEST;
    return authorize(&transaction->request->ctx, AUTHORIZE_WRITE, AUTHORIZE_TRANSACTIONAL_ID,
                     id.data, (size_t)id.len)
               ? KAFKA_NONE
               : KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

bool transaction_request_allowed(struct transaction_request *transaction) {
    int16_t error = check(transaction);
    transaction->allowed = error == KAFKA_NONE;
    if (error != KAFKA_NONE) transaction->answer(transaction, error); /* it is gone with that */
    return error == KAFKA_NONE;
}

void transaction_request_begin(struct transaction_request *transaction) {
    struct request *request = transaction->request;
    struct kp_string id = transaction->call.id;
    request->state = transaction;
    transaction->call.connected_us = request->ctx.connected_us;
    if (!transaction->allowed && !transaction_request_allowed(transaction)) return;
    transaction->find.done = on_found;
    request->canceled = client_gone;
    coordinators_find(transaction->services->transaction_coordinators, id.data, (size_t)id.len,
                      &transaction->find);
}

int16_t transaction_request_code(const struct request *request, int16_t error, int fenced_from) {
    bool old = error == KAFKA_PRODUCER_FENCED && request->api_version < fenced_from;
    return old ? KAFKA_INVALID_PRODUCER_EPOCH : error;
}
