/*
 * DescribeTransactions (key 65): transactions by their ids, from their coordinators. KIP-664.
 *
 * In steps: a request may name many. What is said is what has committed, and needs no confirmation:
 * it is for people. Failures are per id: INVALID_REQUEST (empty), NOT_COORDINATOR,
 * TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_NOT_FOUND.
 */
#include "protocol/messages/describe_transactions.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct describing {
    const struct broker_services *services;
    struct request *request;
    struct kp_describe_transactions_response response;
    struct coordinator_find find; /* of the last row's coordinator */
    bool inside, found;           /* a step asks; it was answered within */
    bool too_large;
};

/* Those that the asker may see. */
static bool copy_topics(struct request *request, const struct transaction_partitions *from,
                        struct kp_describe_transactions_response_transaction *into) {
    struct kp_arena *arena = &request->arena;
    if (from->count == 0) return true;
    if (kp_new_items(arena, &kp_describe_transactions_response_topic_schema, &into->topics,
                     (int32_t)from->count) == NULL)
        return false;
    into->topics.count = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct transaction_topic *topic = &from->topics[i];
        struct kp_describe_transactions_response_topic *row =
            &into->topics.items[into->topics.count];
        if (!authorize_seeing(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic->name.data,
                              (size_t)topic->name.len))
            continue;
        into->topics.count++;
        size_t bytes = topic->count * sizeof *topic->partitions;
        row->topic = kp_arena_string(arena, topic->name.data, (size_t)topic->name.len);
        row->partitions.items = kp_arena_alloc(arena, bytes);
        if (row->topic.len < 0 || row->partitions.items == NULL) return false;
        memcpy(row->partitions.items, topic->partitions, bytes);
        row->partitions.count = (int32_t)topic->count;
    }
    return true;
}

static void describe(struct describing *describing, struct transaction_coordinator *coordinator,
                     struct kp_describe_transactions_response_transaction *row) {
    const struct transaction_state *state = transaction_coordinator_look(coordinator,
                                                                         row->transactional_id);
    if (state == NULL) {
        row->error_code = KAFKA_TRANSACTIONAL_ID_NOT_FOUND;
        return;
    }
    row->transaction_state = kp_string_of(transaction_status_name(state->status));
    row->transaction_timeout_ms = state->timeout_ms;
    row->transaction_start_time_ms = state->start_ms;
    row->producer_id = state->producer_id;
    row->producer_epoch = state->epoch;
    if (!copy_topics(describing->request, &state->partitions, row)) describing->too_large = true;
}

static bool describe_next(struct request *request);

static void on_found(struct coordinator_find *find, void *state, int16_t error) {
    struct describing *describing = CONTAINER_OF(find, struct describing, find);
    struct kp_describe_transactions_response *response = &describing->response;
    struct kp_describe_transactions_response_transaction *row =
        &response->transaction_states.items[response->transaction_states.count - 1];
    row->error_code = error;
    if (error == KAFKA_NONE) describe(describing, state, row);
    describing->found = true;
    if (describing->inside) return;
    describing->request->canceled = NULL;
    request_steps(describing->request, describe_next);
}

static void client_gone(struct request *request) {
    struct describing *describing = request->state;
    coordinators_find_cancel(&describing->find);
    request_respond_nothing(request);
}

/* False: it waits for the coordinator. */
static bool look_up(struct describing *describing, struct kp_string id,
                    struct kp_describe_transactions_response_transaction *row) {
    struct request *request = describing->request;
    if (id.len <= 0) {
        row->error_code = KAFKA_INVALID_REQUEST;
        return true;
    }
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TRANSACTIONAL_ID, id.data,
                   (size_t)id.len)) {
        row->error_code = KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        return true;
    }
    describing->inside = true;
    describing->found = false;
    describing->find.done = on_found;
    coordinators_find(describing->services->transaction_coordinators, id.data, (size_t)id.len,
                      &describing->find);
    describing->inside = false;
    if (!describing->found) request->canceled = client_gone;
    return describing->found;
}

static bool describe_next(struct request *request) {
    struct describing *describing = request->state;
    const struct kp_describe_transactions_request *asked = request->message;
    struct kp_describe_transactions_response *response = &describing->response;
    int32_t at = response->transaction_states.count;
    if (describing->too_large) {
        request_close_too_large(request);
        return false;
    }
    if (at >= asked->transactional_ids.count) {
        request_respond_kept(request, response);
        return false;
    }
    struct kp_describe_transactions_response_transaction *row =
        &response->transaction_states.items[response->transaction_states.count++];
    kp_set_fallbacks(&kp_describe_transactions_response_transaction_schema, row);
    row->transactional_id = asked->transactional_ids.items[at];
    return look_up(describing, row->transactional_id, row);
}

void api_describe_transactions(void *service, struct request *request) {
    const struct kp_describe_transactions_request *asked = request->message;
    struct describing *describing = kp_arena_alloc(&request->arena, sizeof *describing);
    size_t count = asked->transactional_ids.count < 0 ? 0 : (size_t)asked->transactional_ids.count;
    if (describing == NULL) {
        request_close_too_large(request);
        return;
    }
    *describing = (struct describing){.services = service, .request = request};
    kp_set_fallbacks(&kp_describe_transactions_response_schema, &describing->response);
    describing->response.transaction_states.items = kp_arena_alloc(
        &request->arena, (count + 1) * sizeof *describing->response.transaction_states.items);
    request->state = describing;
    if (describing->response.transaction_states.items != NULL)
        request_steps(request, describe_next);
    else
        request_close_too_large(request);
}
