/* InitProducerId as a client meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/init_producer_id.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static int64_t init_producer(struct broker_node *node, int version, const char *transactional_id,
                             int16_t *error) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    brokers_ask(node, KP_INIT_PRODUCER_ID, version, &request, &response);
    *error = response.error_code;
    assert_int_equal(response.producer_epoch, response.error_code == 0 ? 0 : -1);
    return response.producer_id;
}

/* Ids are different on every broker, also after a start. */
static void test_init_producer_id(void **state) {
    struct broker_node *node = start_three(state);
    int64_t ids[12];
    int16_t error;
    int count = 0;
    for (int i = 0; i < 9; i++, count++) {
        ids[count] = init_producer(&node->brokers->nodes[i % 3], i % 5, NULL, &error);
        assert_int_equal(error, 0);
    }
    brokers_stop(&node->brokers->nodes[1]);
    assert_int_equal(brokers_start_one(&node->brokers->nodes[1]), ERR_NONE);
    brokers_until(node->brokers, brokers_all_ready);
    for (int i = 0; i < 3; i++, count++)
        ids[count] = init_producer(&node->brokers->nodes[1], 4, NULL, &error);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(ids[i], ids[j]);
    assert_int_equal(init_producer(node, 4, "", &error), -1);
    assert_int_equal(error, KAFKA_INVALID_REQUEST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_init_producer_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
