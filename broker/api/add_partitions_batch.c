/*
 * AddPartitionsToTxn from version 4 on: many transactions at once, of which partitions are added,
 * or looked for. Kafka's brokers ask each other so (KIP-890); ours have messages of their own
 * (broker/verification), and answer this for whoever may do what brokers do.
 *
 * Happy path: in steps, the partitions of each transaction are looked up; then its coordinator is
 * asked, once for what is to be added, and for each partition that is looked for. The answer leaves
 * when all have been told.
 * Failures: CLUSTER_AUTHORIZATION_FAILED for all; for the partitions of a transaction
 * INVALID_REQUEST (it has no id), UNKNOWN_TOPIC_OR_PARTITION and then OPERATION_NOT_ATTEMPTED for
 * its others, and those of transaction_judge_add; TRANSACTION_ABORTABLE is INVALID_TXN_STATE in
 * version 4. A request with more than PARTITIONS_MAX partitions closes the connection. Invariant:
 * when the client has gone, the request ends behind the last call that cannot be canceled.
 */
#include "broker/api/add_partitions_batch.h"

#include "base/container_of.h"
#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/transaction/transaction_call.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_partitions_to_txn.h"

enum {
    PARTITIONS_MAX = 10000,
    ABORTABLE_FROM = 5,
    CLIENT_VERSION = 2, /* transaction.version of who asks so */
};

struct adding_batch;

/* One call of a coordinator. */
struct batch_ask {
    struct transaction_call call; /* first */
    struct coordinator_find find;
    struct adding_batch *batch;
    struct transaction_partitions partitions;
    struct kp_add_partitions_to_txn_response_transaction *into;
    struct kp_add_partitions_to_txn_response_partition *only; /* NULL: all of the transaction */
    struct kp_string topic;                                   /* of that one */
    enum { ASK_LISTED, ASK_FINDS, ASK_CALLS, ASK_OVER } stage;
};

/* In the request's arena. */
struct adding_batch {
    const struct broker_services *services;
    struct request *request;
    struct kp_add_partitions_to_txn_response response;
    struct batch_ask *asks;
    size_t listed, begun, over;
    int32_t at; /* transactions that were looked up */
    bool gone;
};

/* ---- Answers ---- */

static void set_all(struct kp_add_partitions_to_txn_response_transaction *into, int16_t from,
                    int16_t error) {
    for (int32_t t = 0; t < into->topics.count; t++)
        for (int32_t p = 0; p < into->topics.items[t].partitions.count; p++) {
            struct kp_add_partitions_to_txn_response_partition *partition =
                &into->topics.items[t].partitions.items[p];
            if (partition->error_code == from) partition->error_code = error;
        }
}

static void answer_if_over(struct adding_batch *batch) {
    const struct kp_add_partitions_to_txn_request *in = batch->request->message;
    if (batch->at < in->transactions.count || batch->over < batch->listed) return;
    batch->request->canceled = NULL;
    request_respond_kept(batch->request, &batch->response);
}

static void ask_over(struct batch_ask *ask, int16_t error) {
    struct adding_batch *batch = ask->batch;
    bool old = batch->request->api_version < ABORTABLE_FROM && error == KAFKA_TRANSACTION_ABORTABLE;
    int16_t code = old ? KAFKA_INVALID_TXN_STATE : error;
    ask->stage = ASK_OVER;
    batch->over++;
    if (ask->only != NULL)
        ask->only->error_code = code;
    else
        set_all(ask->into, KAFKA_NONE, code);
    if (!batch->gone)
        answer_if_over(batch);
    else if (batch->over == batch->begun)
        request_respond_nothing(batch->request);
}

/* ---- Asking ---- */

static void on_called(struct transaction_call *call) {
    ask_over((struct batch_ask *)call, call->error);
}

static void on_found(struct coordinator_find *find, void *state, int16_t error) {
    struct batch_ask *ask = CONTAINER_OF(find, struct batch_ask, find);
    if (error != KAFKA_NONE) {
        ask_over(ask, error);
        return;
    }
    ask->stage = ASK_CALLS;
    transaction_coordinator_call(state, &ask->call);
}

/* It may be the last one, and the request over then. */
static void ask_begin(struct adding_batch *batch, struct batch_ask *ask) {
    ask->stage = ASK_FINDS;
    batch->begun++;
    if (ask->only != NULL) {
        transaction_partitions_add(&ask->partitions, ask->topic, &ask->only->partition_index, 1);
        transaction_partitions_settle(&ask->partitions);
    }
    coordinators_find(batch->services->transaction_coordinators, ask->call.id.data,
                      (size_t)ask->call.id.len, &ask->find);
}

static struct batch_ask *ask_list(struct adding_batch *batch,
                                  const struct kp_add_partitions_to_txn_request_transaction *asked,
                                  struct kp_add_partitions_to_txn_response_transaction *into) {
    struct batch_ask *ask = &batch->asks[batch->listed++];
    *ask = (struct batch_ask){.batch = batch, .into = into, .find.done = on_found};
    ask->call = (struct transaction_call){.kind = TRANSACTION_ADD,
                                          .id = asked->transactional_id,
                                          .add = {.producer_id = asked->producer_id,
                                                  .epoch = asked->producer_epoch,
                                                  .client_version = CLIENT_VERSION,
                                                  .partitions = &ask->partitions,
                                                  .verifies = asked->verify_only},
                                          .done = on_called};
    return ask;
}

/* One for each partition. */
static void list_verifications(struct adding_batch *batch,
                               const struct kp_add_partitions_to_txn_request_transaction *asked,
                               struct kp_add_partitions_to_txn_response_transaction *into) {
    for (int32_t t = 0; t < asked->topics.count; t++) {
        const struct kp_add_partitions_to_txn_request_topic *topic = &asked->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            struct batch_ask *ask = ask_list(batch, asked, into);
            ask->only = &into->topics.items[t].partitions.items[p];
            ask->topic = topic->name;
        }
    }
}

/* One for all of them; none, if there are none. */
static void list_addition(struct adding_batch *batch,
                          const struct kp_add_partitions_to_txn_request_transaction *asked,
                          struct kp_add_partitions_to_txn_response_transaction *into) {
    struct batch_ask *ask = NULL;
    for (int32_t t = 0; t < asked->topics.count; t++) {
        const struct kp_add_partitions_to_txn_request_topic *topic = &asked->topics.items[t];
        if (topic->partitions.count == 0) continue;
        if (ask == NULL) ask = ask_list(batch, asked, into);
        transaction_partitions_add(&ask->partitions, topic->name, topic->partitions.items,
                                   (size_t)topic->partitions.count);
    }
    if (ask != NULL) transaction_partitions_settle(&ask->partitions);
}

/* ---- Looking up ---- */

/* False: the arena's limit is passed. */
static bool look_up(struct adding_batch *batch,
                    const struct kp_add_partitions_to_txn_request_topic *asked,
                    struct kp_add_partitions_to_txn_response_topic *into, bool *refused) {
    struct kp_arena *arena = &batch->request->arena;
    const struct metadata_topic *topic = metadata_topic_named(
        batch->services->metadata, asked->name.data, (size_t)asked->name.len);
    into->name = asked->name;
    if (kp_new_items(arena, &kp_add_partitions_to_txn_response_partition_schema, &into->partitions,
                     asked->partitions.count) == NULL &&
        asked->partitions.count > 0)
        return false;
    for (int32_t p = 0; p < asked->partitions.count; p++) {
        int32_t index = asked->partitions.items[p];
        bool known = topic != NULL && metadata_partition_at(topic, index) != NULL;
        into->partitions.items[p].partition_index = index;
        into->partitions.items[p].error_code = known ? KAFKA_NONE
                                                     : KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        *refused = *refused || !known;
    }
    return true;
}

/* False: likewise. */
static bool take_next(struct adding_batch *batch,
                      const struct kp_add_partitions_to_txn_request_transaction *asked,
                      struct kp_add_partitions_to_txn_response_transaction *into) {
    bool refused = false;
    into->transactional_id = asked->transactional_id;
    if (kp_new_items(&batch->request->arena, &kp_add_partitions_to_txn_response_topic_schema,
                     &into->topics, asked->topics.count) == NULL &&
        asked->topics.count > 0)
        return false;
    for (int32_t t = 0; t < asked->topics.count; t++)
        if (!look_up(batch, &asked->topics.items[t], &into->topics.items[t], &refused))
            return false;
    if (refused)
        set_all(into, KAFKA_NONE, KAFKA_OPERATION_NOT_ATTEMPTED);
    else if (asked->transactional_id.len <= 0)
        set_all(into, KAFKA_NONE, KAFKA_INVALID_REQUEST);
    else if (asked->verify_only)
        list_verifications(batch, asked, into);
    else
        list_addition(batch, asked, into);
    return true;
}

/* A transaction is looked up, or an ask begins. */
static bool batch_next(struct request *request) {
    struct adding_batch *batch = request->state;
    const struct kp_add_partitions_to_txn_request *in = request->message;
    if (batch->at < in->transactions.count) {
        int32_t at = batch->at;
        if (!take_next(batch, &in->transactions.items[at], &batch->response.transactions.items[at]))
            request_close_too_large(request);
        else if (++batch->at < in->transactions.count || batch->listed > 0)
            return true;
        else
            answer_if_over(batch); /* there is nobody to ask */
        return false;
    }
    bool last = batch->begun + 1 == batch->listed;
    ask_begin(batch, &batch->asks[batch->begun]);
    return !last;
}

/* ---- Ends ---- */

static void client_gone(struct request *request) {
    struct adding_batch *batch = request->state;
    for (size_t i = 0; i < batch->begun; i++) {
        struct batch_ask *ask = &batch->asks[i];
        bool canceled = ask->stage == ASK_FINDS ||
                        (ask->stage == ASK_CALLS && transaction_call_cancel(&ask->call));
        if (!canceled) continue;
        if (ask->stage == ASK_FINDS) coordinators_find_cancel(&ask->find);
        ask->stage = ASK_OVER;
        batch->over++;
    }
    batch->gone = true;
    if (batch->over == batch->begun) request_respond_nothing(request);
}

static void released(struct request *request) {
    struct adding_batch *batch = request->state;
    for (size_t i = 0; i < batch->listed; i++)
        transaction_partitions_close(&batch->asks[i].partitions);
}

/* What has no parts counts as one: so neither are too many. */
static size_t at_least_one(size_t count) {
    return count > 0 ? count : 1;
}

static size_t count_partitions(const struct kp_add_partitions_to_txn_request *in) {
    size_t count = 0;
    for (int32_t i = 0; i < in->transactions.count && count <= PARTITIONS_MAX; i++) {
        const struct kp_add_partitions_to_txn_request_transaction *asked =
            &in->transactions.items[i];
        size_t of_this = 0;
        for (int32_t t = 0; t < asked->topics.count; t++)
            of_this += at_least_one((size_t)asked->topics.items[t].partitions.count);
        count += at_least_one(of_this);
    }
    return count;
}

void add_partitions_batch(void *service, struct request *request) {
    const struct kp_add_partitions_to_txn_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    size_t count = count_partitions(in);
    if (count > PARTITIONS_MAX) {
        request_close_because(
            request,
            "it asks about more than %d partitions in transactions at once; ask about fewer",
            PARTITIONS_MAX);
        return;
    }
    struct adding_batch *batch = kp_arena_alloc(arena, sizeof *batch);
    *batch = (struct adding_batch){.services = service, .request = request};
    kp_set_fallbacks(&kp_add_partitions_to_txn_response_schema, &batch->response);
    if (!authorize(&request->ctx, AUTHORIZE_CLUSTER_ACTION, AUTHORIZE_CLUSTER, NULL, 0)) {
        batch->response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        request_respond(request, &batch->response);
        return;
    }
    batch->asks = kp_arena_alloc(arena, (count + 1) * sizeof *batch->asks);
    bool has_room = kp_new_items(arena, &kp_add_partitions_to_txn_response_transaction_schema,
                                 &batch->response.transactions, in->transactions.count) != NULL;
    if (batch->asks == NULL || (!has_room && in->transactions.count > 0)) {
        request_close_too_large(request);
        return;
    }
    request->state = batch;
    request->canceled = client_gone;
    request->released = released;
    if (in->transactions.count == 0)
        answer_if_over(batch);
    else
        request_steps(request, batch_next);
}
