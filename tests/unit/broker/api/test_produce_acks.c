/* What a producer that does not wait for all replicas (acks 0 and 1) may count on, whatever it says
 * about time and however soon it goes. */

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

enum { RECORDS = 2000, BATCHES = 5, VALUE = 1000 };

/* A batch of RECORDS, which takes the check pool some milliseconds. */
static struct kp_records make_records(void) {
    static uint8_t value[VALUE];
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_GZIP;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < RECORDS; i++)
        record_batch_builder_append(builder, 1000 + i, NULL, -1, value, VALUE, NULL, 0);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    return (struct kp_records){.data = bytes, .len = (int32_t)len};
}

/* A broker with a topic "t", and `times` such batches sent to it. Returns the id of the last
 * request. */
static int32_t send_batches(struct one_broker *one, int16_t acks, int32_t timeout_ms, int times) {
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct kp_produce_request_partition partition = {.index = 0, .records = make_records()};
    struct kp_produce_request_topic topic = {.name = kp_string_of("t"),
                                             .partition_data = {.items = &partition, .count = 1}};
    struct kp_produce_request request;
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    request.transactional_id = KP_NULL_STRING;
    request.acks = acks;
    request.timeout_ms = timeout_ms;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    int32_t id = -1;
    for (int i = 0; i < times; i++)
        id = one_broker_send(one, KP_PRODUCE, 7, &request);
    mem_free((void *)partition.records.data);
    return id;
}

static int64_t end_of_log(struct one_broker *one) {
    struct kp_list_offsets_request_partition partition;
    kp_set_fallbacks(&kp_list_offsets_request_partition_schema, &partition);
    partition.current_leader_epoch = -1;
    partition.timestamp = -1;
    struct kp_list_offsets_request_topic topic = {.name = kp_string_of("t"),
                                                  .partitions = {.items = &partition, .count = 1}};
    struct kp_list_offsets_request request;
    struct kp_list_offsets_response response;
    kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
    request.replica_id = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_LIST_OFFSETS, 5, &request, &response));
    return response.topics.items[0].partitions.items[0].offset;
}

static void wait_for_end(struct one_broker *one, int64_t offset) {
    for (int turn = 0; turn < 500 && end_of_log(one) < offset; turn++)
        one_broker_has_answer(one, 10);
    assert_int_equal(end_of_log(one), offset);
}

/* acks 0, and the connection is closed at once, as many do: what was sent is stored. */
static void test_produce_acks_0_and_gone(void **state) {
    struct one_broker *one = *state;
    send_batches(one, 0, 5000, BATCHES);
    one_broker_dial_again(one);
    wait_for_end(one, (int64_t)BATCHES * RECORDS);
}

/* The time of a request is for the other replicas, which acks 0 does not wait for: none of it is
 * dropped, and the connection stays. */
static void test_produce_acks_0_without_time(void **state) {
    struct one_broker *one = *state;
    send_batches(one, 0, 0, BATCHES);
    assert_false(one_broker_has_answer(one, 50));
    wait_for_end(one, (int64_t)BATCHES * RECORDS);
}

/* The same with acks 1, which waits for them here and not in Kafka: a client that counts on that
 * gets no error. */
static void test_produce_acks_1_without_time(void **state) {
    struct one_broker *one = *state;
    struct kp_produce_response response;
    int32_t id = send_batches(one, 1, 0, 1);
    assert_true(one_broker_receive(one, KP_PRODUCE, 7, id, &response));
    const struct kp_produce_response_partition *out =
        response.responses.items[0].partition_responses.items;
    assert_int_equal(out->error_code, KAFKA_NONE);
    assert_int_equal(out->base_offset, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_produce_acks_0_and_gone),
        TEST(test_produce_acks_0_without_time),
        TEST(test_produce_acks_1_without_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
