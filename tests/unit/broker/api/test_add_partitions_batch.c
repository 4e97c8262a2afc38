/* AddPartitionsToTxn 4 and 5: many transactions at once, added to or looked at. KIP-890. */
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

static int32_t numbers[20000]; /* 0, 1, 2, ... */

static void find_coordinator(struct one_broker *one) {
    struct kp_string name = kp_string_of("a");
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key_type = 1;
    request.coordinator_keys.items = &name;
    request.coordinator_keys.count = 1;
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 4, &request, &response));
    assert_int_equal(response.coordinators.items[0].error_code, KAFKA_NONE);
}

static int64_t init(struct one_broker *one, const char *id) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(id);
    request.transaction_timeout_ms = 60000;
    assert_true(one_broker_ask(one, KP_INIT_PRODUCER_ID, 4, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response.producer_id;
}

static void start(struct one_broker *one) {
    for (int32_t i = 0; i < (int32_t)(sizeof numbers / sizeof numbers[0]); i++)
        numbers[i] = i;
    one_broker_start(one);
    one_broker_create(one, "t", 3);
    one_broker_create(one, "u", 1);
    find_coordinator(one);
}

static struct kp_add_partitions_to_txn_response ask(
    struct one_broker *one, int version,
    struct kp_add_partitions_to_txn_request_transaction *transactions, int32_t count) {
    struct kp_add_partitions_to_txn_request request;
    struct kp_add_partitions_to_txn_response response;
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_schema, &request);
    request.transactions.items = transactions;
    request.transactions.count = count;
    assert_true(one_broker_ask(one, KP_ADD_PARTITIONS_TO_TXN, version, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.transactions.count, count);
    return response;
}

/* Of one transaction with the first partitions of "t". */
static int16_t code_of(struct one_broker *one, int version, const char *id, int64_t producer_id,
                       bool verifies, int32_t count, int32_t at) {
    struct kp_add_partitions_to_txn_request_topic topics[] = {
        {kp_string_of("t"), {numbers, count}}};
    struct kp_add_partitions_to_txn_request_transaction one_of = {
        kp_string_of(id), producer_id, 0, verifies, {topics, 1}};
    struct kp_add_partitions_to_txn_response response = ask(one, version, &one_of, 1);
    assert_true(kp_string_is(response.transactions.items[0].transactional_id, id));
    assert_int_equal(response.transactions.items[0].topics.items[0].partitions.count, count);
    return response.transactions.items[0].topics.items[0].partitions.items[at].error_code;
}

/* What is added is in it from then on; what is looked for is told one by one, and adds nothing. */
static void test_add_partitions_batch(void **state) {
    struct one_broker *one = *state;
    start(one);
    int64_t a = init(one, "a"), b = init(one, "b");
    struct kp_add_partitions_to_txn_request_topic two[] = {{kp_string_of("t"), {numbers, 2}},
                                                           {kp_string_of("u"), {numbers, 1}}};
    struct kp_add_partitions_to_txn_request_topic one_of_u[] = {{kp_string_of("u"), {numbers, 1}}};
    struct kp_add_partitions_to_txn_request_transaction both[] = {
        {kp_string_of("a"), a, 0, false, {two, 2}}, {kp_string_of("b"), b, 0, true, {one_of_u, 1}}};
    struct kp_add_partitions_to_txn_response response = ask(one, 5, both, 2);
    assert_int_equal(response.transactions.items[0].topics.count, 2);
    assert_int_equal(response.transactions.items[0].topics.items[0].partitions.items[1].error_code,
                     KAFKA_NONE);
    assert_int_equal(response.transactions.items[1].topics.items[0].partitions.items[0].error_code,
                     KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(code_of(one, 5, "a", a, true, 3, 0), KAFKA_NONE);
    assert_int_equal(code_of(one, 5, "a", a, true, 3, 1), KAFKA_NONE);
    assert_int_equal(code_of(one, 5, "a", a, true, 3, 2), KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(code_of(one, 4, "a", a, true, 3, 2), KAFKA_INVALID_TXN_STATE);
    assert_int_equal(code_of(one, 4, "a", a, false, 3, 2), KAFKA_NONE);
    assert_int_equal(code_of(one, 5, "a", a, true, 3, 2), KAFKA_NONE);
}

/* Strangers, those without a name, what does not exist, and nothing at all. */
static void test_add_partitions_batch_refused(void **state) {
    struct one_broker *one = *state;
    start(one);
    int64_t a = init(one, "a");
    assert_int_equal(code_of(one, 5, "nobody", a, true, 1, 0), KAFKA_INVALID_PRODUCER_ID_MAPPING);
    assert_int_equal(code_of(one, 5, "a", a + 1, false, 1, 0), KAFKA_INVALID_PRODUCER_ID_MAPPING);
    assert_int_equal(code_of(one, 5, "", a, false, 1, 0), KAFKA_INVALID_REQUEST);
    assert_int_equal(code_of(one, 5, "a", a, false, 4, 3), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(code_of(one, 5, "a", a, false, 4, 0), KAFKA_OPERATION_NOT_ATTEMPTED);
    assert_int_equal(code_of(one, 5, "a", a, true, 1, 0), KAFKA_TRANSACTION_ABORTABLE);
    struct kp_add_partitions_to_txn_request_transaction nothing[] = {
        {kp_string_of("a"), a, 0, false, {NULL, 0}}, {kp_string_of("a"), a, 0, true, {NULL, 0}}};
    struct kp_add_partitions_to_txn_response response = ask(one, 5, nothing, 2);
    assert_int_equal(response.transactions.items[0].topics.count, 0);
    ask(one, 5, NULL, 0);
}

/* As many as may be are answered, one more closes the connection; a client that does not wait for
 * them leaves nothing behind. */
static void test_add_partitions_batch_many(void **state) {
    struct one_broker *one = *state;
    start(one);
    one_broker_create(one, "many", 5000);
    int64_t a = init(one, "a");
    struct kp_add_partitions_to_txn_request_topic many[] = {
        {kp_string_of("many"), {numbers, 5000}}, {kp_string_of("many"), {numbers, 5000}}};
    struct kp_add_partitions_to_txn_request_transaction verifies = {
        kp_string_of("a"), a, 0, true, {many, 2}};
    struct kp_add_partitions_to_txn_request request;
    struct kp_add_partitions_to_txn_response response;
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_schema, &request);
    request.transactions.items = &verifies;
    request.transactions.count = 1;
    for (int i = 0; i < 3; i++) {
        one_broker_send(one, KP_ADD_PARTITIONS_TO_TXN, 5, &request);
        one_broker_dial_again(one);
    }
    assert_true(one_broker_ask(one, KP_ADD_PARTITIONS_TO_TXN, 5, &request, &response));
    for (int32_t p = 0; p < 5000; p++)
        assert_int_equal(
            response.transactions.items[0].topics.items[1].partitions.items[p].error_code,
            KAFKA_TRANSACTION_ABORTABLE);
    many[1].partitions.count = 5001;
    assert_false(one_broker_ask(one, KP_ADD_PARTITIONS_TO_TXN, 5, &request, &response));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_add_partitions_batch),
        TEST(test_add_partitions_batch_refused),
        TEST(test_add_partitions_batch_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
