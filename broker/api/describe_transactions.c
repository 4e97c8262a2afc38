/*
 * DescribeTransactions (key 65): transactions by their ids. There are no transactions yet, and so
 * no transactional id is known: TRANSACTIONAL_ID_NOT_FOUND for each, INVALID_REQUEST for an empty
 * one. In steps: a request may name many.
 */
#include "protocol/messages/describe_transactions.h"

#include "broker/api/handlers.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { IDS_OF_A_STEP = 64 };

static bool answer_next_ids(struct request *request) {
    const struct kp_describe_transactions_request *asked = request->message;
    struct kp_describe_transactions_response *response = request->state;
    for (int n = 0; n < IDS_OF_A_STEP; n++) {
        int32_t at = response->transaction_states.count;
        if (at >= asked->transactional_ids.count) {
            request_respond_kept(request, response);
            return false;
        }
        struct kp_describe_transactions_response_transaction *row =
            &response->transaction_states.items[response->transaction_states.count++];
        kp_set_fallbacks(&kp_describe_transactions_response_transaction_schema, row);
        row->transactional_id = asked->transactional_ids.items[at];
        row->error_code = row->transactional_id.len == 0 ? KAFKA_INVALID_REQUEST
                                                         : KAFKA_TRANSACTIONAL_ID_NOT_FOUND;
    }
    return true;
}

void api_describe_transactions(void *service, struct request *request) {
    (void)service;
    const struct kp_describe_transactions_request *asked = request->message;
    struct kp_describe_transactions_response *response = kp_arena_alloc(&request->arena,
                                                                        sizeof *response);
    size_t count = asked->transactional_ids.count < 0 ? 0 : (size_t)asked->transactional_ids.count;
    kp_set_fallbacks(&kp_describe_transactions_response_schema, response);
    response->transaction_states.items = kp_arena_alloc(
        &request->arena, (count + 1) * sizeof *response->transaction_states.items);
    request->state = response;
    if (response->transaction_states.items != NULL)
        request_steps(request, answer_next_ids);
    else
        request_close_too_large(request);
}
