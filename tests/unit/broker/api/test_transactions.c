/* Transactions as producers and administrators meet them, on one whole broker. */
#include <string.h>

#include "base/mem.h"
#include "broker/broker_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_transactions.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

static int16_t find_coordinator(struct one_broker *one, int8_t type, const char *key) {
    struct kp_string name = kp_string_of(key);
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key_type = type;
    request.coordinator_keys.items = &name;
    request.coordinator_keys.count = 1;
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 4, &request, &response));
    assert_int_equal(response.coordinators.count, 1);
    return response.coordinators.items[0].error_code;
}

static struct kp_init_producer_id_response init(struct one_broker *one, int version, const char *id,
                                                int64_t producer_id, int16_t epoch,
                                                int32_t timeout_ms) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(id);
    request.transaction_timeout_ms = timeout_ms;
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    assert_true(one_broker_ask(one, KP_INIT_PRODUCER_ID, version, &request, &response));
    return response;
}

/* Partition 0 of "t", and of `other` if it is not NULL; the codes of both. */
static void add(struct one_broker *one, int version, const char *id, int64_t producer_id,
                int16_t epoch, const char *other, int16_t codes[2]) {
    int32_t zero = 0;
    struct kp_add_partitions_to_txn_request_topic topics[2] = {
        {.name = kp_string_of("t"), .partitions = {&zero, 1}},
        {.name = kp_string_of(other), .partitions = {&zero, 1}}};
    struct kp_add_partitions_to_txn_request request;
    struct kp_add_partitions_to_txn_response response;
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_schema, &request);
    request.transactional_id = kp_string_of(id);
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    request.topics.items = topics;
    request.topics.count = other == NULL ? 1 : 2;
    assert_true(one_broker_ask(one, KP_ADD_PARTITIONS_TO_TXN, version, &request, &response));
    assert_int_equal(response.topics.count, request.topics.count);
    for (int32_t i = 0; i < response.topics.count; i++)
        codes[i] = response.topics.items[i].partitions.items[0].error_code;
}

static struct kp_end_txn_response end(struct one_broker *one, int version, const char *id,
                                      int64_t producer_id, int16_t epoch, bool commit) {
    struct kp_end_txn_request request;
    struct kp_end_txn_response response;
    kp_set_fallbacks(&kp_end_txn_request_schema, &request);
    request.transactional_id = kp_string_of(id);
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    request.committed = commit;
    assert_true(one_broker_ask(one, KP_END_TXN, version, &request, &response));
    return response;
}

static int16_t add_offsets(struct one_broker *one, const char *id, int64_t producer_id,
                           int16_t epoch, const char *group) {
    struct kp_add_offsets_to_txn_request request;
    struct kp_add_offsets_to_txn_response response;
    kp_set_fallbacks(&kp_add_offsets_to_txn_request_schema, &request);
    request.transactional_id = kp_string_of(id);
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    request.group_id = kp_string_of(group);
    assert_true(one_broker_ask(one, KP_ADD_OFFSETS_TO_TXN, 3, &request, &response));
    return response.error_code;
}

static struct kp_describe_transactions_response_transaction describe(struct one_broker *one,
                                                                     const char *id) {
    struct kp_string name = kp_string_of(id);
    struct kp_describe_transactions_request request;
    struct kp_describe_transactions_response response;
    kp_set_fallbacks(&kp_describe_transactions_request_schema, &request);
    request.transactional_ids.items = &name;
    request.transactional_ids.count = 1;
    assert_true(one_broker_ask(one, KP_DESCRIBE_TRANSACTIONS, 0, &request, &response));
    assert_int_equal(response.transaction_states.count, 1);
    return response.transaction_states.items[0];
}

/* How many there are with that pattern and, if it is not NULL, in that state. */
static int32_t count(struct one_broker *one, const char *pattern, const char *state,
                     int64_t duration_ms, int16_t *error) {
    struct kp_string name = kp_string_of(state);
    struct kp_list_transactions_request request;
    struct kp_list_transactions_response response;
    kp_set_fallbacks(&kp_list_transactions_request_schema, &request);
    if (state != NULL) {
        request.state_filters.items = &name;
        request.state_filters.count = 1;
    }
    request.duration_filter = duration_ms;
    request.transactional_id_pattern = kp_string_of(pattern);
    assert_true(one_broker_ask(one, KP_LIST_TRANSACTIONS, 2, &request, &response));
    *error = response.error_code;
    return response.transaction_states.count;
}

static void assert_state(struct one_broker *one, const char *id, const char *state) {
    struct kp_describe_transactions_response_transaction row = describe(one, id);
    assert_int_equal(row.error_code, KAFKA_NONE);
    assert_true(kp_string_is(row.transaction_state, state));
}

/* A pattern that takes long for an id says nothing of it, so the answer is no list in which it is
 * missing. */
static void test_long_pattern(void **state) {
    struct one_broker *one = *state;
    char id[201];
    int16_t error;
    memset(id, 't', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    one_broker_start(one);
    assert_int_equal(find_coordinator(one, 1, id), KAFKA_NONE);
    assert_int_equal(init(one, 4, id, -1, -1, 60000).error_code, KAFKA_NONE);
    assert_int_equal(count(one, "(t|(tt))*", NULL, -1, &error), 1);
    assert_int_equal(error, KAFKA_NONE);
    assert_int_equal(count(one, "((.?){500}|(t|o|.){400})*", NULL, -1, &error), 0);
    assert_int_equal(error, KAFKA_INVALID_REGULAR_EXPRESSION);
}

/* From the first question for the coordinator to the second transaction. */
static void test_transaction(void **state) {
    struct one_broker *one = *state;
    int16_t codes[2], error;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    assert_int_equal(find_coordinator(one, 1, "pay"), KAFKA_NONE);
    assert_int_equal(describe(one, "pay").error_code, KAFKA_TRANSACTIONAL_ID_NOT_FOUND);
    struct kp_init_producer_id_response begun = init(one, 4, "pay", -1, -1, 60000);
    int64_t id = begun.producer_id;
    assert_int_equal(begun.error_code, KAFKA_NONE);
    assert_int_equal(begun.producer_epoch, 0);
    begun = init(one, 4, "pay", -1, -1, 60000);
    assert_true(begun.producer_id == id && begun.producer_epoch == 1);

    add(one, 3, "pay", id, 1, "missing", codes);
    assert_int_equal(codes[0], KAFKA_OPERATION_NOT_ATTEMPTED);
    assert_int_equal(codes[1], KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_state(one, "pay", "Empty");
    add(one, 3, "pay", id, 1, NULL, codes);
    assert_int_equal(codes[0], KAFKA_NONE);
    struct kp_describe_transactions_response_transaction row = describe(one, "pay");
    assert_true(kp_string_is(row.transaction_state, "Ongoing"));
    assert_int_equal(row.producer_id, id);
    assert_int_equal(row.producer_epoch, 1);
    assert_int_equal(row.transaction_timeout_ms, 60000);
    assert_int_equal(row.topics.count, 1);
    assert_true(kp_string_is(row.topics.items[0].topic, "t"));
    assert_int_equal(row.topics.items[0].partitions.count, 1);
    assert_int_equal(count(one, "p.*", "Ongoing", -1, &error), 1);
    assert_int_equal(count(one, "p", "Ongoing", -1, &error), 0);
    assert_int_equal(count(one, NULL, "Empty", -1, &error), 0);
    assert_int_equal(count(one, NULL, "Never", -1, &error), 0);
    assert_int_equal(count(one, NULL, NULL, 3600000, &error), 0);
    assert_int_equal(error, KAFKA_NONE);
    assert_int_equal(count(one, "(", NULL, -1, &error), 0);
    assert_int_equal(error, KAFKA_INVALID_REGULAR_EXPRESSION);

    add(one, 1, "pay", id, 0, NULL, codes); /* the instance before */
    assert_int_equal(codes[0], KAFKA_INVALID_PRODUCER_EPOCH);
    assert_int_equal(end(one, 3, "pay", id, 0, true).error_code, KAFKA_PRODUCER_FENCED);
    assert_int_equal(end(one, 1, "pay", id, 1, true).error_code, KAFKA_NONE);
    assert_int_equal(end(one, 3, "pay", id, 1, true).error_code, KAFKA_NONE); /* waits */
    assert_state(one, "pay", "CompleteCommit");
    assert_int_equal(end(one, 3, "pay", id, 1, false).error_code, KAFKA_INVALID_TXN_STATE);

    add(one, 3, "pay", id, 1, NULL, codes);
    assert_int_equal(codes[0], KAFKA_NONE);
    struct kp_end_txn_response ended = end(one, 5, "pay", id, 1, false);
    assert_int_equal(ended.error_code, KAFKA_NONE);
    assert_true(ended.producer_id == id && ended.producer_epoch == 2);
    ended = end(one, 5, "pay", id, 1, false); /* again */
    assert_true(ended.error_code == KAFKA_NONE && ended.producer_epoch == 2);
    assert_state(one, "pay", "CompleteAbort");
}

/* A new instance goes on by itself behind the abort of what its predecessor had open. */
static void test_new_instance(void **state) {
    struct one_broker *one = *state;
    int16_t codes[2];
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    find_coordinator(one, 1, "pay");
    int64_t id = init(one, 4, "pay", -1, -1, 60000).producer_id;
    add(one, 3, "pay", id, 0, NULL, codes);
    assert_int_equal(codes[0], KAFKA_NONE);
    struct kp_init_producer_id_response begun = init(one, 4, "pay", -1, -1, 60000);
    assert_int_equal(begun.error_code, KAFKA_NONE);
    assert_int_equal(begun.producer_id, id);
    assert_int_equal(begun.producer_epoch, 2);
    assert_state(one, "pay", "Empty");
}

/* What abandons a transaction does not hold up readers for longer than it said. */
static void test_timeout(void **state) {
    struct one_broker *one = *state;
    int16_t codes[2];
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    find_coordinator(one, 1, "pay");
    int64_t id = init(one, 4, "pay", -1, -1, 50).producer_id;
    add(one, 3, "pay", id, 0, NULL, codes);
    while (!kp_string_is(describe(one, "pay").transaction_state, "CompleteAbort"))
        continue;
    assert_int_equal(describe(one, "pay").producer_epoch, 1);
    assert_int_equal(end(one, 3, "pay", id, 0, true).error_code, KAFKA_PRODUCER_FENCED);
}

/* The partition of a group takes part like any other. */
static void test_offsets(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    find_coordinator(one, 1, "pay");
    int64_t id = init(one, 4, "pay", -1, -1, 60000).producer_id;
    assert_int_equal(add_offsets(one, "pay", id, 0, ""), KAFKA_INVALID_GROUP_ID);
    /* Before anybody looks for the coordinator of a group: its topic is made. */
    assert_int_equal(add_offsets(one, "pay", id, 0, "g"), KAFKA_NONE);
    struct kp_describe_transactions_response_transaction row = describe(one, "pay");
    assert_int_equal(row.topics.count, 1);
    assert_true(kp_string_is(row.topics.items[0].topic, "__consumer_offsets"));
    assert_int_equal(end(one, 3, "pay", id, 0, true).error_code, KAFKA_NONE);
    assert_int_equal(end(one, 3, "pay", id, 0, true).error_code, KAFKA_NONE);
    assert_state(one, "pay", "CompleteCommit");
}

/* What is wrong whatever the state is said, in Kafka's codes. */
static void test_refusals(void **state) {
    struct one_broker *one = *state;
    int16_t codes[2];
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    assert_int_equal(init(one, 4, "pay", -1, -1, 60000).error_code, KAFKA_NOT_COORDINATOR);
    find_coordinator(one, 1, "pay");
    assert_int_equal(init(one, 4, "", -1, -1, 60000).error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(init(one, 4, "pay", 5, -1, 60000).error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(init(one, 4, "pay", -1, -1, 0).error_code, KAFKA_INVALID_TRANSACTION_TIMEOUT);
    assert_int_equal(init(one, 4, "pay", -1, -1, 900001).error_code,
                     KAFKA_INVALID_TRANSACTION_TIMEOUT);
    add(one, 3, "", 5, 0, NULL, codes);
    assert_int_equal(codes[0], KAFKA_INVALID_REQUEST);
    add(one, 3, "pay", 5, 0, NULL, codes);
    assert_int_equal(codes[0], KAFKA_INVALID_PRODUCER_ID_MAPPING);
    assert_int_equal(end(one, 3, "pay", 5, 0, true).error_code, KAFKA_INVALID_PRODUCER_ID_MAPPING);
    int64_t id = init(one, 4, "pay", -1, -1, 60000).producer_id;
    assert_int_equal(init(one, 4, "pay", id, 3, 60000).error_code, KAFKA_PRODUCER_FENCED);
    assert_int_equal(init(one, 3, "pay", id, 3, 60000).error_code, KAFKA_INVALID_PRODUCER_EPOCH);
    assert_int_equal(describe(one, "").error_code, KAFKA_INVALID_REQUEST);
}

static bool add_many(struct one_broker *one, int64_t producer_id, int32_t topics, int32_t count,
                     int16_t *code) {
    int32_t *zeros = mem_zalloc((size_t)count * sizeof *zeros);
    struct kp_add_partitions_to_txn_request request;
    struct kp_add_partitions_to_txn_response response;
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_schema, &request);
    request.transactional_id = kp_string_of("pay");
    request.producer_id = producer_id;
    request.producer_epoch = 0;
    request.topics.items = mem_zalloc((size_t)topics * sizeof *request.topics.items);
    request.topics.count = topics;
    for (int32_t i = 0; i < topics; i++) {
        request.topics.items[i].name = kp_string_of("t");
        request.topics.items[i].partitions.items = zeros;
        request.topics.items[i].partitions.count = count;
    }
    bool answered = one_broker_ask(one, KP_ADD_PARTITIONS_TO_TXN, 3, &request, &response);
    if (answered) *code = response.topics.items[0].partitions.items[0].error_code;
    mem_free(request.topics.items);
    mem_free(zeros);
    return answered;
}

/* So many that looking them up and sorting them would hold up everybody else. */
static void test_too_many_at_once(void **state) {
    struct one_broker *one = *state;
    int16_t code = -1;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    find_coordinator(one, 1, "pay");
    int64_t id = init(one, 4, "pay", -1, -1, 60000).producer_id;
    assert_true(add_many(one, id, 2, 5000, &code));
    assert_int_equal(code, KAFKA_NONE);
    assert_int_equal(describe(one, "pay").topics.items[0].partitions.count, 1);
    assert_false(add_many(one, id, 1, 10001, &code));
    assert_false(add_many(one, id, 5001, 2, &code));
    assert_state(one, "pay", "Ongoing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_long_pattern),     TEST(test_transaction), TEST(test_new_instance),
        TEST(test_timeout),          TEST(test_offsets),     TEST(test_refusals),
        TEST(test_too_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
