/* FindCoordinator as a client meets it, on one whole broker and on three; and what clients may do
 * to the topic behind it. */
#include <string.h>

#include "broker/config/topic_name.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/produce.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static struct kp_find_coordinator_response find(struct broker_node *node, int version,
                                                const char *key, int8_t type) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    static struct kp_string keys[3];
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = keys[0] = kp_string_of(key);
    keys[1] = kp_string_of("another");
    keys[2] = kp_string_of("");
    request.key_type = type;
    request.coordinator_keys.items = keys;
    request.coordinator_keys.count = 3;
    brokers_ask(node, KP_FIND_COORDINATOR, version, &request, &response);
    return response;
}

enum { PATIENCE_MS = 20000 }; /* of a machine that has much else to do */

/* The same, as a client that asks again while there is none. */
static struct kp_find_coordinator_response find_one(struct broker_node *node, int version) {
    struct env *env = node->brokers->env;
    uint64_t began_ms = env_now_ms(env);
    struct kp_find_coordinator_response response;
    do {
        response = find(node, version, "group", 0);
    } while (response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE &&
             env_now_ms(env) - began_ms < PATIENCE_MS);
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response;
}

static bool all_are_led(struct broker_node *node) {
    struct kp_metadata_response response = metadata(node, 12, TOPIC_CONSUMER_OFFSETS, false);
    assert_int_equal(response.topics.count, 1);
    assert_true(response.topics.items[0].is_internal);
    assert_int_equal(response.topics.items[0].partitions.count, 50);
    bool led = true;
    for (int p = 0; p < 50; p++) {
        led = led && response.topics.items[0].partitions.items[p].error_code == KAFKA_NONE;
        assert_int_equal(response.topics.items[0].partitions.items[p].replica_nodes.count, 3);
    }
    return led;
}

/* The first that asks makes the topic, all of it led soon; every version names the same broker,
 * with its address; the other versions of the request name one for each key. */
static void test_find_coordinator_makes_the_topic(void **state) {
    struct broker_node *node = start_three(state);
    struct env *env = node->brokers->env;
    assert_int_equal(metadata(node, 12, NULL, false).topics.count, 0);
    struct kp_find_coordinator_response first = find_one(node, 3);
    assert_in_range(first.node_id, 1, 3);
    assert_true(kp_string_is(first.host, "127.0.0.1"));
    assert_true(first.port > 0);
    uint64_t began_ms = env_now_ms(env);
    while (!all_are_led(node))
        assert_true(env_now_ms(env) - began_ms < PATIENCE_MS);
    for (int n = 0; n < 3; n++) {
        for (int version = 0; version <= 3; version++) {
            struct kp_find_coordinator_response again;
            began_ms = env_now_ms(env);
            do { /* leads may move meanwhile */
                first = find_one(node, 3);
                again = find_one(&node->brokers->nodes[n], version);
                assert_true(env_now_ms(env) - began_ms < PATIENCE_MS);
            } while (again.node_id != first.node_id);
            assert_int_equal(again.port, first.port);
        }
    }
    struct kp_find_coordinator_response many = find(node, 4, "group", 0);
    assert_int_equal(many.coordinators.count, 3);
    for (int i = 0; i < 3; i++) {
        int16_t code = many.coordinators.items[i].error_code;
        assert_true(code == KAFKA_NONE || code == KAFKA_COORDINATOR_NOT_AVAILABLE);
        assert_int_equal(code == KAFKA_NONE, many.coordinators.items[i].node_id >= 0);
    }
    assert_true(kp_string_is(many.coordinators.items[1].key, "another"));
}

/* Of transactional ids the coordinators are on a topic of their own; other types are refused, and
 * make none. */
static void test_find_coordinator_other_types(void **state) {
    struct broker_node *node = start_one(state, NULL);
    assert_int_equal(find(node, 2, "s", 2).error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(metadata(node, 12, NULL, false).topics.count, 0);
    struct kp_find_coordinator_response response = find(node, 2, "t", 1);
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.node_id, node->id);
    response = find(node, 4, "t", 1);
    assert_int_equal(response.coordinators.count, 3);
    assert_int_equal(response.coordinators.items[1].error_code, KAFKA_NONE);
    struct kp_metadata_response made = metadata(node, 12, TOPIC_TRANSACTION_STATE, false);
    assert_int_equal(made.topics.items[0].partitions.count, 50);
    assert_true(made.topics.items[0].is_internal);
    assert_int_equal(brokers_delete_topic(node, TOPIC_TRANSACTION_STATE), KAFKA_INVALID_REQUEST);
}

/* A leader that nobody knows: COORDINATOR_NOT_AVAILABLE, no address, within a moment. */
static void test_find_coordinator_without_leader(void **state) {
    struct broker_node *node = start_three(state);
    int32_t coordinator = find_one(node, 3).node_id;
    struct broker_node *other = NULL;
    for (int n = 0; n < 3; n++) {
        if (node->brokers->nodes[n].id != coordinator && other == NULL)
            other = &node->brokers->nodes[n];
    }
    for (int n = 0; n < 3; n++)
        if (&node->brokers->nodes[n] != other) brokers_kill(&node->brokers->nodes[n]);
    struct kp_find_coordinator_response response;
    uint64_t began_ms = env_now_ms(node->brokers->env);
    do {
        response = find(other, 3, "group", 0);
    } while (response.error_code == KAFKA_NONE && env_now_ms(node->brokers->env) - began_ms < 5000);
    assert_int_equal(response.error_code, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(response.node_id, -1);
    assert_int_equal(response.port, -1);
    assert_true(kp_string_is(response.host, ""));
}

/* The topic says `compact`, which users' topics may not; it is not deleted, does not grow, and is
 * written by the broker alone. */
static void test_find_coordinator_topic_is_the_brokers(void **state) {
    struct broker_node *node = start_one(state, NULL);
    struct kp_metadata_response made = metadata(node, 12, TOPIC_CONSUMER_OFFSETS, true);
    assert_int_equal(made.topics.items[0].error_code, KAFKA_NONE);
    assert_int_equal(made.topics.items[0].partitions.count, 50);
    assert_int_equal(made.topics.items[0].partitions.items[0].replica_nodes.count, 1);

    struct kp_describe_configs_request configs;
    struct kp_describe_configs_response described;
    struct kp_describe_configs_request_resource resource;
    struct kp_string key = kp_string_of("cleanup.policy");
    kp_set_fallbacks(&kp_describe_configs_request_schema, &configs);
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resource);
    resource.resource_type = 2;
    resource.resource_name = kp_string_of(TOPIC_CONSUMER_OFFSETS);
    resource.configuration_keys.items = &key;
    resource.configuration_keys.count = 1;
    configs.resources.items = &resource;
    configs.resources.count = 1;
    brokers_ask(node, KP_DESCRIBE_CONFIGS, 4, &configs, &described);
    assert_int_equal(described.results.items[0].configs.count, 1);
    assert_true(kp_string_is(described.results.items[0].configs.items[0].value, "compact"));

    struct kp_create_partitions_response grown = grow(node, 3, TOPIC_CONSUMER_OFFSETS, 60, 0);
    assert_int_equal(grown.results.items[0].error_code, KAFKA_INVALID_PARTITIONS);
    assert_text(grown.results.items[0].error_message, "never changes");
    assert_int_equal(brokers_delete_topic(node, TOPIC_CONSUMER_OFFSETS), KAFKA_INVALID_REQUEST);

    struct kp_produce_request request;
    struct kp_produce_response response;
    struct kp_produce_request_topic topic;
    struct kp_produce_request_partition partition;
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_produce_request_partition_schema, &partition);
    request.acks = 1;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    topic.name = kp_string_of(TOPIC_CONSUMER_OFFSETS);
    topic.partition_data.items = &partition;
    topic.partition_data.count = 1;
    brokers_ask(node, KP_PRODUCE, 9, &request, &response);
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code,
                     KAFKA_INVALID_TOPIC);
    assert_text(response.responses.items[0].partition_responses.items[0].error_message,
                "the broker's own");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_find_coordinator_makes_the_topic),
        TEST(test_find_coordinator_other_types),
        TEST(test_find_coordinator_without_leader),
        TEST(test_find_coordinator_topic_is_the_brokers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
