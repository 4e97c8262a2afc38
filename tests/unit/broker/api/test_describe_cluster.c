/* DescribeCluster as a client meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/metadata.h"
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
    for (int version = 0; version <= 2; version++) {
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

static bool three_is_fenced(struct brokers *brokers) {
    const struct broker_services *services = broker_services(brokers->nodes[0].broker);
    const struct metadata_broker *row = metadata_broker_of(services->metadata, 3);
    return row != NULL && row->fenced;
}

/* A broker that is gone is told when it is asked for, as fenced. KIP-1073. */
static void test_describe_cluster_fenced(void **state) {
    struct broker_node *node = start_three(state);
    struct kp_describe_cluster_request request;
    struct kp_describe_cluster_response response;
    brokers_kill(&node->brokers->nodes[2]);
    brokers_until(node->brokers, three_is_fenced);
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &request);
    brokers_ask(node, KP_DESCRIBE_CLUSTER, 2, &request, &response);
    assert_int_equal(response.brokers.count, 2);
    request.include_fenced_brokers = true;
    brokers_ask(node, KP_DESCRIBE_CLUSTER, 2, &request, &response);
    assert_int_equal(response.brokers.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(response.brokers.items[i].is_fenced,
                         response.brokers.items[i].broker_id == 3);
}

/* For a while it is named as before, as it may be about to start again; also by a broker that has
 * started since, and has never heard of it itself. */
static void test_describe_cluster_names_it_on(void **state) {
    struct broker_node *node = start_three(state);
    struct brokers *brokers = node->brokers;
    struct kp_metadata_request asked;
    struct kp_metadata_response named;
    brokers_kill(&brokers->nodes[2]);
    brokers_until(brokers, three_is_fenced);
    brokers_kill(node);
    assert_int_equal(brokers_start_one(node), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
    brokers_until(brokers, three_is_fenced);
    kp_set_fallbacks(&kp_metadata_request_schema, &asked);
    brokers_ask(node, KP_METADATA, 12, &asked, &named);
    assert_int_equal(named.brokers.count, 3);
    brokers->software = "librdkafka";
    brokers_ask(node, KP_METADATA, 12, &asked, &named);
    assert_int_equal(named.brokers.count, 3);
    brokers->software = "apache-kafka-java"; /* it would ask that broker, and wait */
    brokers_ask(node, KP_METADATA, 12, &asked, &named);
    assert_int_equal(named.brokers.count, 2);

    const struct broker_services *services = broker_services(node->broker);
    struct metadata_broker broker = *metadata_broker_of(services->metadata, 3);
    assert_true(broker.fenced_ms > 0);
    assert_true(services_broker_is_named(services, &broker));
    broker.fenced_ms = env_wall_ms(brokers->env) - SERVICES_NAMED_ON_MS - 1000;
    assert_false(services_broker_is_named(services, &broker));
    broker.fenced_ms += 2 * SERVICES_NAMED_ON_MS + 2000; /* a clock that went wrong */
    assert_false(services_broker_is_named(services, &broker));
    broker.fenced_ms = 0; /* fenced by a broker that does not say when */
    assert_false(services_broker_is_named(services, &broker));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_cluster),
        TEST(test_describe_cluster_fenced),
        TEST(test_describe_cluster_names_it_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
