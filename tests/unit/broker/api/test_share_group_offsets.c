/* DescribeShareGroupOffsets, AlterShareGroupOffsets, DeleteShareGroupOffsets and DeleteGroups of
 * share groups, as a client meets them on three whole brokers. */
#include "protocol/messages/describe_share_group_offsets.h"

#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/alter_share_group_offsets.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/delete_share_group_offsets.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/share_group_heartbeat.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { LIMIT_MS = 60000 }; /* for what never happens */

static struct broker_node *owner; /* the coordinator of the group */

static struct broker_node *node_of(struct broker_node *any, int32_t id) {
    for (int n = 0; n < any->brokers->count; n++)
        if (any->brokers->nodes[n].id == id) return &any->brokers->nodes[n];
    return NULL;
}

static struct broker_node *coordinator_of(struct broker_node *node, const char *group) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of(group);
    do
        brokers_ask(node, KP_FIND_COORDINATOR, 3, &request, &response);
    while (response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(response.error_code, KAFKA_NONE);
    return node_of(node, response.node_id);
}

/* Of topic t. */
static struct broker_node *leader_of(struct broker_node *node, int32_t partition) {
    for (;;) {
        struct kp_metadata_response response = metadata(node, 9, "t", false);
        for (int32_t p = 0; p < response.topics.items[0].partitions.count; p++) {
            const struct kp_metadata_response_partition *found =
                &response.topics.items[0].partitions.items[p];
            if (found->partition_index == partition && found->leader_id > 0)
                return node_of(node, found->leader_id);
        }
    }
}

static void produce(struct broker_node *node, int32_t partition, int records) {
    struct kp_produce_response response;
    do {
        struct produce_ask ask;
        produce_begin(&ask, "t", -1);
        produce_add(&ask, partition, records, 10);
        brokers_ask(leader_of(node, partition), KP_PRODUCE, 7, &ask.request, &response);
        produce_end(&ask);
    } while (response.responses.items[0].partition_responses.items[0].error_code ==
             KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code,
                     KAFKA_NONE);
}

/* Of group g, reading topic t. */
static struct kp_share_group_heartbeat_response beat(const char *member, int32_t epoch) {
    struct kp_share_group_heartbeat_request request;
    struct kp_share_group_heartbeat_response response;
    struct kp_string name = kp_string_of("t");
    kp_set_fallbacks(&kp_share_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of(member);
    request.member_epoch = epoch;
    request.rack_id = KP_NULL_STRING;
    request.subscribed_topic_names.items = &name;
    request.subscribed_topic_names.count = epoch == 0 ? 1 : -1;
    do
        brokers_ask(owner, KP_SHARE_GROUP_HEARTBEAT, 1, &request, &response);
    while (epoch == 0 && (response.error_code == KAFKA_UNSUPPORTED_VERSION ||
                          response.error_code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS));
    return response;
}

static struct kp_describe_share_group_offsets_response_group describe(void) {
    struct kp_describe_share_group_offsets_request request;
    struct kp_describe_share_group_offsets_request_group group;
    struct kp_describe_share_group_offsets_response response;
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_schema, &request);
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_group_schema, &group);
    group.group_id = kp_string_of("g");
    group.topics.count = -1;
    request.groups.items = &group;
    request.groups.count = 1;
    brokers_ask(owner, KP_DESCRIBE_SHARE_GROUP_OFFSETS, 1, &request, &response);
    assert_int_equal(response.groups.count, 1);
    assert_int_equal(response.groups.items[0].error_code, KAFKA_NONE);
    return response.groups.items[0];
}

/* "start+lag" of each partition of t in which the group has begun. */
static const char *offsets(void) {
    static char text[200];
    size_t len = 0;
    struct kp_describe_share_group_offsets_response_group group = describe();
    text[0] = 0;
    for (int32_t p = 0; group.topics.count == 1 && p < group.topics.items[0].partitions.count;
         p++) {
        const struct kp_describe_share_group_offsets_response_partition *one =
            &group.topics.items[0].partitions.items[p];
        assert_int_equal(one->error_code, KAFKA_NONE);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d:%d+%d", p == 0 ? "" : " ",
                                one->partition_index, (int)one->start_offset, (int)one->lag);
    }
    return text;
}

/* Until they are so; heartbeats of m go on. */
static void wait_offsets(const char *wanted, int32_t epoch) {
    uint64_t limit_ms = env_now_ms(owner->brokers->env) + LIMIT_MS;
    while (strcmp(offsets(), wanted) != 0) {
        if (env_now_ms(owner->brokers->env) > limit_ms)
            fail_msg("\"%s\" is not \"%s\"", offsets(), wanted);
        if (epoch > 0) epoch = beat("m", epoch).member_epoch;
    }
}

static struct kp_alter_share_group_offsets_response alter(int32_t partition, int64_t start) {
    struct kp_alter_share_group_offsets_request request;
    struct kp_alter_share_group_offsets_request_topic topic;
    struct kp_alter_share_group_offsets_request_partition one = {partition, start};
    struct kp_alter_share_group_offsets_response response;
    kp_set_fallbacks(&kp_alter_share_group_offsets_request_schema, &request);
    kp_set_fallbacks(&kp_alter_share_group_offsets_request_topic_schema, &topic);
    request.group_id = kp_string_of("g");
    topic.topic_name = kp_string_of("t");
    topic.partitions.items = &one;
    topic.partitions.count = 1;
    request.topics.items = &topic;
    request.topics.count = 1;
    do
        brokers_ask(owner, KP_ALTER_SHARE_GROUP_OFFSETS, 0, &request, &response);
    while (response.error_code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS ||
           response.error_code == KAFKA_UNSUPPORTED_VERSION);
    return response;
}

static int16_t altered(struct kp_alter_share_group_offsets_response response) {
    return response.error_code != KAFKA_NONE
               ? response.error_code
               : response.responses.items[0].partitions.items[0].error_code;
}

static int16_t forget(void) {
    struct kp_delete_share_group_offsets_request request;
    struct kp_delete_share_group_offsets_request_topic topic = {kp_string_of("t")};
    struct kp_delete_share_group_offsets_response response;
    kp_set_fallbacks(&kp_delete_share_group_offsets_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.topics.items = &topic;
    request.topics.count = 1;
    brokers_ask(owner, KP_DELETE_SHARE_GROUP_OFFSETS, 0, &request, &response);
    if (response.error_code != KAFKA_NONE) return response.error_code;
    assert_int_equal(response.responses.count, 1);
    return response.responses.items[0].error_code;
}

static int16_t delete_group(void) {
    struct kp_delete_groups_request request;
    struct kp_delete_groups_response response;
    struct kp_string name = kp_string_of("g");
    kp_set_fallbacks(&kp_delete_groups_request_schema, &request);
    request.groups_names.items = &name;
    request.groups_names.count = 1;
    brokers_ask(owner, KP_DELETE_GROUPS, 2, &request, &response);
    return response.results.items[0].error_code;
}

static int16_t join_classic(void) {
    struct kp_join_group_request request;
    struct kp_join_group_request_protocol protocol;
    struct kp_join_group_response response;
    kp_set_fallbacks(&kp_join_group_request_schema, &request);
    kp_set_fallbacks(&kp_join_group_request_protocol_schema, &protocol);
    protocol.name = kp_string_of("range");
    request.group_id = kp_string_of("g");
    request.session_timeout_ms = request.rebalance_timeout_ms = 10000;
    request.protocol_type = kp_string_of("consumer");
    request.protocols.items = &protocol;
    request.protocols.count = 1;
    brokers_ask(owner, KP_JOIN_GROUP, 5, &request, &response);
    return response.error_code;
}

static struct kp_consumer_group_heartbeat_response join_consumer(void) {
    struct kp_consumer_group_heartbeat_request request;
    struct kp_consumer_group_heartbeat_response response;
    struct kp_string name = kp_string_of("t");
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of("c");
    request.rebalance_timeout_ms = 10000;
    request.subscribed_topic_names.items = &name;
    request.subscribed_topic_names.count = 1;
    request.subscribed_topic_regex = KP_NULL_STRING;
    request.topic_partitions.count = 0;
    request.instance_id = request.rack_id = request.server_assignor = KP_NULL_STRING;
    brokers_ask(owner, KP_CONSUMER_GROUP_HEARTBEAT, 1, &request, &response);
    return response;
}

static struct broker_node *start(void **state, int32_t partitions) {
    struct broker_node *node = start_three(state);
    owner = coordinator_of(node, "g");
    assert_int_equal(brokers_create_topic(node, "t", partitions, 3, NULL), KAFKA_NONE);
    return node;
}

/* With latest a group begins where the log ended when its first member came, whether it fetches or
 * not; in a partition that the topic gets later, with the first record. */
static void test_share_group_begins_with_its_member(void **state) {
    struct broker_node *node = start(state, 2);
    produce(node, 0, 5);
    produce(node, 1, 3);
    int32_t epoch = beat("m", 0).member_epoch;
    assert_true(epoch > 0);
    wait_offsets("0:5+0 1:3+0", 0);
    produce(node, 0, 2);
    assert_string_equal(offsets(), "0:5+2 1:3+0");
    assert_int_equal(grow(node, 3, "t", 3, -1).results.items[0].error_code, KAFKA_NONE);
    produce(node, 2, 4);
    wait_offsets("0:5+2 1:3+0 2:0+4", epoch);
}

/* A group is made by where it is to begin; offsets are brought within the log; with members nothing
 * is changed. */
static void test_share_group_begins_elsewhere(void **state) {
    struct broker_node *node = start(state, 2);
    produce(node, 0, 5);
    produce(node, 1, 3);
    assert_int_equal(altered(alter(0, 2)), KAFKA_NONE);
    assert_string_equal(offsets(), "0:2+3");
    assert_int_equal(altered(alter(0, 1000)), KAFKA_NONE);
    assert_string_equal(offsets(), "0:5+0");
    assert_int_equal(altered(alter(7, 0)), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(altered(alter(0, 1)), KAFKA_NONE);
    /* The other partition begins as any, with latest. */
    beat("m", 0);
    wait_offsets("0:1+4 1:3+0", 0);
    assert_int_equal(altered(alter(0, 3)), KAFKA_NON_EMPTY_GROUP);
    assert_int_equal(forget(), KAFKA_NON_EMPTY_GROUP);
    assert_int_equal(delete_group(), KAFKA_NON_EMPTY_GROUP);
    assert_int_equal(beat("m", -1).error_code, KAFKA_NONE);
    assert_int_equal(altered(alter(0, -1)), KAFKA_NONE);
    assert_string_equal(offsets(), "0:5+0 1:3+0");
}

/* What is forgotten is nowhere; a group that is deleted begins as if it had never been. */
static void test_share_group_goes(void **state) {
    struct broker_node *node = start(state, 3);
    produce(node, 1, 6);
    assert_int_equal(forget(), KAFKA_GROUP_ID_NOT_FOUND);
    beat("m", 0);
    wait_offsets("0:0+0 1:6+0 2:0+0", 0);
    beat("m", -1);
    assert_int_equal(forget(), KAFKA_NONE);
    assert_string_equal(offsets(), "");
    assert_int_equal(forget(), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    produce(node, 1, 1);
    beat("m", 0);
    wait_offsets("0:0+0 1:7+0 2:0+0", 0);
    beat("m", -1);
    assert_int_equal(delete_group(), KAFKA_NONE);
    assert_int_equal(delete_group(), KAFKA_GROUP_ID_NOT_FOUND);
    assert_string_equal(offsets(), "");
    produce(node, 1, 1);
    beat("m", 0);
    wait_offsets("0:0+0 1:8+0 2:0+0", 0);
}

/* A group is of one kind, whoever comes, also when nobody is in it. */
static void test_share_group_is_no_other(void **state) {
    start(state, 1);
    beat("m", 0);
    assert_int_equal(join_classic(), KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    struct kp_consumer_group_heartbeat_response answer = join_consumer();
    assert_int_equal(answer.error_code, KAFKA_GROUP_ID_NOT_FOUND);
    assert_text(answer.error_message, "is not a consumer group");
    beat("m", -1);
    assert_int_equal(join_classic(), KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    assert_int_equal(join_consumer().error_code, KAFKA_GROUP_ID_NOT_FOUND);
    wait_offsets("0:0+0", 0);
    assert_int_equal(delete_group(), KAFKA_NONE);
    assert_int_equal(join_consumer().error_code, KAFKA_NONE);
    assert_int_equal(beat("m", 0).error_code, KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(altered(alter(0, 0)), KAFKA_GROUP_ID_NOT_FOUND);
}

/* The next coordinator knows where the group has begun, and goes on. */
static void test_share_group_coordinator_moves(void **state) {
    struct broker_node *node = start(state, 3);
    produce(node, 0, 5);
    beat("m", 0);
    wait_offsets("0:5+0 1:0+0 2:0+0", 0);
    struct broker_node *other = owner == node ? node + 1 : node;
    brokers_kill(owner);
    uint64_t limit_ms = env_now_ms(node->brokers->env) + LIMIT_MS;
    struct broker_node *dead = owner;
    do
        owner = coordinator_of(other, "g");
    while (owner == dead && env_now_ms(node->brokers->env) < limit_ms);
    struct kp_share_group_heartbeat_response answer;
    do {
        answer = beat("m", 0);
        if (answer.error_code == KAFKA_NOT_COORDINATOR) owner = coordinator_of(other, "g");
    } while (answer.error_code != KAFKA_NONE && env_now_ms(node->brokers->env) < limit_ms);
    assert_int_equal(answer.error_code, KAFKA_NONE);
    produce(other, 0, 2);
    wait_offsets("0:5+2 1:0+0 2:0+0", 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_share_group_begins_with_its_member, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_share_group_begins_elsewhere, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_share_group_goes, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_share_group_is_no_other, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_share_group_coordinator_moves, brokers_setup,
                                        brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
