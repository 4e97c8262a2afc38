/* FindCoordinator as a client meets it, on one whole broker. */
#include "protocol/kafka_error.h"
#include "protocol/messages/find_coordinator.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"
#include <string.h>

/* Clients must stop and say why: no groups, no transactions yet. */
static void test_find_coordinator(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    struct kp_string keys[2] = {kp_string_of("a"), kp_string_of("b")};
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = keys[0];
    for (int version = 0; version <= 3; version++) {
        assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, version, &request, &response));
        assert_int_equal(response.error_code, KAFKA_GROUP_AUTHORIZATION_FAILED);
        assert_int_equal(response.node_id, -1);
        if (version > 0)
            assert_non_null(strstr(response.error_message.data, "no consumer groups yet"));
    }
    request.key_type = 1;
    request.coordinator_keys.items = keys;
    request.coordinator_keys.count = 2;
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 4, &request, &response));
    assert_int_equal(response.coordinators.count, 2);
    assert_int_equal(response.coordinators.items[1].error_code,
                     KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_true(kp_string_is(response.coordinators.items[1].key, "b"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_find_coordinator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
