/*
 * AddOffsetsToTxn (key 25): offsets of a consumer group are to be committed by a transaction: the
 * partition of __consumer_offsets that the group lives in takes part in it.
 *
 * Happy path: the partition is known, one call to the coordinator. Clients look for the coordinator
 * of the group only behind this, so the topic is made here if there were no groups before, and that
 * is waited for, CREATION_MS at most.
 * Failures: those of transaction_request.h and transaction_judge_add; GROUP_AUTHORIZATION_FAILED;
 * INVALID_GROUP_ID, an empty one; COORDINATOR_NOT_AVAILABLE, while the topic is not there.
 * PRODUCER_FENCED is INVALID_PRODUCER_EPOCH below version 2.
 */
#include "protocol/messages/add_offsets_to_txn.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/transaction_request.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/asking/auto_creation.h"
#include "protocol/kafka_error.h"

enum { FENCED_FROM = 2, CREATION_MS = 1000 };

struct adding_offsets {
    struct transaction_request transaction; /* first */
    struct transaction_partitions partitions;
    struct kp_string group;
    struct auto_wait creation; /* of the topic */
    struct deadline deadline;
};

static void add_answer(struct transaction_request *transaction, int16_t error) {
    struct kp_add_offsets_to_txn_response response;
    kp_set_fallbacks(&kp_add_offsets_to_txn_response_schema, &response);
    response.error_code = transaction_request_code(transaction->request, error, FENCED_FROM);
    request_respond(transaction->request, &response);
}

static void released(struct request *request) {
    transaction_partitions_close(&((struct adding_offsets *)request->state)->partitions);
}

static void add(struct adding_offsets *adding) {
    struct transaction_request *transaction = &adding->transaction;
    const struct metadata_partition *partition = coordinators_partition_of(
        transaction->services->group_coordinators, adding->group.data, (size_t)adding->group.len);
    if (partition == NULL) {
        add_answer(transaction, KAFKA_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    transaction_partitions_add(&adding->partitions, kp_string_of(TOPIC_CONSUMER_OFFSETS),
                               &partition->index, 1);
    transaction_request_begin(transaction);
}

/* ---- The topic ---- */

static void topic_settled(struct adding_offsets *adding) {
    struct request *request = adding->transaction.request;
    deadline_clear(adding->transaction.services->deadlines, &adding->deadline);
    auto_creation_cancel(&adding->creation);
    request->canceled = NULL;
    if (request->dead)
        request_respond_nothing(request);
    else
        add(adding);
}

static void on_created(struct auto_wait *wait, int16_t error) {
    (void)error; /* it is looked for */
    topic_settled(CONTAINER_OF(wait, struct adding_offsets, creation));
}

static void on_late(struct deadline *deadline) {
    topic_settled(CONTAINER_OF(deadline, struct adding_offsets, deadline));
}

static void client_gone(struct request *request) {
    topic_settled(request->state);
}

static void wait_for_topic(struct adding_offsets *adding) {
    const struct broker_services *services = adding->transaction.services;
    adding->creation.done = on_created;
    adding->deadline.passed = on_late;
    if (!auto_creation_ask(services->auto_creation, &adding->creation, TOPIC_CONSUMER_OFFSETS,
                           strlen(TOPIC_CONSUMER_OFFSETS))) {
        add_answer(&adding->transaction, KAFKA_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    adding->transaction.request->canceled = client_gone;
    deadline_set(services->deadlines, &adding->deadline, CREATION_MS);
}

/* ---- The request ---- */

static int16_t check_group(struct request *request, struct kp_string group) {
    size_t len = group.len < 0 ? 0 : (size_t)group.len;
    if (!authorize(&request->ctx, AUTHORIZE_READ, AUTHORIZE_GROUP, group.data, len))
        return KAFKA_GROUP_AUTHORIZATION_FAILED;
    return len == 0 ? KAFKA_INVALID_GROUP_ID : KAFKA_NONE;
}

void api_add_offsets_to_txn(void *service, struct request *request) {
    const struct kp_add_offsets_to_txn_request *in = request->message;
    struct adding_offsets *adding = kp_arena_alloc(&request->arena, sizeof *adding);
    if (adding == NULL) {
        request_close_too_large(request);
        return;
    }
    struct transaction_request *transaction = &adding->transaction;
    transaction->request = request;
    transaction->services = service;
    transaction->answer = add_answer;
    transaction->call.id = in->transactional_id;
    if (!transaction_request_allowed(transaction)) return;
    int16_t error = check_group(request, in->group_id);
    if (error != KAFKA_NONE) {
        add_answer(transaction, error);
        return;
    }
    adding->group = in->group_id;
    request->state = adding;
    request->released = released;
    transaction->call.kind = TRANSACTION_ADD;
    transaction->call.add = (struct transaction_add_ask){.producer_id = in->producer_id,
                                                         .epoch = in->producer_epoch,
                                                         .partitions = &adding->partitions};
    if (coordinators_partition_of(transaction->services->group_coordinators, "", 0) == NULL)
        wait_for_topic(adding);
    else
        add(adding);
}
