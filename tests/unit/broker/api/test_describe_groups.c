/* Those who look at classic groups, list and delete them, and the calls of members between, as a
 * client meets them: on one whole broker, and on three of which the coordinator is killed. */
#include "protocol/messages/describe_groups.h"

#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/sync_group.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static const char *const no_delay[] = {"group.initial.rebalance.delay.ms=0", NULL};

/* Asks again, as clients do, where the first one that asks has the topic made and does not wait for
 * as long as a busy machine takes. */
static int32_t find(struct broker_node *node) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of("g");
    for (int tries = 0; tries < 10; tries++) {
        brokers_ask(node, KP_FIND_COORDINATOR, 3, &request, &response);
        if (response.error_code != KAFKA_COORDINATOR_NOT_AVAILABLE) break;
    }
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response.node_id;
}

/* ---- Requests ---- */

static struct kp_join_group_request_protocol range = {
    .name = {"range", 5},
    .metadata = {(const uint8_t *)"\0\1\0\0\0\1\0\1t\377\377\377\377", 13}};

static struct kp_join_group_request join_request(struct kp_string member) {
    struct kp_join_group_request request;
    kp_set_fallbacks(&kp_join_group_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.session_timeout_ms = 10000;
    request.rebalance_timeout_ms = 60000;
    request.member_id = member;
    request.group_instance_id = request.reason = KP_NULL_STRING;
    request.protocol_type = kp_string_of("consumer");
    request.protocols.items = &range;
    request.protocols.count = 1;
    return request;
}

static struct kp_join_group_response join(struct broker_node *node, int version,
                                          struct kp_string member) {
    struct kp_join_group_request request = join_request(member);
    struct kp_join_group_response response;
    brokers_ask(node, KP_JOIN_GROUP, version, &request, &response);
    return response;
}

static struct kp_sync_group_response sync_with(struct broker_node *node, int version,
                                               struct kp_string member, int32_t generation,
                                               const char *assignment) {
    struct kp_sync_group_request request;
    struct kp_sync_group_response response;
    struct kp_sync_group_request_assignment one = {.member_id = member};
    kp_set_fallbacks(&kp_sync_group_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = member;
    request.group_instance_id = KP_NULL_STRING;
    request.generation_id = generation;
    request.protocol_type = version >= 5 ? kp_string_of("consumer") : KP_NULL_STRING;
    request.protocol_name = version >= 5 ? kp_string_of("range") : KP_NULL_STRING;
    request.assignments.items = &one;
    if (assignment != NULL) {
        one.assignment = (struct kp_bytes){(const uint8_t *)assignment,
                                           (int32_t)strlen(assignment)};
        request.assignments.count = 1;
    }
    brokers_ask(node, KP_SYNC_GROUP, version, &request, &response);
    return response;
}

static int16_t beat(struct broker_node *node, struct kp_string member, int32_t generation) {
    struct kp_heartbeat_request request;
    struct kp_heartbeat_response response;
    kp_set_fallbacks(&kp_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = member;
    request.generation_id = generation;
    request.group_instance_id = KP_NULL_STRING;
    brokers_ask(node, KP_HEARTBEAT, 4, &request, &response);
    return response.error_code;
}

static int16_t beat_nameless(struct broker_node *node) {
    struct kp_heartbeat_request request;
    struct kp_heartbeat_response response;
    kp_set_fallbacks(&kp_heartbeat_request_schema, &request);
    request.group_instance_id = KP_NULL_STRING;
    brokers_ask(node, KP_HEARTBEAT, 4, &request, &response);
    return response.error_code;
}

static struct kp_leave_group_response leave(struct broker_node *node, int version,
                                            struct kp_string member) {
    struct kp_leave_group_request request;
    struct kp_leave_group_response response;
    struct kp_leave_group_request_member one = {
        .member_id = member, .group_instance_id = KP_NULL_STRING, .reason = KP_NULL_STRING};
    kp_set_fallbacks(&kp_leave_group_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = member;
    request.members.items = &one;
    request.members.count = version >= 3 ? 1 : 0;
    brokers_ask(node, KP_LEAVE_GROUP, version, &request, &response);
    return response;
}

static struct kp_describe_groups_response_group describe(struct broker_node *node, int version,
                                                         const char *id) {
    struct kp_describe_groups_request request;
    struct kp_describe_groups_response response;
    struct kp_string ids[] = {kp_string_of("other"), kp_string_of(id)};
    kp_set_fallbacks(&kp_describe_groups_request_schema, &request);
    request.groups.items = ids;
    request.groups.count = 2;
    request.include_authorized_operations = version >= 3;
    brokers_ask(node, KP_DESCRIBE_GROUPS, version, &request, &response);
    assert_int_equal(response.groups.count, 2);
    return response.groups.items[1];
}

static struct kp_list_groups_response list(struct broker_node *node, const char *state,
                                           const char *type) {
    struct kp_list_groups_request request;
    struct kp_list_groups_response response;
    struct kp_string states = kp_string_of(state), types = kp_string_of(type);
    kp_set_fallbacks(&kp_list_groups_request_schema, &request);
    request.states_filter.items = &states;
    request.states_filter.count = state != NULL;
    request.types_filter.items = &types;
    request.types_filter.count = type != NULL;
    brokers_ask(node, KP_LIST_GROUPS, 5, &request, &response);
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response;
}

static int16_t delete_group(struct broker_node *node, const char *id) {
    struct kp_delete_groups_request request;
    struct kp_delete_groups_response response;
    struct kp_string ids[] = {kp_string_of(id)};
    kp_set_fallbacks(&kp_delete_groups_request_schema, &request);
    request.groups_names.items = ids;
    request.groups_names.count = 1;
    brokers_ask(node, KP_DELETE_GROUPS, 2, &request, &response);
    assert_int_equal(response.results.count, 1);
    return response.results.items[0].error_code;
}

/* ---- Tests ---- */

/* The life of a group of one: an id, a join, an assignment, heartbeats; seen, left, deleted. */
static void test_group_of_one(void **state) {
    struct broker_node *node = start_one(state, no_delay);
    find(node);
    struct kp_join_group_response joined = join(node, 9, kp_string_of(""));
    assert_int_equal(joined.error_code, KAFKA_MEMBER_ID_REQUIRED);
    assert_true(joined.member_id.len > 36);
    joined = join(node, 9, joined.member_id); /* it went with its connection */
    assert_int_equal(joined.error_code, KAFKA_UNKNOWN_MEMBER_ID);
    joined = join(node, 3, kp_string_of(""));
    assert_int_equal(joined.error_code, KAFKA_NONE);
    struct kp_string member = joined.member_id;
    joined = join(node, 9, member);
    assert_int_equal(joined.error_code, KAFKA_NONE);
    assert_int_equal(joined.generation_id, 1);
    assert_text(joined.protocol_name, "range");
    assert_text(joined.protocol_type, "consumer");
    assert_true(kp_string_equal(joined.leader, member));
    assert_int_equal(joined.members.count, 1);
    assert_int_equal(joined.members.items[0].metadata.len, range.metadata.len);
    struct kp_sync_group_response synced = sync_with(node, 5, member, 1, "mine");
    assert_int_equal(synced.error_code, KAFKA_NONE);
    assert_memory_equal(synced.assignment.data, "mine", 4);
    assert_int_equal(beat(node, member, 1), KAFKA_NONE);
    assert_int_equal(beat(node, member, 2), KAFKA_ILLEGAL_GENERATION);

    struct kp_describe_groups_response_group group = describe(node, 5, "g");
    assert_text(group.group_state, "Stable");
    assert_text(group.protocol_data, "range");
    assert_int_equal(group.members.count, 1);
    assert_text(group.members.items[0].client_host, "/127.0.0.1");
    assert_memory_equal(group.members.items[0].member_assignment.data, "mine", 4);
    assert_true(group.authorized_operations != INT32_MIN);
    assert_text(describe(node, 5, "none").group_state, "Dead");
    assert_int_equal(describe(node, 5, "none").error_code, KAFKA_NONE);
    assert_int_equal(describe(node, 6, "none").error_code, KAFKA_GROUP_ID_NOT_FOUND);
    struct kp_list_groups_response listed = list(node, NULL, NULL);
    assert_int_equal(listed.groups.count, 1);
    assert_text(listed.groups.items[0].group_id, "g");
    assert_text(listed.groups.items[0].group_type, "classic");
    assert_int_equal(list(node, " stable ", "Classic").groups.count, 1);
    assert_int_equal(list(node, "Empty", NULL).groups.count, 0);
    assert_int_equal(list(node, NULL, "consumer").groups.count, 0);

    assert_int_equal(delete_group(node, "g"), KAFKA_NON_EMPTY_GROUP);
    struct kp_leave_group_response left = leave(node, 5, member);
    assert_int_equal(left.error_code, KAFKA_NONE);
    assert_int_equal(left.members.items[0].error_code, KAFKA_NONE);
    assert_int_equal(leave(node, 2, member).error_code, KAFKA_UNKNOWN_MEMBER_ID);
    assert_text(describe(node, 5, "g").group_state, "Empty");
    assert_int_equal(delete_group(node, "g"), KAFKA_NONE);
    assert_int_equal(delete_group(node, "g"), KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(list(node, NULL, NULL).groups.count, 0);
}

/* What is wrong whatever the group is like; old versions have empty texts where new ones have null.
 */
static void test_group_errors(void **state) {
    struct broker_node *node = start_one(state, no_delay);
    find(node);
    struct kp_join_group_response joined = join(node, 6, kp_string_of("nobody"));
    assert_int_equal(joined.error_code, KAFKA_UNKNOWN_MEMBER_ID);
    assert_text(joined.member_id, "nobody");
    assert_int_equal(joined.protocol_name.len, 0);
    assert_int_equal(joined.generation_id, -1);
    assert_int_equal(beat(node, kp_string_of("nobody"), 1), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(sync_with(node, 4, kp_string_of("nobody"), 1, NULL).error_code,
                     KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(leave(node, 4, kp_string_of("nobody")).members.items[0].error_code,
                     KAFKA_UNKNOWN_MEMBER_ID);
    struct kp_sync_group_request request;
    struct kp_sync_group_response response;
    kp_set_fallbacks(&kp_sync_group_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.group_instance_id = request.protocol_type = request.protocol_name = KP_NULL_STRING;
    brokers_ask(node, KP_SYNC_GROUP, 5, &request, &response);
    assert_int_equal(response.error_code, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    assert_int_equal(beat_nameless(node), KAFKA_INVALID_GROUP_ID);
}

static struct broker_node *others_than(struct broker_node *node, int32_t id) {
    struct broker_node *nodes = node->brokers->nodes;
    return nodes[0].id == id ? &nodes[1] : &nodes[0];
}

/* The coordinator is killed: the next one knows the member, its generation and its assignment. */
static void test_group_coordinator_is_killed(void **state) {
    struct broker_node *node = start_three(state), *nodes = node->brokers->nodes;
    int32_t coordinator = find(node);
    struct broker_node *owner = &nodes[coordinator - 1], *other = others_than(node, coordinator);
    assert_int_equal(owner->id, coordinator);
    assert_int_equal(beat(other, kp_string_of("m"), 1), KAFKA_NOT_COORDINATOR);
    for (int n = 0; n < 3; n++)
        assert_int_equal(beat_nameless(&nodes[n]), KAFKA_INVALID_GROUP_ID);
    assert_int_equal(describe(other, 5, "g").error_code, KAFKA_NOT_COORDINATOR);
    struct kp_join_group_response joined = join(owner, 3, kp_string_of(""));
    assert_int_equal(joined.error_code, KAFKA_NONE);
    struct kp_string member = joined.member_id;
    assert_int_equal(sync_with(owner, 4, member, 1, "mine").error_code, KAFKA_NONE);
    brokers_kill(owner);
    int16_t error = KAFKA_NOT_COORDINATOR;
    uint64_t began_ms = env_now_ms(node->brokers->env);
    while (error == KAFKA_NOT_COORDINATOR && env_now_ms(node->brokers->env) - began_ms < 30000)
        for (int n = 0; n < 3 && error == KAFKA_NOT_COORDINATOR; n++)
            if (&nodes[n] != owner) error = beat(&nodes[n], member, 1);
    assert_int_equal(error, KAFKA_NONE);
    coordinator = find(other);
    struct kp_sync_group_response synced = sync_with(&nodes[coordinator - 1], 4, member, 1, NULL);
    assert_int_equal(synced.error_code, KAFKA_NONE);
    assert_memory_equal(synced.assignment.data, "mine", 4);
}

static bool all_answered(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

/* Whoever asks for the offsets of a group that is not there does not bring it into being, for
 * nobody who looks meanwhile. */
static void test_group_that_is_only_asked_about(void **state) {
    struct broker_node *node = start_three(state), *nodes = node->brokers->nodes;
    struct broker_node *owner = &nodes[find(node) - 1];
    struct kp_describe_groups_request describes;
    struct kp_describe_groups_response described;
    struct kp_offset_fetch_request fetches;
    struct kp_offset_fetch_response fetched;
    struct kp_string id = kp_string_of("g");
    kp_set_fallbacks(&kp_describe_groups_request_schema, &describes);
    describes.groups.items = &id;
    describes.groups.count = 1;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &fetches);
    fetches.group_id = id;
    fetches.topics.count = -1;
    brokers_ask_later(owner, KP_DESCRIBE_GROUPS, 6, &describes, &described);
    brokers_ask_later(owner, KP_OFFSET_FETCH, 7, &fetches, &fetched);
    brokers_until(node->brokers, all_answered);
    assert_text(described.groups.items[0].group_state, "Dead");
    assert_int_equal(described.groups.items[0].error_code, KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(fetched.error_code, KAFKA_NONE);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)
    const struct CMUnitTest tests[] = {TEST(test_group_of_one), TEST(test_group_errors),
                                       TEST(test_group_coordinator_is_killed),
                                       TEST(test_group_that_is_only_asked_about)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
