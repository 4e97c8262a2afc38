/* JoinGroup, SyncGroup, Heartbeat and LeaveGroup as clients meet them: what waits is answered when
 * the others have come, and errors stand where each version has them. */
#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/sync_group.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static size_t parked;

static bool only_parked_are_missing(struct brokers *brokers) {
    return brokers_missing(brokers) <= parked;
}

/* Asks while so many others wait. Each question has a connection of its own. */
static void ask(struct broker_node *node, size_t waiting, enum kp_api_key key, int version,
                const void *request, void *response) {
    parked = waiting;
    brokers_ask_later(node, key, version, request, response);
    brokers_until(node->brokers, only_parked_are_missing);
}

static struct broker_node *start(void **state, const char *const *pairs) {
    static const char *const at_once[] = {"group.initial.rebalance.delay.ms=0", NULL};
    struct broker_node *node = start_one(state, pairs != NULL ? pairs : at_once);
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of("g");
    uint64_t began_ms = env_now_ms(node->brokers->env);
    do { /* the topic is being made */
        ask(node, 0, KP_FIND_COORDINATOR, 3, &request, &response);
        assert_true(env_now_ms(node->brokers->env) - began_ms < 20000);
    } while (response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(response.error_code, KAFKA_NONE);
    return node;
}

static struct kp_join_group_request_protocol protocol;

static struct kp_join_group_request join_of(struct kp_string member) {
    struct kp_join_group_request request;
    kp_set_fallbacks(&kp_join_group_request_schema, &request);
    kp_set_fallbacks(&kp_join_group_request_protocol_schema, &protocol);
    protocol.name = kp_string_of("range");
    protocol.metadata = (struct kp_bytes){(const uint8_t *)"topics", 6};
    request.group_id = kp_string_of("g");
    request.session_timeout_ms = 10000;
    request.rebalance_timeout_ms = 20000;
    request.member_id = member;
    request.protocol_type = kp_string_of("consumer");
    request.protocols.items = &protocol;
    request.protocols.count = 1;
    return request;
}

static struct kp_join_group_response join(struct broker_node *node, int version,
                                          struct kp_string member) {
    struct kp_join_group_request request = join_of(member);
    struct kp_join_group_response response;
    ask(node, 0, KP_JOIN_GROUP, version, &request, &response);
    return response;
}

static struct kp_sync_group_request sync_of(struct kp_string member, int32_t generation) {
    struct kp_sync_group_request request;
    kp_set_fallbacks(&kp_sync_group_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.generation_id = generation;
    request.member_id = member;
    request.protocol_type = kp_string_of("consumer");
    request.protocol_name = kp_string_of("range");
    return request;
}

static struct kp_sync_group_request_assignment assignments[2];

/* Of a leader, who assigns a letter to each of two members. */
static struct kp_sync_group_request leader_sync(struct kp_string member, int32_t generation,
                                                struct kp_string other) {
    struct kp_sync_group_request request = sync_of(member, generation);
    struct kp_string members[2] = {member, other};
    for (int i = 0; i < 2; i++) {
        kp_set_fallbacks(&kp_sync_group_request_assignment_schema, &assignments[i]);
        assignments[i].member_id = members[i];
        assignments[i].assignment = (struct kp_bytes){(const uint8_t *)"AB" + i, 1};
    }
    request.assignments.items = assignments;
    request.assignments.count = other.len < 0 ? 1 : 2;
    return request;
}

static int16_t heartbeat(struct broker_node *node, size_t waiting, int version,
                         struct kp_string member, int32_t generation) {
    struct kp_heartbeat_request request;
    struct kp_heartbeat_response response;
    kp_set_fallbacks(&kp_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = member;
    request.generation_id = generation;
    ask(node, waiting, KP_HEARTBEAT, version, &request, &response);
    return response.error_code;
}

static struct kp_leave_group_response leave(struct broker_node *node, int version,
                                            struct kp_string first, struct kp_string second) {
    struct kp_leave_group_request request;
    struct kp_leave_group_response response;
    struct kp_leave_group_request_member members[2];
    kp_set_fallbacks(&kp_leave_group_request_schema, &request);
    for (int i = 0; i < 2; i++)
        kp_set_fallbacks(&kp_leave_group_request_member_schema, &members[i]);
    request.group_id = kp_string_of("g");
    request.member_id = members[0].member_id = first;
    members[1].member_id = second;
    request.members.items = members;
    request.members.count = 2;
    ask(node, 0, KP_LEAVE_GROUP, version, &request, &response);
    return response;
}

/* Two members: the second waits until the first has joined again, a follower's Sync waits for the
 * leader's, and each gets what it was assigned. */
static void test_group_members_share(void **state) {
    struct broker_node *node = start(state, NULL);
    struct kp_join_group_response joined[2];
    struct kp_sync_group_response synced[2];
    joined[0] = join(node, 3, kp_string_of("")); /* version 3: no id first */
    struct kp_string leader = joined[0].member_id;
    assert_int_equal(joined[0].error_code, KAFKA_NONE);
    assert_int_equal(joined[0].generation_id, 1);
    assert_true(kp_string_equal(joined[0].leader, leader));
    assert_true(kp_string_is(joined[0].protocol_name, "range"));
    assert_int_equal(joined[0].members.count, 1);
    assert_int_equal(joined[0].members.items[0].metadata.len, 6);
    struct kp_sync_group_request sync = leader_sync(leader, 1, KP_NULL_STRING);
    ask(node, 0, KP_SYNC_GROUP, 5, &sync, &synced[0]);
    assert_int_equal(synced[0].error_code, KAFKA_NONE);
    assert_true(kp_string_is(synced[0].protocol_type, "consumer"));
    assert_int_equal(synced[0].assignment.data[0], 'A');
    assert_int_equal(heartbeat(node, 0, 4, leader, 1), KAFKA_NONE);

    struct kp_join_group_request again = join_of(leader), second = join_of(kp_string_of(""));
    brokers_ask_later(node, KP_JOIN_GROUP, 3, &second, &joined[1]);
    while (heartbeat(node, 1, 4, leader, 1) != KAFKA_REBALANCE_IN_PROGRESS) {}
    assert_int_equal(brokers_missing(node->brokers), 1);
    ask(node, 0, KP_JOIN_GROUP, 9, &again, &joined[0]);
    assert_int_equal(joined[0].error_code | joined[1].error_code, KAFKA_NONE);
    assert_int_equal(joined[1].generation_id, 2);
    assert_true(kp_string_is(joined[0].protocol_type, "consumer"));
    assert_int_equal(joined[0].members.count, 2);
    assert_int_equal(joined[1].members.count, 0);
    assert_true(kp_string_equal(joined[1].leader, leader));

    struct kp_sync_group_request follows = sync_of(joined[1].member_id, 2);
    brokers_ask_later(node, KP_SYNC_GROUP, 0, &follows, &synced[1]);
    assert_int_equal(heartbeat(node, 1, 0, leader, 2), KAFKA_NONE);
    assert_int_equal(brokers_missing(node->brokers), 1);
    sync = leader_sync(leader, 2, joined[1].member_id);
    ask(node, 0, KP_SYNC_GROUP, 3, &sync, &synced[0]);
    assert_int_equal(synced[0].assignment.data[0], 'A');
    assert_int_equal(synced[1].error_code, KAFKA_NONE);
    assert_int_equal(synced[1].assignment.data[0], 'B');

    struct kp_leave_group_response left = leave(node, 4, joined[1].member_id,
                                                kp_string_of("nobody"));
    assert_int_equal(left.error_code, KAFKA_NONE);
    assert_int_equal(left.members.count, 2);
    assert_int_equal(left.members.items[0].error_code, KAFKA_NONE);
    assert_int_equal(left.members.items[1].error_code, KAFKA_UNKNOWN_MEMBER_ID);
    assert_true(kp_string_is(left.members.items[1].member_id, "nobody"));
    assert_int_equal(heartbeat(node, 0, 4, leader, 2), KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(leave(node, 1, leader, KP_NULL_STRING).error_code, KAFKA_NONE);
}

/* An id that a member is told first belongs to its connection: it is nobody's when that has
 * closed. */
static void test_group_members_id_goes_with_its_connection(void **state) {
    struct broker_node *node = start(state, NULL);
    uint64_t began_ms = env_now_ms(node->brokers->env);
    int16_t error;
    do { /* until the end of the first connection is seen before the second one asks */
        struct kp_join_group_response told = join(node, 4, kp_string_of(""));
        assert_int_equal(told.error_code, KAFKA_MEMBER_ID_REQUIRED);
        assert_true(told.member_id.len > 0);
        assert_int_equal(told.generation_id, -1);
        error = leave(node, 3, told.member_id, kp_string_of("nobody")).members.items[0].error_code;
    } while (error == KAFKA_NONE && env_now_ms(node->brokers->env) - began_ms < 8000);
    assert_int_equal(error, KAFKA_UNKNOWN_MEMBER_ID);
}

/* What is wrong is told in the place that each version has for it. */
static void test_group_members_errors(void **state) {
    struct broker_node *node = start(state, NULL);
    struct kp_string nobody = kp_string_of("nobody");
    struct kp_join_group_response joined = join(node, 5, nobody);
    assert_int_equal(joined.error_code, KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(joined.generation_id, -1);
    assert_true(kp_string_is(joined.member_id, "nobody"));
    assert_true(kp_string_is(joined.protocol_name, ""));
    assert_int_equal(join(node, 7, nobody).protocol_name.len, -1);
    struct kp_join_group_request wrong = join_of(kp_string_of(""));
    wrong.session_timeout_ms = 1;
    ask(node, 0, KP_JOIN_GROUP, 2, &wrong, &joined);
    assert_int_equal(joined.error_code, KAFKA_INVALID_SESSION_TIMEOUT);
    wrong.group_id = kp_string_of("");
    ask(node, 0, KP_JOIN_GROUP, 2, &wrong, &joined);
    assert_int_equal(joined.error_code, KAFKA_INVALID_GROUP_ID);

    struct kp_sync_group_request sync = sync_of(nobody, 1);
    struct kp_sync_group_response synced;
    ask(node, 0, KP_SYNC_GROUP, 2, &sync, &synced);
    assert_int_equal(synced.error_code, KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(synced.assignment.len, 0);
    sync.protocol_name = KP_NULL_STRING;
    ask(node, 0, KP_SYNC_GROUP, 5, &sync, &synced);
    assert_int_equal(synced.error_code, KAFKA_INCONSISTENT_GROUP_PROTOCOL);

    assert_int_equal(heartbeat(node, 0, 1, nobody, 1), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(leave(node, 2, nobody, nobody).error_code, KAFKA_UNKNOWN_MEMBER_ID);
    struct kp_leave_group_response left = leave(node, 3, nobody, nobody);
    assert_int_equal(left.error_code, KAFKA_NONE);
    assert_int_equal(left.members.items[1].error_code, KAFKA_UNKNOWN_MEMBER_ID);
}

/* More waits than may be parked: the rest is told to try again; those who wait end with the
 * broker. */
static void test_group_members_beyond_the_parking(void **state) {
    static const char *const pairs[] = {"group.initial.rebalance.delay.ms=300000",
                                        "queued.max.parked.bytes=65536", NULL};
    enum { MANY = 80 };
    static struct kp_join_group_response joined[MANY];
    struct broker_node *node = start(state, pairs);
    struct kp_join_group_request request = join_of(kp_string_of(""));
    size_t refused = 0;
    for (int i = 0; i < MANY; i++) {
        joined[i].error_code = -1;
        brokers_ask_later(node, KP_JOIN_GROUP, 0, &request, &joined[i]);
    }
    parked = MANY - 10;
    brokers_until(node->brokers, only_parked_are_missing);
    for (int i = 0; i < MANY; i++) {
        if (joined[i].error_code == -1) continue;
        assert_int_equal(joined[i].error_code, KAFKA_COORDINATOR_NOT_AVAILABLE);
        refused++;
    }
    assert_in_range(refused, 10, MANY - 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_group_members_share),
        TEST(test_group_members_id_goes_with_its_connection),
        TEST(test_group_members_errors),
        TEST(test_group_members_beyond_the_parking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
