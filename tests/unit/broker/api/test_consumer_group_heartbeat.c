/* ConsumerGroupHeartbeat and ConsumerGroupDescribe as a client meets them, on one whole broker and
 * on three. */
#include "protocol/messages/consumer_group_heartbeat.h"

#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/find_coordinator.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

/* As clients do, until there is one: the first who asks has the topic of it made. */
static int32_t find(struct broker_node *node, const char *group) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    uint64_t began_ms = env_now_ms(node->brokers->env);
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of(group);
    do {
        brokers_ask(node, KP_FIND_COORDINATOR, 3, &request, &response);
    } while (response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE &&
             env_now_ms(node->brokers->env) - began_ms < 30000);
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response.node_id;
}

/* `regex` NULL: the topics t and u. */
static struct kp_consumer_group_heartbeat_response say(struct broker_node *node, int version,
                                                       const char *member, int32_t epoch,
                                                       const char *regex) {
    struct kp_consumer_group_heartbeat_request request;
    struct kp_consumer_group_heartbeat_response response;
    struct kp_string names[] = {kp_string_of("t"), kp_string_of("u")};
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of(member);
    request.member_epoch = epoch;
    request.rebalance_timeout_ms = epoch == 0 ? 10000 : -1;
    request.subscribed_topic_names.items = names;
    request.subscribed_topic_names.count = epoch == 0 && regex == NULL ? 2 : -1;
    request.subscribed_topic_regex = epoch == 0 ? kp_string_of(regex) : KP_NULL_STRING;
    request.instance_id = request.rack_id = request.server_assignor = KP_NULL_STRING;
    request.topic_partitions.count = epoch == 0 ? 0 : -1;
    brokers_ask(node, KP_CONSUMER_GROUP_HEARTBEAT, version, &request, &response);
    return response;
}

static struct kp_consumer_group_heartbeat_response beat(struct broker_node *node, int version,
                                                        const char *member, int32_t epoch) {
    return say(node, version, member, epoch, NULL);
}

static struct kp_consumer_group_describe_response_group describe(struct broker_node *node,
                                                                 const char *group) {
    struct kp_consumer_group_describe_request request;
    static struct kp_consumer_group_describe_response response;
    struct kp_string ids[] = {kp_string_of(""), kp_string_of(group)};
    kp_set_fallbacks(&kp_consumer_group_describe_request_schema, &request);
    request.group_ids.items = ids;
    request.group_ids.count = 2;
    request.include_authorized_operations = true;
    brokers_ask(node, KP_CONSUMER_GROUP_DESCRIBE, 1, &request, &response);
    assert_int_equal(response.groups.count, 2);
    assert_int_equal(response.groups.items[0].error_code, KAFKA_INVALID_GROUP_ID);
    return response.groups.items[1];
}

/* A member joins with all partitions of its topics, is described, stays, and leaves. */
static void test_consumer_group_of_one(void **state) {
    struct broker_node *node = start_one(state, NULL);
    find(node, "g");
    assert_int_equal(brokers_create_topic(node, "t", 3, 1, NULL), KAFKA_NONE);
    assert_int_equal(describe(node, "g").error_code, KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(beat(node, 1, "m", 3).error_code, KAFKA_GROUP_ID_NOT_FOUND);
    struct kp_consumer_group_heartbeat_response answer = beat(node, 1, "m", 0);
    assert_int_equal(answer.error_code, KAFKA_NONE);
    assert_true(kp_string_is(answer.member_id, "m"));
    assert_int_equal(answer.member_epoch, 1);
    assert_int_equal(answer.heartbeat_interval_ms, 5000);
    assert_non_null(answer.assignment);
    assert_int_equal(answer.assignment->topic_partitions.count, 1);
    int32_t partitions = answer.assignment->topic_partitions.items[0].partitions.count;
    assert_int_equal(partitions, 3);
    answer = beat(node, 1, "m", 1);
    assert_int_equal(answer.error_code, KAFKA_NONE);
    assert_null(answer.assignment);

    struct kp_consumer_group_describe_response_group group = describe(node, "g");
    assert_int_equal(group.error_code, KAFKA_NONE);
    assert_text(group.group_state, "Stable");
    assert_text(group.assignor_name, "uniform");
    assert_int_equal(group.group_epoch, 1);
    assert_int_equal(group.assignment_epoch, 1);
    assert_int_equal(group.members.count, 1);
    assert_true(group.authorized_operations != INT32_MIN);
    const struct kp_consumer_group_describe_response_member *member = &group.members.items[0];
    assert_text(member->client_host, "/127.0.0.1");
    assert_int_equal(member->member_type, 1);
    assert_int_equal(member->subscribed_topic_names.count, 2);
    assert_int_equal(member->assignment.topic_partitions.count, 1);
    assert_text(member->assignment.topic_partitions.items[0].topic_name, "t");
    assert_int_equal(member->target_assignment.topic_partitions.items[0].partitions.count,
                     partitions);

    answer = beat(node, 1, "m", -1);
    assert_int_equal(answer.error_code, KAFKA_NONE);
    assert_int_equal(answer.member_epoch, -1);
    assert_text(describe(node, "g").group_state, "Empty");
}

/* What is wrong is said in a sentence; in version 0 the coordinator makes the member id. */
static void test_consumer_group_heartbeat_errors(void **state) {
    struct broker_node *node = start_one(state, NULL);
    find(node, "g");
    assert_int_equal(brokers_create_topic(node, "t", 3, 1, NULL), KAFKA_NONE);
    struct kp_consumer_group_heartbeat_response answer = beat(node, 1, "", 0);
    assert_int_equal(answer.error_code, KAFKA_INVALID_REQUEST);
    assert_text(answer.error_message, "MemberId can't be empty.");
    answer = beat(node, 0, "", 0);
    assert_int_equal(answer.error_code, KAFKA_NONE);
    assert_int_equal(answer.member_id.len, 22);
    assert_int_equal(beat(node, 1, "other", 1).error_code, KAFKA_UNKNOWN_MEMBER_ID);
}

/* An expression that takes long is matched beside the loop; what it stands for is assigned with one
 * of the next heartbeats. */
static void test_consumer_group_slow_expression(void **state) {
    struct broker_node *node = start_one(state, NULL);
    char name[201];
    find(node, "g");
    memset(name, 'a', 200);
    name[200] = 0;
    assert_int_equal(brokers_create_topic(node, name, 2, 1, NULL), KAFKA_NONE);
    struct kp_consumer_group_heartbeat_response answer = say(node, 1, "m", 0, "(a?){900}");
    assert_int_equal(answer.error_code, KAFKA_NONE);
    assert_int_equal(answer.assignment->topic_partitions.count, 0);
    uint64_t began_ms = env_now_ms(node->brokers->env);
    do {
        answer = say(node, 1, "m", answer.member_epoch, NULL);
        assert_int_equal(answer.error_code, KAFKA_NONE);
    } while (answer.assignment == NULL && env_now_ms(node->brokers->env) - began_ms < 30000);
    assert_int_equal(answer.assignment->topic_partitions.count, 1);
    assert_int_equal(answer.assignment->topic_partitions.items[0].partitions.count, 2);
}

/* Another broker is not the coordinator; when the one that was is killed, the next one knows the
 * member, at its epoch. */
static void test_consumer_group_coordinator_moves(void **state) {
    struct broker_node *node = start_three(state);
    int32_t coordinator = find(node, "g");
    struct broker_node *nodes = node->brokers->nodes, *owner = NULL, *other = NULL;
    for (int n = 0; n < 3; n++)
        *(nodes[n].id == coordinator ? &owner : &other) = &nodes[n];
    assert_int_equal(beat(other, 1, "m", 0).error_code, KAFKA_NOT_COORDINATOR);
    assert_int_equal(describe(other, "g").error_code, KAFKA_NOT_COORDINATOR);
    struct kp_consumer_group_heartbeat_response answer = beat(owner, 1, "m", 0);
    assert_int_equal(answer.error_code, KAFKA_NONE);
    int32_t epoch = answer.member_epoch;
    brokers_kill(owner);
    answer.error_code = KAFKA_NOT_COORDINATOR;
    uint64_t began_ms = env_now_ms(node->brokers->env);
    do {
        for (int n = 0; n < 3 && answer.error_code != KAFKA_NONE; n++)
            if (&nodes[n] != owner) answer = beat(&nodes[n], 1, "m", epoch);
    } while (answer.error_code != KAFKA_NONE && env_now_ms(node->brokers->env) - began_ms < 30000);
    assert_int_equal(answer.error_code, KAFKA_NONE);
    assert_int_equal(answer.member_epoch, epoch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_consumer_group_of_one, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_consumer_group_heartbeat_errors, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_consumer_group_slow_expression, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_consumer_group_coordinator_moves, brokers_setup,
                                        brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
