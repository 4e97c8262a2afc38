/* CreatePartitions as a client meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

/* More partitions, never fewer, each with a leader when the answer comes. */
static void test_create_partitions(void **state) {
    struct broker_node *node = start_one(state, NULL);
    assert_int_equal(brokers_create_topic(node, "orders", 1, 1, NULL), 0);
    assert_int_equal(grow(node, 0, "orders", 3, -1).results.items[0].error_code, 0);
    struct kp_metadata_response response = metadata(node, 9, "orders", false);
    assert_int_equal(response.topics.items[0].partitions.count, 3);
    assert_int_equal(response.topics.items[0].partitions.items[2].leader_id, 1);
    assert_int_equal(grow(node, 3, "orders", 5, 2).results.items[0].error_code, 0);
    struct kp_create_partitions_response refused = grow(node, 3, "orders", 5, -1);
    assert_int_equal(refused.results.items[0].error_code, KAFKA_INVALID_PARTITIONS);
    assert_text(refused.results.items[0].error_message,
                "currently has 5 partition(s); 5 would not be an increase");
    assert_int_equal(grow(node, 3, "orders", 6, 2).results.items[0].error_code,
                     KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(grow(node, 3, "nothing", 6, -1).results.items[0].error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(partition_set_count(broker_services(node->broker)->partitions), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_create_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
