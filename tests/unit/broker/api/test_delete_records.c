/* DeleteRecords as a client meets it, on one whole broker. */
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_records.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS_ASKED = 4 };

struct delete_ask {
    struct kp_delete_records_request request;
    struct kp_delete_records_request_topic topic;
    struct kp_delete_records_request_partition partitions[PARTITIONS_ASKED];
};

static void add(struct delete_ask *ask, int32_t partition, int64_t offset) {
    ask->partitions[ask->topic.partitions.count++] = (struct kp_delete_records_request_partition){
        .partition_index = partition, .offset = offset};
}

static void begin(struct delete_ask *ask, const char *topic) {
    kp_set_fallbacks(&kp_delete_records_request_schema, &ask->request);
    kp_set_fallbacks(&kp_delete_records_request_topic_schema, &ask->topic);
    ask->request.timeout_ms = 10000;
    ask->request.topics.items = &ask->topic;
    ask->request.topics.count = 1;
    ask->topic.name = kp_string_of(topic);
    ask->topic.partitions.items = ask->partitions;
}

/* In every version: each partition by itself; one that is named twice once, by its last offset. */
static void test_delete_records(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    for (int version = 0; version <= 2; version++) {
        struct delete_ask ask;
        struct kp_delete_records_response response;
        produce_one(one, "t", 0, 5, 10);
        produce_one(one, "t", 1, 5, 10);
        begin(&ask, "t");
        add(&ask, 0, 5 * version + 1);
        add(&ask, 1, -1);
        add(&ask, 7, 1);
        add(&ask, 0, 5 * version + 3);
        assert_true(one_broker_ask(one, KP_DELETE_RECORDS, version, &ask.request, &response));
        assert_int_equal(response.topics.count, 1);
        assert_int_equal(response.topics.items[0].partitions.count, 3);
        const struct kp_delete_records_response_partition *told =
            response.topics.items[0].partitions.items;
        assert_int_equal(told[0].error_code, KAFKA_NONE);
        assert_int_equal(told[0].low_watermark, 5 * version + 3);
        assert_int_equal(told[1].error_code, KAFKA_NONE);
        assert_int_equal(told[1].low_watermark, 5 * version + 5);
        assert_int_equal(told[2].partition_index, 7);
        assert_int_equal(told[2].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        assert_int_equal(told[2].low_watermark, -1);
        assert_int_equal(offset_at(one, -2, 7, 0).offset, 5 * version + 3);
        assert_int_equal(offset_at(one, -2, 7, 1).offset, 5 * version + 5);
    }
}

/* What produce and fetch tell of the start follows it. */
static void test_delete_records_is_told(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 5, 10);
    struct delete_ask ask;
    struct kp_delete_records_response response;
    begin(&ask, "t");
    add(&ask, 0, 4);
    assert_true(one_broker_ask(one, KP_DELETE_RECORDS, 2, &ask.request, &response));
    assert_int_equal(produce_one(one, "t", 0, 5, 10).log_start_offset, 4);
    struct fetch_ask fetch;
    struct kp_fetch_response fetched;
    fetch_begin(&fetch, "t", 1, 4);
    assert_true(one_broker_ask(one, KP_FETCH, 12, &fetch.request, &fetched));
    assert_int_equal(fetched.responses.items[0].partitions.items[0].log_start_offset, 4);
    fetch_begin(&fetch, "t", 1, 3);
    assert_true(one_broker_ask(one, KP_FETCH, 12, &fetch.request, &fetched));
    assert_int_equal(fetched.responses.items[0].partitions.items[0].error_code,
                     KAFKA_OFFSET_OUT_OF_RANGE);
}

/* Refused: out of range, an unknown topic, one of the broker's own. */
static void test_delete_records_refuses(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 5, 10);
    static const struct {
        const char *topic;
        int64_t offset;
        int16_t error;
    } cases[] = {{"t", 6, KAFKA_OFFSET_OUT_OF_RANGE},
                 {"t", -2, KAFKA_OFFSET_OUT_OF_RANGE},
                 {"t", INT64_MIN, KAFKA_OFFSET_OUT_OF_RANGE},
                 {"nowhere", 0, KAFKA_UNKNOWN_TOPIC_OR_PARTITION},
                 {"__consumer_offsets", 0, KAFKA_INVALID_TOPIC},
                 {"t", 0, KAFKA_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct delete_ask ask;
        struct kp_delete_records_response response;
        begin(&ask, cases[i].topic);
        add(&ask, 0, cases[i].offset);
        assert_true(one_broker_ask(one, KP_DELETE_RECORDS, 1, &ask.request, &response));
        assert_int_equal(response.topics.items[0].partitions.items[0].error_code, cases[i].error);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_delete_records),
        TEST(test_delete_records_is_told),
        TEST(test_delete_records_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
