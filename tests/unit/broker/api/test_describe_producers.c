/* DescribeProducers as a client meets it, on one whole broker. */
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_producers.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { MANY = 100000 };

static struct kp_describe_producers_response_topic ask_producers(struct one_broker *one,
                                                                 const char *topic,
                                                                 int32_t *partitions,
                                                                 int32_t count) {
    struct kp_describe_producers_request request;
    struct kp_describe_producers_request_topic asked = {.name = kp_string_of(topic),
                                                        .partition_indexes = {partitions, count}};
    struct kp_describe_producers_response response;
    kp_set_fallbacks(&kp_describe_producers_request_schema, &request);
    request.topics.items = &asked;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_DESCRIBE_PRODUCERS, 0, &request, &response));
    assert_int_equal(response.topics.count, 1);
    assert_int_equal(response.topics.items[0].partitions.count, count);
    return response.topics.items[0];
}

/* Who has written to it, how far each one is, and when; nothing of a transaction. */
static void test_describe_producers(void **state) {
    struct one_broker *one = *state;
    int32_t zero = 0;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 5, 10); /* without an id */
    assert_int_equal(ask_producers(one, "t", &zero, 1).partitions.items[0].active_producers.count,
                     0);
    int64_t ids[2] = {new_producer(one), new_producer(one)};
    assert_int_equal(produce_as(one, ids[0], 0, 0), KAFKA_NONE);
    assert_int_equal(produce_as(one, ids[1], 0, 0), KAFKA_NONE);
    assert_int_equal(produce_as(one, ids[1], 0, 3), KAFKA_NONE);
    struct kp_describe_producers_response_partition found =
        ask_producers(one, "t", &zero, 1).partitions.items[0];
    assert_int_equal(found.error_code, KAFKA_NONE);
    assert_int_equal(found.active_producers.count, 2);
    for (int i = 0; i < 2; i++) {
        struct kp_describe_producers_response_producer *producer = &found.active_producers.items[i];
        assert_int_equal(producer->producer_id, ids[i]); /* by their last batch */
        assert_int_equal(producer->producer_epoch, 0);
        assert_int_equal(producer->last_sequence, i == 0 ? 2 : 5);
        assert_int_equal(producer->last_timestamp, 1002);
        assert_int_equal(producer->coordinator_epoch, -1);
        assert_int_equal(producer->current_txn_start_offset, -1);
    }
}

/* Each partition has its own error; the same one as often as it is named, and very many. */
static void test_describe_producers_refusals(void **state) {
    struct one_broker *one = *state;
    int32_t asked[] = {0, 7, -1, 0};
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct kp_describe_producers_response_topic found = ask_producers(one, "t", asked, 4);
    const int16_t errors[] = {KAFKA_NONE, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                              KAFKA_UNKNOWN_TOPIC_OR_PARTITION, KAFKA_NONE};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(found.partitions.items[i].partition_index, asked[i]);
        assert_int_equal(found.partitions.items[i].error_code, errors[i]);
        assert_true((found.partitions.items[i].error_message.len > 0) == (errors[i] != 0));
    }
    assert_int_equal(ask_producers(one, "never-made", asked, 1).partitions.items[0].error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(ask_producers(one, "a b", asked, 1).partitions.items[0].error_code,
                     KAFKA_INVALID_TOPIC);
    assert_int_equal(ask_producers(one, "", asked, 1).partitions.items[0].error_code,
                     KAFKA_INVALID_TOPIC);
    int32_t *many = mem_zalloc(MANY * sizeof *many);
    found = ask_producers(one, "t", many, MANY);
    assert_int_equal(found.partitions.items[MANY - 1].error_code, KAFKA_NONE);
    mem_free(many);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_producers),
        TEST(test_describe_producers_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
