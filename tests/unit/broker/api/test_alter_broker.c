/* What is asked of a broker about others (AlterBroker). */
#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

static const struct broker_node *asked;

static bool is_linked(struct brokers *brokers) {
    (void)brokers;
    return peers_is_up(broker_services(asked->broker)->peers, 2);
}

/* A plan goes on without a broker that is back: it is refused, and names that one, also where it
 * would be refused anyhow. */
static void test_alter_broker_outdated_plan(void **state) {
    struct brokers *brokers = *state;
    struct kp_alter_broker_request request;
    struct kp_alter_broker_response response;
    brokers_start(brokers, 2, NULL);
    asked = &brokers->nodes[0];
    brokers_until(brokers, is_linked);
    for (int metadata = 0; metadata < 2; metadata++) {
        kp_set_fallbacks(&kp_alter_broker_request_schema, &request);
        request.broker_id = 1;
        request.change = metadata ? KP_METADATA_RECOVER : KP_PARTITION_RECOVER;
        request.accept_loss = true;
        request.timeout_ms = 1000;
        request.group = 7;
        request.entry_term = request.entry_index = 1;
        request.lost.items = (int32_t[]){9, 2};
        request.lost.count = 2;
        brokers_ask(&brokers->nodes[0], KP_ALTER_BROKER, 0, &request, &response);
        assert_int_equal(response.error_code, KAFKA_POLICY_VIOLATION);
        assert_non_null(response.error_message.data);
        assert_true(strncmp(response.error_message.data, "broker 2 is back; ", 18) == 0);
        request.lost.count = 1;
        brokers_ask(&brokers->nodes[0], KP_ALTER_BROKER, 0, &request, &response);
        assert_int_not_equal(response.error_code, KAFKA_NONE);
        assert_true(strncmp(response.error_message.data, "broker 2 is back; ", 18) != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        test_alter_broker_outdated_plan, brokers_setup, brokers_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
