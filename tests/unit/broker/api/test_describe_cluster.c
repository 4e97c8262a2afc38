/* DescribeCluster as a client meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_cluster.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

/* Who is in it; there are no controllers of their own. */
static void test_describe_cluster(void **state) {
    struct broker_node *node = start_three(state);
    struct kp_describe_cluster_request request;
    struct kp_describe_cluster_response response;
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &request);
    request.include_cluster_authorized_operations = true;
    for (int version = 0; version <= 1; version++) {
        brokers_ask(node, KP_DESCRIBE_CLUSTER, version, &request, &response);
        assert_int_equal(response.error_code, 0);
        assert_int_equal(response.brokers.count, 3);
        assert_in_range(response.controller_id, 1, 3);
        assert_true(response.cluster_authorized_operations > 0);
    }
    request.endpoint_type = 2;
    brokers_ask(node, KP_DESCRIBE_CLUSTER, 1, &request, &response);
    assert_int_equal(response.error_code, KAFKA_MISMATCHED_ENDPOINT_TYPE);
    request.endpoint_type = 9;
    brokers_ask(node, KP_DESCRIBE_CLUSTER, 1, &request, &response);
    assert_int_equal(response.error_code, KAFKA_UNSUPPORTED_ENDPOINT_TYPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
