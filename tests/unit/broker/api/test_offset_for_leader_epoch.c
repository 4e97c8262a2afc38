/* OffsetForLeaderEpoch as a client meets it, on one whole broker. */
#include "protocol/kafka_error.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

static struct kp_offset_for_leader_epoch_response_partition epoch_end(struct one_broker *one,
                                                                      int version, int32_t epoch,
                                                                      int32_t current) {
    struct kp_offset_for_leader_epoch_request request;
    struct kp_offset_for_leader_epoch_request_topic topic = {.topic = kp_string_of("t")};
    struct kp_offset_for_leader_epoch_request_partition asked[] = {
        {.partition = 0, .current_leader_epoch = current, .leader_epoch = epoch},
        {.partition = 7, .current_leader_epoch = -1, .leader_epoch = epoch}};
    struct kp_offset_for_leader_epoch_response response;
    kp_set_fallbacks(&kp_offset_for_leader_epoch_request_schema, &request);
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.partitions.items = asked;
    topic.partitions.count = 2;
    assert_true(one_broker_ask(one, KP_OFFSET_FOR_LEADER_EPOCH, version, &request, &response));
    assert_int_equal(response.topics.items[0].partitions.items[1].partition, 7);
    assert_int_equal(response.topics.items[0].partitions.items[1].error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(response.topics.items[0].partitions.items[1].end_offset, -1);
    return response.topics.items[0].partitions.items[0];
}

/* A consumer learns that its place is right; epochs that never were have no end, those before the
 * first end where the log starts; a client that knows a newer leader is told. */
static void test_offset_for_leader_epoch(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 5, 10);
    int32_t epoch = offset_at(one, -1, 7, 0).leader_epoch;
    assert_true(epoch > 0);
    for (int version = 2; version <= 4; version++) {
        struct kp_offset_for_leader_epoch_response_partition found = epoch_end(one, version, epoch,
                                                                               epoch);
        assert_int_equal(found.error_code, KAFKA_NONE);
        assert_int_equal(found.leader_epoch, epoch);
        assert_int_equal(found.end_offset, 5);
        const int32_t never[] = {-1, epoch + 1, INT32_MAX}, before[] = {-2, INT32_MIN, 0};
        for (int i = 0; i < 3; i++) {
            found = epoch_end(one, version, never[i], -1);
            assert_int_equal(found.error_code, KAFKA_NONE);
            assert_int_equal(found.leader_epoch, -1);
            assert_int_equal(found.end_offset, -1);
            found = epoch_end(one, version, before[i], -1);
            assert_int_equal(found.error_code, KAFKA_NONE);
            assert_int_equal(found.leader_epoch, before[i]);
            assert_int_equal(found.end_offset, 0);
        }
        assert_int_equal(epoch_end(one, version, epoch, epoch + 1).error_code,
                         KAFKA_UNKNOWN_LEADER_EPOCH);
        assert_int_equal(epoch_end(one, version, epoch, epoch - 1).error_code,
                         KAFKA_FENCED_LEADER_EPOCH);
        assert_int_equal(epoch_end(one, version, epoch, epoch - 1).end_offset, -1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_offset_for_leader_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
