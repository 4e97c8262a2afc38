/* What brokers tell each other of partitions, for the lag of groups. */
#include "broker/broker_internal.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 6, WHO = 7 };

static const struct lag_answer *seen;
static uint64_t partition;

static bool is_known(struct brokers *brokers) {
    struct lag_exchange *exchange = brokers->nodes[0].broker->lag_exchange;
    seen = lag_exchange_find(exchange, partition, WHO, 5);
    return seen != NULL;
}

/* The Raft group of a partition that only the other one has. */
static uint64_t elsewhere(const struct broker_node *node) {
    const struct broker_services *services = broker_services(node->broker);
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, "t", 1);
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (partition_set_find_group(services->partitions, topic->partitions[i].group) == NULL)
            return topic->partitions[i].group;
    fail_msg("the first broker has all of it");
    return 0;
}

/* A leader elsewhere tells; of a partition that nobody has nothing is known. */
static void test_lag_exchange(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 2, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "t", PARTITIONS, 1, NULL), 0);
    struct lag_exchange *exchange = brokers->nodes[0].broker->lag_exchange;
    partition = elsewhere(&brokers->nodes[0]);
    assert_null(lag_exchange_find(exchange, 1 << 20, WHO, 0));
    brokers_until(brokers, is_known);
    assert_int_equal(seen->committed, 5);
    assert_int_equal(seen->start, 0);
    assert_int_equal(seen->end, 0);
    assert_int_equal(seen->age_ms, -1);
    assert_null(lag_exchange_find(exchange, 1 << 20, WHO, 0));
    assert_null(lag_exchange_find(exchange, partition, WHO + 1, 0)); /* another group's question */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lag_exchange, brokers_setup, brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
