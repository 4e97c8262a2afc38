/* Metadata while leaders change: who asks right after a leader died is told the new one, not the
 * dead one again. */

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/patience.h"
#include "tests/unit/unit.h"

/* `name` NULL: all topics. */
static struct kp_metadata_response ask(struct broker_node *node, const char *name) {
    struct kp_metadata_request request;
    struct kp_metadata_request_topic topic;
    struct kp_metadata_response response;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &topic);
    topic.name = kp_string_of(name);
    request.topics.items = &topic;
    request.topics.count = name != NULL ? 1 : -1;
    brokers_ask(node, KP_METADATA, 9, &request, &response);
    return response;
}

static bool all_lead_again(struct brokers *brokers) {
    const struct leader_table *leaders = broker_services(brokers->nodes[0].broker)->leaders;
    return leader_table_led_by(leaders, 1) + leader_table_led_by(leaders, 3) == 6;
}

/* Whoever is told that there is no leader was held as long as leaders may be in doubt: on a busy
 * machine elections take longer. */
static struct kp_metadata_response ask_until_told(struct broker_node *node, const char *name,
                                                  uint64_t killed_ms) {
    struct kp_metadata_response response = ask(node, name);
    bool told = true;
    assert_int_equal(response.topics.count, 1);
    for (int p = 0; p < 6; p++)
        told = told && response.topics.items[0].partitions.items[p].error_code !=
                           KAFKA_LEADER_NOT_AVAILABLE;
    if (told) return response;
    assert_true(env_now_ms(node->brokers->env) - killed_ms >= LEADER_DOUBT_MS);
    brokers_until(node->brokers, all_lead_again);
    return ask(node, name);
}

static void check_next_leaders(struct brokers *brokers, const char *name) {
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "orders", 6, 3, NULL), KAFKA_NONE);
    struct broker_node *victim = &brokers->nodes[1];
    assert_true(leader_table_led_by(broker_services(node->broker)->leaders, victim->id) > 0);
    uint64_t killed_ms = env_now_ms(brokers->env);
    brokers_kill(victim);
    struct kp_metadata_response response = ask_until_told(node, name, killed_ms);
    for (int p = 0; p < 6; p++) {
        const struct kp_metadata_response_partition *partition =
            &response.topics.items[0].partitions.items[p];
        assert_int_equal(partition->error_code, KAFKA_NONE);
        assert_int_not_equal(partition->leader_id, victim->id);
        assert_true(partition->leader_id > 0);
    }
}

static void test_metadata_of_a_topic_waits_for_leaders(void **state) {
    brokers_start(*state, 3, NULL);
    check_next_leaders(*state, "orders");
}

static void test_metadata_of_all_waits_for_leaders(void **state) {
    brokers_start(*state, 3, NULL);
    check_next_leaders(*state, NULL);
}

/* Without a majority there is no new leader: the answer comes after a moment, and says so. */
static void test_metadata_waits_for_a_moment_only(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "orders", 3, 3, NULL), KAFKA_NONE);
    brokers_kill(&brokers->nodes[1]);
    brokers_kill(&brokers->nodes[2]);
    uint64_t start_ms = env_now_ms(brokers->env);
    struct kp_metadata_response response = ask(node, "orders");
    assert_true(is_within_ms(env_now_ms(brokers->env) - start_ms, 2 * LEADER_DOUBT_MS + 300));
    unsigned missing = 0;
    for (int p = 0; p < 3; p++)
        missing += response.topics.items[0].partitions.items[p].error_code ==
                   KAFKA_LEADER_NOT_AVAILABLE;
    assert_int_equal(missing, 2);
    uint64_t shortest_ms = UINT64_MAX; /* it is settled: nobody waits any more, but once when this
                                          broker's own leadership ends */
    for (int i = 0; i < 3; i++) {
        start_ms = env_now_ms(brokers->env);
        ask(node, "orders");
        uint64_t took_ms = env_now_ms(brokers->env) - start_ms;
        if (took_ms < shortest_ms) shortest_ms = took_ms;
    }
    assert_true(is_within_ms(shortest_ms, 150));
}

enum { WIDE = 1000, REPEATS = 100000 };

static bool is_doubtful(struct brokers *brokers) {
    return leader_table_in_doubt(broker_services(brokers->nodes[0].broker)->leaders);
}

/* A topic of many partitions that is named again and again is looked at once: in a moment, not in a
 * hundred million steps. */
static void test_metadata_of_repeats_is_held_once(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "wide", WIDE, 1, NULL), KAFKA_NONE);
    struct kp_metadata_request_topic *topics = mem_alloc(REPEATS * sizeof *topics);
    struct kp_metadata_request request;
    struct kp_metadata_response response;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    for (int i = 0; i < REPEATS; i++) {
        kp_set_fallbacks(&kp_metadata_request_topic_schema, &topics[i]);
        topics[i].name = kp_string_of("wide");
    }
    request.topics.items = topics;
    request.topics.count = REPEATS;
    brokers_kill(&brokers->nodes[1]);
    brokers_until(brokers, is_doubtful);
    uint64_t start_ms = env_now_ms(brokers->env);
    brokers_ask(node, KP_METADATA, 9, &request, &response);
    assert_true(is_within_ms(env_now_ms(brokers->env) - start_ms, 10 * LEADER_DOUBT_MS));
    assert_int_equal(response.topics.count, 1);
    assert_int_equal(response.topics.items[0].partitions.count, WIDE);
    mem_free(topics);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_metadata_of_a_topic_waits_for_leaders),
        TEST(test_metadata_of_all_waits_for_leaders),
        TEST(test_metadata_waits_for_a_moment_only),
        TEST(test_metadata_of_repeats_is_held_once),
    };
    return cmocka_run_group_tests_name("metadata_hold", tests, NULL, NULL);
}
