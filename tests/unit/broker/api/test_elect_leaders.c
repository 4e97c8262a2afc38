/* Leads go back to where they were placed: on request (ElectLeaders), and by themselves. */
#include <stdio.h>
#include <string.h>

#include "broker/cluster/leader_table.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/elect_leaders.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 9 };

static const char *const by_hand[] = {"auto.leader.rebalance.enable=false", NULL};
static const char *const by_itself[] = {"leader.imbalance.check.interval.seconds=1", NULL};

static const struct broker_services *services_of(const struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++)
        if (brokers->nodes[i].broker != NULL) return broker_services(brokers->nodes[i].broker);
    return NULL;
}

/* How many partitions are led, as that broker sees it: by their preferred brokers, or by any. */
static int count_led(const struct broker_node *node, bool preferred) {
    const struct broker_services *services = broker_services(node->broker);
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, "orders", 6);
    int count = 0;
    for (int32_t p = 0; topic != NULL && p < topic->partition_count; p++) {
        int32_t leader = leader_table_get(services->leaders, topic->partitions[p].group).node;
        count += preferred ? leader == topic->partitions[p].replicas[0].node
                           : leader != LEADER_NONE;
    }
    return count;
}

static bool all_as_placed(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++)
        if (brokers->nodes[i].broker == NULL || count_led(&brokers->nodes[i], true) != PARTITIONS)
            return false;
    return true;
}

static bool third_leads_nothing(struct brokers *brokers) {
    for (int i = 0; i < 2; i++) {
        const struct broker_services *services = broker_services(brokers->nodes[i].broker);
        if (count_led(&brokers->nodes[i], false) != PARTITIONS ||
            leader_table_led_by(services->leaders, 3) > 0)
            return false;
    }
    return true;
}

/* All replicas of all partitions are in sync, as their leaders say. */
static bool all_in_sync(struct brokers *brokers) {
    const struct broker_services *services = services_of(brokers);
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, "orders", 6);
    if (!brokers_all_ready(brokers)) return false;
    for (int32_t p = 0; p < topic->partition_count; p++)
        if (leader_table_get(services->leaders, topic->partitions[p].group).in_sync_count != 3)
            return false;
    return true;
}

/* Three brokers with a topic; the third one is gone and back, and leads nothing. */
static struct brokers *start_and_lose_third(void **state, const char *const *pairs) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, pairs);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "orders", PARTITIONS, 3, NULL), 0);
    brokers_until(brokers, all_as_placed);
    brokers_kill(&brokers->nodes[2]);
    brokers_until(brokers, third_leads_nothing);
    assert_int_equal(brokers_start_one(&brokers->nodes[2]), ERR_NONE);
    return brokers;
}

static struct kp_elect_leaders_response elect(struct broker_node *node, int version, int8_t type,
                                              const char *topic, int32_t *partitions,
                                              int32_t count) {
    struct kp_elect_leaders_request request;
    struct kp_elect_leaders_response response;
    struct kp_elect_leaders_request_topic row = {.topic = kp_string_of(topic)};
    row.partitions.items = partitions;
    row.partitions.count = count;
    kp_set_fallbacks(&kp_elect_leaders_request_schema, &request);
    request.election_type = type;
    request.topic_partitions.items = &row;
    request.topic_partitions.count = topic == NULL ? -1 : 1;
    request.timeout_ms = 5000;
    brokers_ask(node, KP_ELECT_LEADERS, version, &request, &response);
    return response;
}

static const struct kp_elect_leaders_response_partition *result(
    const struct kp_elect_leaders_response *response, int32_t place) {
    assert_int_equal(response->replica_election_results.count, 1);
    assert_true(kp_string_is(response->replica_election_results.items[0].topic, "orders"));
    assert_true(place < response->replica_election_results.items[0].partition_result.count);
    return &response->replica_election_results.items[0].partition_result.items[place];
}

/* All at once (null): those that had to move are in the answer, and lead where they were placed
 * when it comes; then there are none. */
static void test_elect_leaders_all(void **state) {
    struct brokers *brokers = start_and_lose_third(state, by_hand);
    brokers_until(brokers, all_in_sync);
    struct broker_node *asked = &brokers->nodes[0];
    struct kp_elect_leaders_response response = elect(asked, 2, ELECT_PREFERRED, NULL, NULL, 0);
    assert_int_equal(response.error_code, 0);
    int32_t moved = response.replica_election_results.items[0].partition_result.count;
    assert_in_range(moved, 3, 4);
    for (int32_t i = 0; i < moved; i++)
        assert_int_equal(result(&response, i)->error_code, 0);
    assert_int_equal(count_led(asked, true), PARTITIONS);
    brokers_until(brokers, all_as_placed);
    response = elect(asked, 0, ELECT_PREFERRED, NULL, NULL, 0);
    assert_int_equal(response.replica_election_results.count, 0);
}

/* What cannot be is said for each partition, in every version. */
static void test_elect_leaders_refusals(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, by_hand);
    struct broker_node *node = &brokers->nodes[1];
    assert_int_equal(brokers_create_topic(node, "orders", PARTITIONS, 3, NULL), 0);
    brokers_until(brokers, all_as_placed);
    int32_t partitions[] = {0, 1, 99, -1};
    for (int version = 0; version <= 2; version++) {
        struct kp_elect_leaders_response response = elect(node, version, ELECT_PREFERRED, "orders",
                                                          partitions, 4);
        assert_int_equal(response.error_code, 0);
        assert_int_equal(result(&response, 0)->error_code, KAFKA_ELECTION_NOT_NEEDED);
        assert_int_equal(result(&response, 1)->error_code, KAFKA_ELECTION_NOT_NEEDED);
        assert_int_equal(result(&response, 2)->error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        assert_int_equal(result(&response, 3)->partition_id, -1);
        assert_int_equal(result(&response, 3)->error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    }
    struct kp_elect_leaders_response response = elect(node, 2, ELECT_PREFERRED, "nothing",
                                                      partitions, 1);
    assert_int_equal(
        response.replica_election_results.items[0].partition_result.items[0].error_code,
        KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(elect(node, 2, 7, "orders", partitions, 1).error_code, KAFKA_INVALID_REQUEST);
    response = elect(node, 2, ELECT_UNCLEAN, "orders", partitions, 1);
    assert_int_equal(result(&response, 0)->error_code, KAFKA_ELECTION_NOT_NEEDED);
}

/* A preferred broker that is down takes nothing, and the answer says so at once; without a majority
 * there is nobody to elect at all. */
static void test_elect_leaders_preferred_is_down(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, by_hand);
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "orders", PARTITIONS, 3, NULL), 0);
    brokers_until(brokers, all_as_placed);
    brokers_kill(&brokers->nodes[2]);
    brokers_until(brokers, third_leads_nothing);
    struct kp_elect_leaders_response response = elect(node, 2, ELECT_PREFERRED, NULL, NULL, 0);
    assert_int_equal(response.replica_election_results.items[0].partition_result.count, 3);
    for (int32_t i = 0; i < 3; i++) {
        assert_int_equal(result(&response, i)->error_code, KAFKA_PREFERRED_LEADER_NOT_AVAILABLE);
        assert_true(result(&response, i)->error_message.len > 0);
    }
}

/* After a return the leads come home by themselves. */
static void test_leaders_come_home(void **state) {
    struct brokers *brokers = start_and_lose_third(state, by_itself);
    uint64_t start = env_now_ms(brokers->env);
    brokers_until(brokers, all_as_placed);
    print_message("all are led as placed %d ms after the return\n",
                  (int)(env_now_ms(brokers->env) - start));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_elect_leaders_all, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_elect_leaders_refusals, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_elect_leaders_preferred_is_down, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_come_home, brokers_setup, brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
