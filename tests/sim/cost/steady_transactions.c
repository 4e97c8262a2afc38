/*
 * From answer to answer:
 *
 *   open: find the coordinator -> InitProducerId -> over
 *   begin: AddPartitionsToTxn -> a Produce to each broker -> EndTxn -> over
 */
#include "tests/sim/cost/steady_transactions.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"

enum { WAIT_MS = 10000, WAIT_US = WAIT_MS * 1000, OF_TRANSACTION = 1 };

static const char transactional_id[] = "steady";

static struct steady_transactions *of_call(struct kafka_call *call) {
    return CONTAINER_OF(call, struct steady_transactions, call);
}

static void ask(struct steady_transactions *t, int32_t node, enum kp_api_key key, int version,
                const void *request,
                void (*done)(struct kafka_call *call, int error, const void *response)) {
    t->call = (struct kafka_call){.done = done};
    kafka_link_call(kafka_client_link(t->client, node), &t->call, key, version, request, WAIT_US);
}

static void check(const struct steady_transactions *t, int error, int16_t code, const char *what) {
    if (error != ERR_NONE || code != KAFKA_NONE)
        run_fail(kafka_client_run(t->client), "%s is answered with %d, error %d", what, code,
                 error);
}

/* ---- The producer ---- */

static void on_inited(struct kafka_call *call, int error, const void *response) {
    struct steady_transactions *t = of_call(call);
    const struct kp_init_producer_id_response *answer = response;
    check(t, error, error == ERR_NONE ? answer->error_code : 0, "InitProducerId");
    t->producer_id = answer->producer_id;
    t->epoch = answer->producer_epoch;
    t->over(t->arg);
}

/* The topic of the coordinators is made for whoever asks first; then we ask again. */
static void on_found(struct kafka_call *call, int error, const void *response) {
    struct steady_transactions *t = of_call(call);
    const struct kp_find_coordinator_response *found = response;
    struct kp_init_producer_id_request request;
    if (error == ERR_NONE && found->error_code == KAFKA_COORDINATOR_NOT_AVAILABLE) {
        steady_transactions_open(t);
        return;
    }
    check(t, error, error == ERR_NONE ? found->error_code : 0, "FindCoordinator");
    t->coordinator = found->node_id;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    request.transaction_timeout_ms = 60000;
    ask(t, t->coordinator, KP_INIT_PRODUCER_ID, 4, &request, on_inited);
}

void steady_transactions_open(struct steady_transactions *t) {
    struct kp_find_coordinator_request request;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of(transactional_id);
    request.key_type = OF_TRANSACTION;
    ask(t, 1, KP_FIND_COORDINATOR, 3, &request, on_found);
}

/* ---- A transaction ---- */

static void on_ended(struct kafka_call *call, int error, const void *response) {
    struct steady_transactions *t = of_call(call);
    const struct kp_end_txn_response *answer = response;
    check(t, error, error == ERR_NONE ? answer->error_code : 0, "EndTxn");
    t->over(t->arg);
}

static void end(struct steady_transactions *t) {
    struct kp_end_txn_request request;
    kp_set_fallbacks(&kp_end_txn_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    request.producer_id = t->producer_id;
    request.producer_epoch = t->epoch;
    request.committed = true;
    ask(t, t->coordinator, KP_END_TXN, 3, &request, on_ended);
}

static void on_produced(struct steady_transactions *t, int error, const void *response) {
    const struct kp_produce_response *answer = response;
    check(t, error, 0, "Produce");
    const struct kp_produce_response_topic *topic = &answer->responses.items[0];
    for (int32_t i = 0; i < topic->partition_responses.count; i++)
        check(t, error, topic->partition_responses.items[i].error_code, "a batch");
    if (--t->producing == 0) end(t);
}

/* A call does not say whose it is, but where it lies. */
static void on_produced_1(struct kafka_call *call, int error, const void *response) {
    on_produced(CONTAINER_OF(call, struct steady_transactions, produces[0]), error, response);
}

static void on_produced_2(struct kafka_call *call, int error, const void *response) {
    on_produced(CONTAINER_OF(call, struct steady_transactions, produces[1]), error, response);
}

static void on_produced_3(struct kafka_call *call, int error, const void *response) {
    on_produced(CONTAINER_OF(call, struct steady_transactions, produces[2]), error, response);
}

static void produce(struct steady_transactions *t, int32_t node, const uint8_t *bytes, size_t len) {
    static void (*const produced[STEADY_BROKERS])(struct kafka_call *, int, const void *) = {
        on_produced_1, on_produced_2, on_produced_3};
    struct kp_produce_request request;
    struct kp_produce_request_topic topic;
    struct kp_produce_request_partition partitions[STEADY_PARTS];
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &topic);
    topic.name = kp_string_of(t->topic);
    topic.partition_data.items = partitions;
    topic.partition_data.count = 0;
    for (int32_t p = 0; p < STEADY_PARTS; p++) {
        if (t->leaders[p] != node) continue;
        struct kp_produce_request_partition *partition = &partitions[topic.partition_data.count++];
        kp_set_fallbacks(&kp_produce_request_partition_schema, partition);
        partition->index = p;
        partition->records = (struct kp_records){.data = bytes, .len = (int32_t)len};
    }
    if (topic.partition_data.count == 0) return;
    request.transactional_id = kp_string_of(transactional_id);
    request.acks = -1;
    request.timeout_ms = WAIT_MS;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    struct kafka_call *call = &t->produces[node - 1];
    *call = (struct kafka_call){.done = produced[node - 1]};
    t->producing++;
    kafka_link_call(kafka_client_link(t->client, node), call, KP_PRODUCE, 7, &request, WAIT_US);
}

static void on_added(struct kafka_call *call, int error, const void *response) {
    struct steady_transactions *t = of_call(call);
    const struct kp_add_partitions_to_txn_response *answer = response;
    struct record_batch_options options = record_batch_plain();
    uint8_t *bytes;
    size_t len;
    check(t, error, 0, "AddPartitionsToTxn");
    for (int32_t i = 0; i < STEADY_PARTS; i++)
        check(t, error, answer->topics.items[0].partitions.items[i].error_code, "a partition");
    options.producer_id = t->producer_id;
    options.producer_epoch = t->epoch;
    options.base_sequence = t->sequence;
    options.transactional = true;
    t->make_batch(t->arg, &options, &bytes, &len);
    t->sequence += t->batch_records;
    for (int32_t node = 1; node <= STEADY_BROKERS; node++)
        produce(t, node, bytes, len);
    mem_free(bytes);
}

void steady_transactions_begin(struct steady_transactions *t) {
    int32_t numbers[STEADY_PARTS];
    struct kp_add_partitions_to_txn_request request;
    struct kp_add_partitions_to_txn_request_topic topic;
    for (int32_t p = 0; p < STEADY_PARTS; p++)
        numbers[p] = p;
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_schema, &request);
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_topic_schema, &topic);
    topic.name = kp_string_of(t->topic);
    topic.partitions.items = numbers;
    topic.partitions.count = STEADY_PARTS;
    request.transactional_id = kp_string_of(transactional_id);
    request.producer_id = t->producer_id;
    request.producer_epoch = t->epoch;
    request.topics.items = &topic;
    request.topics.count = 1;
    ask(t, t->coordinator, KP_ADD_PARTITIONS_TO_TXN, 3, &request, on_added);
}
