/*
 * EndTxn (key 26): a producer commits or aborts its transaction.
 *
 * The answer leaves when the decision is durable; the markers follow by themselves. From version 5
 * on the epoch of the producer is raised by it (KIP-890), and the answer has the next one.
 * One that was held up until its producer was on a later connection ends nothing, and has its
 * connection closed. Failures: those of transaction_request.h and transaction_judge_end;
 * PRODUCER_FENCED is INVALID_PRODUCER_EPOCH below version 2.
 */
#include "protocol/messages/end_txn.h"

#include "broker/api/handlers.h"
#include "broker/api/transaction_request.h"
#include "protocol/kafka_error.h"

enum { FENCED_FROM = 2, RAISES_EPOCH_FROM = 5 };

static void end_answer(struct transaction_request *transaction, int16_t error) {
    struct kp_end_txn_response response;
    if (error == KAFKA_NETWORK_EXCEPTION) {
        request_close_connection(transaction->request);
        return;
    }
    kp_set_fallbacks(&kp_end_txn_response_schema, &response);
    response.error_code = transaction_request_code(transaction->request, error, FENCED_FROM);
    if (error == KAFKA_NONE) {
        response.producer_id = transaction->call.producer_id;
        response.producer_epoch = transaction->call.epoch;
    }
    request_respond(transaction->request, &response);
}

void api_end_txn(void *service, struct request *request) {
    const struct kp_end_txn_request *in = request->message;
    struct transaction_request *transaction = kp_arena_alloc(&request->arena, sizeof *transaction);
    if (transaction == NULL) {
        request_close_too_large(request);
        return;
    }
    transaction->request = request;
    transaction->services = service;
    transaction->answer = end_answer;
    transaction->call.kind = TRANSACTION_END;
    transaction->call.id = in->transactional_id;
    transaction->call.end = (struct transaction_end_ask){.producer_id = in->producer_id,
                                                         .epoch = in->producer_epoch,
                                                         .commit = in->committed,
                                                         .raises_epoch = request->api_version >=
                                                                         RAISES_EPOCH_FROM};
    transaction_request_begin(transaction);
}
