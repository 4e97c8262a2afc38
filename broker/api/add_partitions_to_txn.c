/*
 * AddPartitionsToTxn (key 24): partitions that a producer is going to write in its transaction.
 * They all take part in it when the answer leaves, durably, or none does.
 *
 * Happy path: every partition is looked up, in steps, for there may be many; then one call to the
 * coordinator, whose answer is that of each partition.
 * Failures: UNKNOWN_TOPIC_OR_PARTITION or TOPIC_AUTHORIZATION_FAILED for some, and then
 * OPERATION_NOT_ATTEMPTED for the others; those of transaction_request.h and transaction_judge_add
 * for all. PRODUCER_FENCED is INVALID_PRODUCER_EPOCH below version 2. A request with more than
 * PARTITIONS_MAX partitions closes the connection. Versions from 4 on: add_partitions_batch.h.
 */
#include "protocol/messages/add_partitions_to_txn.h"

#include <string.h>

#include "base/env.h"
#include "broker/api/add_partitions_batch.h"
#include "broker/api/handlers.h"
#include "broker/api/transaction_request.h"
#include "broker/config/topic_name.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    FENCED_FROM = 2,
    BATCH_FROM = 4,
    PARTITIONS_MAX = 10000, /* those of a topic are looked up, and all are sorted, in one turn */
};

/* One request on its way; in its arena. */
struct adding {
    struct transaction_request transaction; /* first */
    struct kp_add_partitions_to_txn_response response;
    struct transaction_partitions partitions;
    int32_t at; /* topics that were looked up */
    bool refused;
};

/* Of all that were not refused for themselves. */
static void answer_all(struct transaction_request *transaction, int16_t error) {
    struct adding *adding = (struct adding *)transaction;
    int16_t code = transaction_request_code(transaction->request, error, FENCED_FROM);
    for (int32_t t = 0; t < adding->response.topics.count; t++) {
        struct kp_add_partitions_to_txn_response_topic *topic = &adding->response.topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++)
            if (topic->partitions.items[p].error_code == KAFKA_NONE)
                topic->partitions.items[p].error_code = code;
    }
    request_respond_kept(transaction->request, &adding->response);
}

static void released(struct request *request) {
    transaction_partitions_close(&((struct adding *)request->state)->partitions);
}

/* Which error the partitions of that topic have, whatever their number. */
static int16_t check_topic(struct request *request, struct kp_string name) {
    size_t len = (size_t)name.len;
    if (!authorize(&request->ctx, AUTHORIZE_WRITE, AUTHORIZE_TOPIC, name.data, len))
        return KAFKA_TOPIC_AUTHORIZATION_FAILED;
    return topic_name_is_internal(name.data, len) ? KAFKA_TOPIC_AUTHORIZATION_FAILED : KAFKA_NONE;
}

static void look_up(struct adding *adding,
                    const struct kp_add_partitions_to_txn_request_topic *asked,
                    struct kp_add_partitions_to_txn_response_topic *into) {
    struct request *request = adding->transaction.request;
    const struct metadata_topic *topic = metadata_topic_named(
        adding->transaction.services->metadata, asked->name.data, (size_t)asked->name.len);
    int16_t error = check_topic(request, asked->name);
    into->name = asked->name;
    for (int32_t p = 0; p < into->partitions.count; p++) {
        int32_t index = asked->partitions.items[p];
        bool known = topic != NULL && metadata_partition_at(topic, index) != NULL;
        into->partitions.items[p].partition_index = index;
        into->partitions.items[p].error_code = error != KAFKA_NONE ? error
                                               : known             ? KAFKA_NONE
                                                       : KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        if (into->partitions.items[p].error_code != KAFKA_NONE) adding->refused = true;
    }
}

static bool look_up_next(struct request *request) {
    struct adding *adding = request->state;
    const struct kp_add_partitions_to_txn_request *in = request->message;
    if (adding->at < in->topics.count) {
        const struct kp_add_partitions_to_txn_request_topic *asked = &in->topics.items[adding->at];
        struct kp_add_partitions_to_txn_response_topic *into =
            &adding->response.topics.items[adding->at++];
        if (kp_new_items(&request->arena, &kp_add_partitions_to_txn_response_partition_schema,
                         &into->partitions, asked->partitions.count) == NULL &&
            asked->partitions.count > 0) {
            request_close_too_large(request);
            return false;
        }
        look_up(adding, asked, into);
        if (asked->partitions.count > 0 && !adding->refused)
            transaction_partitions_add(&adding->partitions, asked->name, asked->partitions.items,
                                       (size_t)asked->partitions.count);
        return true;
    }
    transaction_partitions_settle(&adding->partitions);
    if (adding->refused)
        answer_all(&adding->transaction, KAFKA_OPERATION_NOT_ATTEMPTED);
    else
        transaction_request_begin(&adding->transaction);
    return false;
}

/* A topic without any counts as one: so neither are too many. */
static bool are_too_many(const struct kp_add_partitions_to_txn_request *in) {
    size_t count = 0;
    for (int32_t t = 0; t < in->topics.count && count <= PARTITIONS_MAX; t++) {
        int32_t of_topic = in->topics.items[t].partitions.count;
        count += of_topic > 0 ? (size_t)of_topic : 1;
    }
    return count > PARTITIONS_MAX;
}

void api_add_partitions_to_txn(void *service, struct request *request) {
    const struct kp_add_partitions_to_txn_request *in = request->message;
    if (request->api_version >= BATCH_FROM) {
        add_partitions_batch(service, request);
        return;
    }
    if (are_too_many(in)) {
        request_close_because(
            request,
            "it adds more than %d partitions to a transaction at once; add fewer in one request",
            PARTITIONS_MAX);
        return;
    }
    struct adding *adding = kp_arena_alloc(&request->arena, sizeof *adding);
    if (adding == NULL) {
        request_close_too_large(request);
        return;
    }
    struct transaction_request *transaction = &adding->transaction;
    kp_set_fallbacks(&kp_add_partitions_to_txn_response_schema, &adding->response);
    if (kp_new_items(&request->arena, &kp_add_partitions_to_txn_response_topic_schema,
                     &adding->response.topics, in->topics.count) == NULL &&
        in->topics.count > 0) {
        request_close_too_large(request);
        return;
    }
    transaction->request = request;
    transaction->services = service;
    transaction->answer = answer_all;
    transaction->call.kind = TRANSACTION_ADD;
    transaction->call.id = in->transactional_id;
    transaction->call.add = (struct transaction_add_ask){.producer_id = in->producer_id,
                                                         .epoch = in->producer_epoch,
                                                         .partitions = &adding->partitions};
    request->state = adding;
    request->released = released;
    request_steps(request, look_up_next);
}
