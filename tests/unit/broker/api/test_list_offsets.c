/* ListOffsets as a client meets it, on one whole broker. */
#include "protocol/kafka_error.h"
#include "protocol/messages/list_offsets.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

/* A partition that is asked for twice is refused, once, as in Kafka, and others are answered. */
static void test_list_offsets_twice(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    struct kp_list_offsets_request request;
    struct kp_list_offsets_request_topic topics[2];
    struct kp_list_offsets_request_partition partitions[3];
    struct kp_list_offsets_response response;
    kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
    for (int i = 0; i < 3; i++) {
        kp_set_fallbacks(&kp_list_offsets_request_partition_schema, &partitions[i]);
        partitions[i].partition_index = i == 1 ? 1 : 0;
        partitions[i].timestamp = -1;
        partitions[i].current_leader_epoch = -1;
    }
    for (int i = 0; i < 2; i++) {
        kp_set_fallbacks(&kp_list_offsets_request_topic_schema, &topics[i]);
        topics[i].name = kp_string_of("t");
        topics[i].partitions.items = &partitions[i * 2];
        topics[i].partitions.count = 2 - i;
    }
    request.topics.items = topics;
    request.topics.count = 2;
    assert_true(one_broker_ask(one, KP_LIST_OFFSETS, 5, &request, &response));
    assert_int_equal(response.topics.items[0].partitions.items[0].error_code,
                     KAFKA_INVALID_REQUEST);
    assert_int_equal(response.topics.items[0].partitions.items[1].error_code, KAFKA_NONE);
    assert_int_equal(response.topics.items[0].partitions.items[1].offset, 0);
    assert_int_equal(response.topics.items[0].partitions.count, 2);
    assert_int_equal(response.topics.count, 1);
}

/* Both ends, times and the largest time, in every version; what a version lacks is refused. */
static void test_list_offsets(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 5, 10); /* timestamps 1000 to 1004 */
    const struct kp_api *api = kp_api_find(KP_LIST_OFFSETS);
    for (int version = api->from; version <= api->to; version++) {
        assert_int_equal(offset_at(one, -1, version, 0).offset, 5);
        assert_int_equal(offset_at(one, -2, version, 0).offset, 0);
        struct kp_list_offsets_response_partition found = offset_at(one, 1002, version, 0);
        assert_int_equal(found.offset, 2);
        assert_int_equal(found.timestamp, 1002);
        assert_int_equal(offset_at(one, 2000, version, 0).offset, -1);
        found = offset_at(one, -3, version, 0);
        assert_int_equal(found.error_code, version >= 7 ? KAFKA_NONE : KAFKA_UNSUPPORTED_VERSION);
        assert_int_equal(found.offset, version >= 7 ? 4 : -1);
        found = offset_at(one, LIST_OFFSETS_EARLIEST_LOCAL, version, 0);
        assert_int_equal(found.error_code, version >= 8 ? KAFKA_NONE : KAFKA_UNSUPPORTED_VERSION);
        assert_int_equal(found.offset, version >= 8 ? 0 : -1);
        found = offset_at(one, LIST_OFFSETS_LATEST_TIERED, version, 0);
        assert_int_equal(found.error_code, version >= 9 ? KAFKA_NONE : KAFKA_UNSUPPORTED_VERSION);
        assert_int_equal(found.offset, -1);
        found = offset_at(one, LIST_OFFSETS_EARLIEST_PENDING_UPLOAD, version, 0);
        assert_int_equal(found.error_code, version >= 11 ? KAFKA_NONE : KAFKA_UNSUPPORTED_VERSION);
        assert_int_equal(found.offset, -1);
        assert_int_equal(offset_at(one, -7, version, 0).error_code, KAFKA_UNSUPPORTED_VERSION);
        found = offset_at(one, -1, version, 1);
        assert_int_equal(found.error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        assert_int_equal(found.offset, -1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_list_offsets),
        TEST(test_list_offsets_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
