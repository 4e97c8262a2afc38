/* UnregisterBroker as Kafka's tools send it: who is of use to the cluster stays. */
#include "protocol/kafka_error.h"
#include "protocol/messages/unregister_broker.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static void assert_stays(struct broker_node *asked, int32_t node, int16_t error,
                         const char *sentence) {
    struct kp_unregister_broker_request request = {.broker_id = node};
    struct kp_unregister_broker_response response;
    brokers_ask(asked, KP_UNREGISTER_BROKER, 0, &request, &response);
    assert_int_equal(response.error_code, error);
    assert_text(response.error_message, sentence);
}

/* At whichever broker; that one which can go does go is seen with Kafka's own tool (tests/run
 * tools). */
static void test_unregister_refusals(void **state) {
    struct broker_node *node = start_three(state);
    struct brokers *brokers = node->brokers;
    for (int i = 0; i < 3; i++) {
        assert_stays(&brokers->nodes[i], 9, KAFKA_BROKER_ID_NOT_REGISTERED, "there is no broker 9");
        assert_stays(&brokers->nodes[i], 3, KAFKA_POLICY_VIOLATION,
                     "broker 3 votes on the metadata; drave meta voters gives its vote to another");
    }
    assert_int_equal(brokers_create_topic(node, "orders", 3, 3, NULL), 0);
    assert_stays(node, 3, KAFKA_POLICY_VIOLATION, "drave broker drain 3 moves them away");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_unregister_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
