/* Produce as a client meets it, on one whole broker. */
#include "protocol/kafka_error.h"
#include "protocol/messages/produce.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"
#include <string.h>
#include <unistd.h>

/* Each partition of a request gets its own answer; unknown ones do not spoil the others. */
static void test_produce_many_partitions(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 3);
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", 1);
    produce_add(&ask, 2, 4, 10);
    produce_add(&ask, 9, 1, 10);
    produce_add(&ask, 0, 1, 10);
    for (int turn = 0; turn < 2; turn++) {
        assert_true(one_broker_ask(one, KP_PRODUCE, 9, &ask.request, &response));
        const struct kp_produce_response_partition *out =
            response.responses.items[0].partition_responses.items;
        assert_int_equal(out[0].index, 2);
        assert_int_equal(out[0].error_code, KAFKA_NONE);
        assert_int_equal(out[0].base_offset, 4 * turn);
        assert_int_equal(out[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        assert_int_equal(out[1].base_offset, -1);
        assert_int_equal(out[2].base_offset, turn);
    }
    produce_end(&ask);
}

/* What is wrong with the whole request is told for each partition, and nothing is stored. */
static void test_produce_refused_requests(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", 2);
    produce_add(&ask, 0, 1, 10);
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &ask.request, &response));
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code,
                     KAFKA_INVALID_REQUIRED_ACKS);
    ask.request.acks = -1;
    ask.request.transactional_id = kp_string_of("x");
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &ask.request, &response));
    const struct kp_produce_response_partition *out =
        response.responses.items[0].partition_responses.items;
    assert_int_equal(out->error_code, KAFKA_NONE); /* the batch is of no transaction */
    assert_int_equal(out->base_offset, 0);
    produce_end(&ask);
    assert_int_equal(produce_one(one, "t", 0, 1, 10).base_offset, 1);
    struct kp_produce_response_partition large = produce_one(one, "t", 0, 1, 2 << 20);
    assert_int_equal(large.error_code, KAFKA_MESSAGE_TOO_LARGE);
    assert_int_equal(large.base_offset, -1);
    assert_non_null(strstr(large.error_message.data, "max.message.bytes"));
}

/* acks 0 is stored and not answered; an error closes the connection. */
static void test_produce_without_acks(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", 0);
    produce_add(&ask, 0, 3, 10);
    one_broker_send(one, KP_PRODUCE, 7, &ask.request);
    assert_false(one_broker_has_answer(one, 50));
    assert_int_equal(produce_one(one, "t", 0, 1, 10).base_offset, 3);
    ask.topic.name = kp_string_of("missing");
    assert_false(one_broker_ask(one, KP_PRODUCE, 7, &ask.request, &response));
    produce_end(&ask);
}

/* Who has two requests that wait to be checked is not read: what it sent behind them waits at its
 * side, while others are served. */
static void test_produce_ahead_of_checks(void **state) {
    enum { SENT = 6 };
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    struct produce_ask large, small;
    struct kp_produce_response response;
    int32_t ids[SENT];
    produce_begin(&large, "t", -1);
    produce_add_in(&large, RECORD_CODEC_GZIP, 0, 1, 60 << 20);
    produce_begin(&small, "t", -1);
    produce_add(&small, 1, 1, 10);
    for (int i = 0; i < SENT; i++)
        ids[i] = one_broker_send(one, KP_PRODUCE, 8,
                                 i < SENT - 1 ? &large.request : &small.request);
    assert_false(one_broker_has_answer(
        one, 20)); /* far less than the checks take: all that is read is read by then */
    int sender = one->client;
    one->client = -1;
    one_broker_dial_again(one);
    assert_int_equal(produce_one(one, "t", 1, 1, 10).base_offset, 0);
    close(one->client);
    one->client = sender;
    for (int i = 0; i < SENT; i++) {
        assert_true(one_broker_receive(one, KP_PRODUCE, 8, ids[i], &response));
        const struct kp_produce_response_partition *out =
            response.responses.items[0].partition_responses.items;
        assert_int_equal(out->error_code, KAFKA_NONE);
        assert_int_equal(out->base_offset, i < SENT - 1 ? i : 1);
    }
    produce_end(&large), produce_end(&small);
}

/* KIP-516: from version 13 on a topic is its id. */
static void test_produce_by_id(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    struct kp_uuid id = one_broker_create(one, "t", 1);
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "", -1);
    produce_add(&ask, 0, 2, 10);
    ask.topic.topic_id = id;
    for (int n = 0; n < 2; n++) {
        assert_true(one_broker_ask(one, KP_PRODUCE, 13, &ask.request, &response));
        const struct kp_produce_response_topic *out = &response.responses.items[0];
        assert_true(kp_uuid_equal(out->topic_id, ask.topic.topic_id));
        assert_int_equal(out->partition_responses.items[0].error_code,
                         n == 0 ? KAFKA_NONE : KAFKA_UNKNOWN_TOPIC_ID);
        assert_int_equal(out->partition_responses.items[0].base_offset, n == 0 ? 0 : -1);
        ask.topic.topic_id.bytes[0] ^= 1;
    }
    ask.topic.topic_id = id;
    ask.partitions[0].index = 1;
    assert_true(one_broker_ask(one, KP_PRODUCE, 13, &ask.request, &response));
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    produce_end(&ask);
}

/* Versions in which nothing is new to a client without transactions. */
static void test_produce_versions(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    struct kp_uuid id = one_broker_create(one, "t", 1);
    struct produce_ask ask;
    struct kp_produce_response response;
    const struct kp_api *api = kp_api_find(KP_PRODUCE);
    produce_begin(&ask, "t", -1);
    produce_add(&ask, 0, 1, 10);
    ask.topic.topic_id = id;
    for (int version = api->from; version <= api->to; version++) {
        assert_true(one_broker_ask(one, KP_PRODUCE, version, &ask.request, &response));
        const struct kp_produce_response_topic *out = &response.responses.items[0];
        assert_int_equal(out->partition_responses.items[0].error_code, KAFKA_NONE);
        assert_int_equal(out->partition_responses.items[0].base_offset, version - api->from);
        assert_int_equal(out->partition_responses.items[0].current_leader.leader_id, -1);
        assert_int_equal(response.node_endpoints.count, 0);
    }
    produce_end(&ask);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_produce_many_partitions), TEST(test_produce_refused_requests),
        TEST(test_produce_without_acks),    TEST(test_produce_ahead_of_checks),
        TEST(test_produce_by_id),           TEST(test_produce_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
