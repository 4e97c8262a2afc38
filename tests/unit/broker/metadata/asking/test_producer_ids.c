/* Producer ids as a client meets them: given out by InitProducerId, made up, refused. */
#include <string.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

/* One record to partition 0 of "t". */
static void produce(struct one_broker *one, const struct record_batch_options *options,
                    struct kp_produce_response *response) {
    struct record_batch_builder *builder = record_batch_builder_new(options);
    struct kp_produce_request request;
    uint8_t *bytes;
    size_t len;
    record_batch_builder_append(builder, 1000, NULL, -1, (const uint8_t *)"value", 5, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    struct kp_produce_request_partition partition = {
        .index = 0, .records = {.data = bytes, .len = (int32_t)len}};
    struct kp_produce_request_topic topic = {.name = kp_string_of("t"),
                                             .partition_data = {&partition, 1}};
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    request.transactional_id = KP_NULL_STRING;
    request.acks = -1;
    request.timeout_ms = 5000;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &request, response));
    mem_free(bytes);
}

/* A producer id that nobody was given is refused as unknown, the first batch and a later one; one
 * that was given is taken. */
static void test_producer_ids_made_up(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct kp_init_producer_id_request ask_id;
    struct kp_init_producer_id_response given;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &ask_id);
    ask_id.transactional_id = KP_NULL_STRING;
    const struct {
        int64_t id;
        int32_t sequence;
        int16_t error;
    } cases[] = {
        {0, 0, KAFKA_UNKNOWN_PRODUCER_ID}, /* before anybody asked for one */
        {-1, 0, KAFKA_NONE},
        {123456789, 0, KAFKA_UNKNOWN_PRODUCER_ID},
        {123456789, 7, KAFKA_UNKNOWN_PRODUCER_ID},
        {INT64_MAX, 0, KAFKA_UNKNOWN_PRODUCER_ID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct record_batch_options options = record_batch_plain();
        options.producer_id = cases[i].id;
        options.producer_epoch = 0;
        options.base_sequence = cases[i].sequence;
        if (cases[i].id < 0) {
            assert_true(one_broker_ask(one, KP_INIT_PRODUCER_ID, 4, &ask_id, &given));
            assert_int_equal(given.error_code, KAFKA_NONE);
            options.producer_id = given.producer_id;
        }
        struct kp_produce_response response;
        produce(one, &options, &response);
        const struct kp_produce_response_partition *out =
            response.responses.items[0].partition_responses.items;
        assert_int_equal(out->error_code, cases[i].error);
        if (cases[i].error != KAFKA_NONE)
            assert_non_null(strstr(out->error_message.data, "InitProducerId"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_producer_ids_made_up, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
