/* DescribeQuorum as a client meets it, at each of three brokers. */
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_quorum.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static struct kp_describe_quorum_response ask_quorum(struct broker_node *node, int version,
                                                     const char *topic, int32_t partition,
                                                     int32_t count) {
    struct kp_describe_quorum_request request;
    struct kp_describe_quorum_request_partition rows[2] = {{partition}, {partition}};
    struct kp_describe_quorum_request_topic asked = {.topic_name = kp_string_of(topic),
                                                     .partitions = {rows, count}};
    struct kp_describe_quorum_response response;
    kp_set_fallbacks(&kp_describe_quorum_request_schema, &request);
    request.topics.items = &asked;
    request.topics.count = 1;
    brokers_ask(node, KP_DESCRIBE_QUORUM, version, &request, &response);
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.topics.count, 1);
    assert_int_equal(response.topics.items[0].partitions.count, count);
    return response;
}

static const struct kp_describe_quorum_response_partition *row_of(
    const struct kp_describe_quorum_response *response) {
    return &response->topics.items[0].partitions.items[0];
}

/* Whoever is asked says the same: the leader, and how far each voter is; in version 2 also where
 * they are. */
static void test_describe_quorum(void **state) {
    struct broker_node *node = start_three(state);
    struct brokers *brokers = node->brokers;
    assert_int_equal(brokers_create_topic(node, "orders", 3, 3, NULL), 0);
    for (int version = 0; version <= 2; version++) {
        for (int i = 0; i < 3; i++) {
            struct kp_describe_quorum_response response = ask_quorum(&brokers->nodes[i], version,
                                                                     "__cluster_metadata", 0, 1);
            const struct kp_describe_quorum_response_partition *row = row_of(&response);
            assert_int_equal(row->error_code, KAFKA_NONE);
            assert_int_equal(row->leader_id, brokers_metadata_leader(brokers)->id);
            assert_true(row->leader_epoch > 0);
            assert_true(row->high_watermark > 4); /* three registrations and a topic */
            assert_int_equal(row->current_voters.count, 3);
            assert_int_equal(row->observers.count, 0);
            for (int32_t v = 0; v < 3; v++) {
                const struct kp_describe_quorum_response_replica *voter =
                    &row->current_voters.items[v];
                bool leads = voter->replica_id == row->leader_id;
                assert_int_equal(voter->replica_id, v + 1);
                assert_true(voter->log_end_offset > 0);
                assert_int_equal(kp_uuid_is_zero(voter->replica_directory_id), version < 2);
                assert_int_equal(voter->last_fetch_timestamp > 0, version > 0 && !leads);
                assert_true(!leads || version == 0 || voter->last_caught_up_timestamp > 0);
                assert_true(!leads || voter->log_end_offset >= row->high_watermark);
            }
            assert_int_equal(response.nodes.count, version == 2 ? 3 : 0);
            if (version == 2) {
                assert_int_equal(response.nodes.items[2].node_id, 3);
                assert_int_equal(response.nodes.items[2].listeners.count, 1);
                assert_true(response.nodes.items[2].listeners.items[0].port > 0);
            }
        }
    }
}

/* There is a quorum of nothing else. */
static void test_describe_quorum_refusals(void **state) {
    struct broker_node *node = start_one(state, NULL);
    struct kp_describe_quorum_response response = ask_quorum(node, 2, "orders", 0, 1);
    assert_int_equal(row_of(&response)->error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_true(row_of(&response)->error_message.len > 0);
    response = ask_quorum(node, 2, "__cluster_metadata", 1, 1);
    assert_int_equal(row_of(&response)->partition_index, 1);
    assert_int_equal(row_of(&response)->error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    response = ask_quorum(node, 1, "__cluster_metadata", 0, 2);
    assert_int_equal(row_of(&response)->error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    response = ask_quorum(node, 0, "__cluster_metadata", 0, 0);
    assert_int_equal(response.nodes.count, 0);
}

/* The leader is gone, and nobody can be elected: the answer says that nobody leads. */
static void test_describe_quorum_without_leader(void **state) {
    struct broker_node *node = start_three(state);
    struct brokers *brokers = node->brokers;
    struct broker_node *leader = brokers_metadata_leader(brokers), *left = NULL;
    for (int i = 0; i < 3; i++)
        if (&brokers->nodes[i] != leader) left = &brokers->nodes[i];
    for (int i = 0; i < 3; i++)
        if (&brokers->nodes[i] != left) brokers_kill(&brokers->nodes[i]);
    struct kp_describe_quorum_response response = ask_quorum(left, 2, "__cluster_metadata", 0, 1);
    assert_int_equal(row_of(&response)->error_code, KAFKA_LEADER_NOT_AVAILABLE);
    assert_int_equal(row_of(&response)->leader_id, -1);
    assert_int_equal(row_of(&response)->current_voters.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_quorum),
        TEST(test_describe_quorum_refusals),
        TEST(test_describe_quorum_without_leader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
