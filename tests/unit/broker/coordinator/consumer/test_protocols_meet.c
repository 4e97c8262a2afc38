/* Members of both protocols at one group: an empty group takes the kind of whoever comes, one with
 * members stays what it is. */
#include <string.h>

#include "broker/coordinator/consumer/consumer_group.h"
#include "tests/unit/broker/coordinator/fixture_groups.h"
#include "tests/unit/unit.h"

static struct groups g;
static struct metadata *topics;

static int setup(void **state) {
    *state = &g;
    groups_open(&g);
    g.settings.group_consumer_session_timeout_ms = 45000;
    g.settings.group_consumer_heartbeat_interval_ms = 5000;
    g.settings.group_consumer_regex_refresh_interval_ms = 600000;
    g.settings.group_consumer_max_size = 10;
    topics = metadata_new(1, 42);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    groups_close(&g);
    metadata_free(topics);
    return 0;
}

/* ---- A member of KIP-848 ---- */

static struct consumer_heartbeat beating;
static int beat_error;

static void beat_done(struct group_call *call) {
    beat_error = call->error;
    consumer_heartbeat_release(&beating);
}

static int beat(int32_t epoch) {
    static struct kp_consumer_group_heartbeat_request request;
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of("new");
    request.member_epoch = epoch;
    request.rebalance_timeout_ms = epoch == 0 ? 10000 : -1;
    request.subscribed_topic_names.count = epoch == 0 ? 0 : -1;
    request.topic_partitions.count = epoch == 0 ? 0 : -1;
    request.subscribed_topic_regex = request.instance_id = KP_NULL_STRING;
    request.rack_id = request.server_assignor = KP_NULL_STRING;
    beating = (struct consumer_heartbeat){.call.done = beat_done,
                                          .metadata = topics,
                                          .request = &request,
                                          .client_id = kp_string_of("c"),
                                          .client_host = kp_string_of("/h"),
                                          .names_its_id = true};
    beat_error = NOT_DONE;
    group_coordinator_consumer_heartbeat(g.coordinator, &beating);
    groups_turn(&g);
    groups_commit(&g);
    return beat_error;
}

/* A classic group with members is none of KIP-848, and stays as it is. */
static void test_consumer_at_a_classic_group(void **state) {
    (void)state;
    groups_stable(&g, 2, false);
    char before[100];
    strncpy(before, groups_state(&g), sizeof before - 1);
    assert_int_equal(beat(0), KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(beat(3), KAFKA_GROUP_ID_NOT_FOUND);
    assert_string_equal(groups_state(&g), before);
}

/* When its members have left it gives way, its record with it; over a change of coordinators, too.
 */
static void test_consumer_at_an_empty_classic_group(void **state) {
    (void)state;
    struct asked leave;
    groups_stable(&g, 2, false);
    ask_leave(&g, &leave, "g", "m1,m2");
    groups_commit(&g);
    assert_int_equal(group_kind_of(groups_find(&g, "g")), GROUP_CLASSIC);
    assert_int_equal(beat(0), KAFKA_NONE);
    assert_int_equal(group_kind_of(groups_find(&g, "g")), GROUP_CONSUMER);
    assert_null(groups_find(&g, "g")->record);
    groups_move(&g);
    assert_int_equal(beat(1), KAFKA_NONE);
}

/* Calls of the classic protocol at a consumer group with members are refused, each in its way. */
static void test_classic_calls_at_a_consumer_group(void **state) {
    (void)state;
    struct asked asked = {0};
    assert_int_equal(beat(0), KAFKA_NONE);
    ask_join(&g, &asked, (struct asks){.member = "old"});
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    ask_join(&g, &asked, (struct asks){.member = ""});
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    ask_sync(&g, &asked, (struct asks){.member = "new", .generation = 1});
    assert_int_equal(asked.error, KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(ask_heartbeat(&g, (struct asks){.member = "new", .generation = 1}),
                     KAFKA_UNKNOWN_MEMBER_ID);
    ask_leave(&g, &asked, "g", "old,/one,new/one");
    for (int i = 0; i < 3; i++)
        assert_int_equal(asked.leavers[i].error, KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(beat(1), KAFKA_NONE);
}

/* KIP-571: but one is removed from outside, whatever protocol it speaks; over a change of
 * coordinators, too, and not when that cannot be written. */
static void test_consumer_removed_from_outside(void **state) {
    (void)state;
    struct asked asked = {0};
    assert_int_equal(beat(0), KAFKA_NONE);
    fake_log_refuse(&g.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_leave(&g, &asked, "g", "new");
    groups_commit(&g);
    assert_int_equal(asked.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(beat(1), KAFKA_NONE);
    ask_leave(&g, &asked, "g", "new,new");
    groups_commit(&g);
    assert_int_equal(asked.error, KAFKA_NONE);
    assert_int_equal(asked.leavers[0].error, KAFKA_NONE);
    groups_move(&g);
    assert_int_equal(groups_find(&g, "g")->consumer->member_count, 0);
    assert_int_equal(beat(1), KAFKA_UNKNOWN_MEMBER_ID);
}

/* One that is empty gives way to a classic member; when the tombstones cannot be written it stays.
 */
static void test_classic_at_an_empty_consumer_group(void **state) {
    (void)state;
    struct asked asked = {0};
    assert_int_equal(beat(0), KAFKA_NONE);
    assert_int_equal(beat(-1), KAFKA_NONE);
    assert_int_equal(group_kind_of(groups_find(&g, "g")), GROUP_CONSUMER);
    fake_log_refuse(&g.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_join(&g, &asked, (struct asks){.version = 3});
    groups_commit(&g);
    assert_int_equal(asked.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(group_kind_of(groups_find(&g, "g")), GROUP_CONSUMER);
    ask_join(&g, &asked, (struct asks){.version = 3});
    groups_commit(&g);
    groups_pass(&g, 10000);
    groups_commit(&g);
    assert_int_equal(asked.error, KAFKA_NONE);
    assert_null(groups_find(&g, "g")->consumer);
    assert_int_equal(beat(0), KAFKA_GROUP_ID_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_consumer_at_a_classic_group),
        TEST(test_consumer_at_an_empty_classic_group),
        TEST(test_classic_calls_at_a_consumer_group),
        TEST(test_consumer_removed_from_outside),
        TEST(test_classic_at_an_empty_consumer_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
