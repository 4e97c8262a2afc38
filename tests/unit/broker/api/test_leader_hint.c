/* KIP-951: who asks the wrong broker is told where the leader is, and nothing that may be wrong. */
#include <string.h>

#include "broker/cluster/leader_table.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/fetch.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 6 };

static const char *const racks[] = {"broker.rack=here", "auto.leader.rebalance.enable=false", NULL};

static struct leader leader_at(const struct broker_node *node, int32_t partition) {
    const struct broker_services *services = broker_services(node->broker);
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, "t", 1);
    if (topic == NULL) return (struct leader){.node = LEADER_NONE};
    return leader_table_get(services->leaders, topic->partitions[partition].group);
}

static bool all_led(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++)
        for (int32_t p = 0; p < PARTITIONS; p++)
            if (leader_at(&brokers->nodes[i], p).node == LEADER_NONE) return false;
    return true;
}

/* A fetch of all partitions, from the beginning. */
static struct kp_fetch_response fetch_all(struct broker_node *node, int version, int32_t epoch) {
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic = {.topic = kp_string_of("t")};
    struct kp_fetch_request_partition partitions[PARTITIONS];
    struct kp_fetch_response response;
    const struct metadata *metadata = broker_services(node->broker)->metadata;
    memcpy(topic.topic_id.bytes, metadata_topic_named(metadata, "t", 1)->id, METADATA_UUID_SIZE);
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    request.max_wait_ms = 60000;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.partitions.items = partitions;
    topic.partitions.count = PARTITIONS;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        kp_set_fallbacks(&kp_fetch_request_partition_schema, &partitions[p]);
        partitions[p].partition = p;
        partitions[p].current_leader_epoch = epoch;
        partitions[p].partition_max_bytes = 1000;
    }
    brokers_ask(node, KP_FETCH, version, &request, &response);
    return response;
}

static void assert_endpoint(struct brokers *brokers, const struct kp_node_endpoint *endpoint) {
    struct broker_node *node = &brokers->nodes[endpoint->node_id - 1];
    assert_int_equal(endpoint->port, broker_port(node->broker, NULL));
    assert_true(kp_string_is(endpoint->host, "127.0.0.1"));
    assert_true(kp_string_is(endpoint->rack, "here"));
}

/* Partitions of one replica each: whoever does not lead names who does, once for each broker; the
 * leader that a client knows under another epoch names itself. */
static void test_leader_hint_of_fetch(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, racks);
    struct broker_node *asked = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(asked, "t", PARTITIONS, 1, NULL), 0);
    brokers_until(brokers, all_led);
    struct kp_fetch_response response = fetch_all(asked, 16, -1);
    const struct kp_fetch_response_partition *out = response.responses.items[0].partitions.items;
    int others = 0;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct leader leader = leader_at(asked, p);
        bool own = leader.node == asked->id;
        others += !own;
        assert_int_equal(out[p].error_code, own ? KAFKA_NONE : KAFKA_NOT_LEADER_OR_FOLLOWER);
        assert_int_equal(out[p].current_leader.leader_id, own ? -1 : leader.node);
        assert_int_equal(out[p].current_leader.leader_epoch, own ? -1 : (int32_t)leader.term);
    }
    assert_in_range(others, 1, PARTITIONS);
    assert_int_equal(response.node_endpoints.count, 2);
    for (int32_t i = 0; i < response.node_endpoints.count; i++)
        assert_endpoint(brokers, &response.node_endpoints.items[i]);

    response = fetch_all(asked, 16, 0); /* an epoch that is over */
    out = response.responses.items[0].partitions.items;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        bool own = leader_at(asked, p).node == asked->id;
        assert_int_equal(out[p].error_code,
                         own ? KAFKA_FENCED_LEADER_EPOCH : KAFKA_NOT_LEADER_OR_FOLLOWER);
        assert_int_equal(out[p].current_leader.leader_id, leader_at(asked, p).node);
    }
    assert_int_equal(response.node_endpoints.count, 3);

    response = fetch_all(asked, 15, -1); /* before KIP-951 */
    out = response.responses.items[0].partitions.items;
    for (int32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(out[p].current_leader.leader_id, -1);
}

static struct kp_produce_response produce_to(struct broker_node *node, int version,
                                             int32_t partition) {
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", -1);
    produce_add(&ask, partition, 1, 10);
    brokers_ask(node, KP_PRODUCE, version, &ask.request, &response);
    produce_end(&ask);
    return response;
}

static bool some_leader_is_lost(struct brokers *brokers) {
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (leader_at(&brokers->nodes[0], p).node == LEADER_NONE) return true;
    return false;
}

/* Produce tells the same from version 10 on; a leader that is lost is not named any more. */
static void test_leader_hint_of_produce(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, racks);
    struct broker_node *asked = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(asked, "t", PARTITIONS, 1, NULL), 0);
    brokers_until(brokers, all_led);
    int32_t elsewhere = 0;
    while (leader_at(asked, elsewhere).node == asked->id)
        elsewhere++; /* the three of them lead two each */
    int32_t leader = leader_at(asked, elsewhere).node;
    struct kp_produce_response response = produce_to(asked, 10, elsewhere);
    const struct kp_produce_response_partition *out =
        response.responses.items[0].partition_responses.items;
    assert_int_equal(out->error_code, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(out->current_leader.leader_id, leader);
    assert_int_equal(response.node_endpoints.count, 1);
    assert_endpoint(brokers, &response.node_endpoints.items[0]);
    response = produce_to(asked, 9, elsewhere);
    assert_int_equal(response.responses.items[0].partition_responses.items->error_code,
                     KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(response.node_endpoints.count, 0);
    brokers_kill(&brokers->nodes[leader - 1]);
    brokers_until(brokers, some_leader_is_lost);
    response = produce_to(asked, 10, elsewhere);
    out = response.responses.items[0].partition_responses.items;
    assert_int_equal(out->error_code, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(out->current_leader.leader_id, -1);
    assert_int_equal(response.node_endpoints.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_leader_hint_of_fetch),
        TEST(test_leader_hint_of_produce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
