/* A living classic group becomes a consumer group when a member of KIP-848 comes. */
#include <string.h>

#include "protocol/messages/consumer_protocol.h"
#include "tests/unit/broker/coordinator/migration/fixture_migration.h"
#include "tests/unit/unit.h"

/* A member of KIP-848 joins a living group of two: both go on, everything is owned once at any
 * time, and shared in the end. Over a change of coordinators, too. */
static void upgrade(bool cooperative) {
    a.cooperative = b.cooperative = cooperative;
    stable(true);
    int32_t generation = a.generation;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    assert_null(row()->record);
    assert_null(row()->classic);
    assert_int_equal(row()->consumer->member_count, 3);
    assert_int_equal(c.epoch, generation + 1);
    assert_int_equal(c.has_count, 0); /* all of it is the others' still */
    consumer_world_fail_over(&w);
    live(12);
    assert_string_equal(consumer_world_state(&w), "Stable");
    assert_int_equal(a.has_count + b.has_count + c.has_count, 4);
    assert_true(a.has_count >= 1 && b.has_count >= 1 && c.has_count >= 1);
    assert_int_equal(a.losses + b.losses, 0);
    classic_client_leave(&a);
    classic_client_leave(&b);
    live(3);
    assert_int_equal(c.has_count, 4);
}
static void test_upgrade_of_an_eager_group(void **state) {
    (void)state;
    upgrade(false);
}
static void test_upgrade_of_a_cooperative_group(void **state) {
    (void)state;
    upgrade(true);
}

/* Joins that wait end with REBALANCE_IN_PROGRESS, and come again. What was told an id and has not
 * used it may still join. */
static void test_upgrade_while_it_prepares(void **state) {
    (void)state;
    stable(false);
    classic_client_step(&b); /* b is told an id */
    classic_client_step(&b); /* b waits for a */
    assert_int_equal(b.doing, CLIENT_JOINING);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(b.error, KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(row()->consumer->member_count, 3);
    live(12);
    assert_int_equal(a.has_count + b.has_count + c.has_count, 4);
}

/* The first who came goes again before the initial delay is over: nobody is there, and nothing is
 * chosen. */
static void test_upgrade_while_nobody_is_left(void **state) {
    (void)state;
    classic_client_step(&a);
    classic_client_step(&a);
    assert_int_equal(a.doing, CLIENT_JOINING);
    ask_leave(&w.groups, &asked, "g", a.id);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_false(is_classic());
    assert_int_equal(c.has_count, 4);
}

/* What is not written changes nothing: the classic group goes on as it was, with what waits in it.
 */
static void test_upgrade_that_fails(void **state) {
    (void)state;
    stable(false);
    classic_client_step(&b);
    classic_client_step(&b);
    fake_log_refuse(&w.groups.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(consumer_beat(&c), KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_true(is_classic());
    assert_int_equal(b.doing, CLIENT_JOINING);
    live(8);
    assert_int_equal(a.has_count + b.has_count, 4);
    assert_int_equal(a.losses, 0);
}

/* What was late, and commits all the same, has upgraded the group. */
static void test_upgrade_in_doubt(void **state) {
    (void)state;
    stable(true);
    w.holds = true;
    consumer_beat(&c);
    fake_log_late(&w.groups.log);
    groups_turn(&w.groups);
    assert_int_equal(c.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    w.holds = false;
    consumer_world_commit(&w);
    assert_null(row()->classic);
    assert_int_equal(row()->members, 3);
    live(2);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    live(12);
    assert_int_equal(a.has_count + b.has_count + c.has_count, 4);
}

/* A cooperative member was assigned less, and has not given the rest back yet: it is nobody else's
 * until it has. */
static void test_upgrade_while_a_member_gives_back(void **state) {
    (void)state;
    a.cooperative = b.cooperative = true;
    stable(false);
    classic_client_steps(&b, 2);
    for (int i = 0; i < 10 && a.rebalances < 2; i++) {
        classic_client_step(&a);
        consumer_world_pass(&w, 100);
    }
    assert_int_equal(a.rebalances, 2);
    assert_int_equal(a.kept_count, 2);
    assert_int_equal(a.has_count, 4); /* two of them it is giving back */
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    for (int i = 0; i < 3; i++) {
        consumer_beat(&c);
        assert_int_equal(c.has_count, 0);
        classic_client_step(&b);
        assert_int_equal(b.has_count, 0);
        consumer_world_pass(&w, 1000);
    }
    live(12);
    assert_int_equal(a.has_count + b.has_count + c.has_count, 4);
    assert_int_equal(a.losses, 0);
}

/* Who was upgraded and is silent ends with its own session. */
static void test_upgraded_members_expire(void **state) {
    (void)state;
    stable(true);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    for (int i = 0; i < 12; i++) {
        consumer_beat(&c);
        consumer_world_pass(&w, 1000);
    }
    assert_int_equal(c.has_count, 4);
    assert_int_equal(row()->consumer->member_count, 1);
}

/* By policy, type and size; and what members say must be what consumers say. The group stays as it
 * is. */
static void test_upgrades_that_are_refused(void **state) {
    (void)state;
    groups_stable(&w.groups, 2, false);
    char before[100];
    strncpy(before, groups_state(&w.groups), sizeof before - 1);
    assert_int_equal(consumer_beat(&c), KAFKA_GROUP_ID_NOT_FOUND); /* "range:t" is nothing */
    assert_non_null(strstr(c.message, "does not parse"));
    assert_int_equal(consumer_beat_as(&c, 3, false), KAFKA_UNKNOWN_MEMBER_ID);
    w.groups.settings.group_consumer_may_upgrade = false;
    c.epoch = 0;
    assert_int_equal(consumer_beat(&c), KAFKA_GROUP_ID_NOT_FOUND);
    assert_non_null(strstr(c.message, "policy"));
    w.groups.settings.group_consumer_may_upgrade = true;
    w.groups.settings.group_consumer_max_size = 1;
    assert_int_equal(consumer_beat(&c), KAFKA_GROUP_ID_NOT_FOUND);
    assert_non_null(strstr(c.message, "more members"));
    assert_string_equal(groups_state(&w.groups), before);
}

/* One whose records have more bytes than a batch may have is refused before they are made. */
static void test_upgrade_of_a_group_that_is_too_large(void **state) {
    (void)state;
    stable(true);
    w.groups.settings.message_max_bytes = 100;
    assert_int_equal(consumer_beat(&c), KAFKA_UNKNOWN_SERVER_ERROR);
    assert_non_null(strstr(c.message, "message.max.bytes"));
    w.groups.settings.message_max_bytes = 500;
    assert_int_equal(consumer_beat(&c), KAFKA_UNKNOWN_SERVER_ERROR);
    w.groups.settings.message_max_bytes = 1 << 20;
    assert_true(is_classic());
    live(2);
    assert_int_equal(a.losses + b.losses, 0);
}

static void test_upgrade_of_another_type(void **state) {
    (void)state;
    ask_join(&w.groups, &asked, (struct asks){.version = 3, .type = "connect"});
    assert_int_equal(consumer_beat(&c), KAFKA_GROUP_ID_NOT_FOUND);
    assert_non_null(strstr(c.message, "type"));
}

/* An assignment with user data is a custom assignor's, unless the assignor is one of Kafka's own.
 */
static void user_data(const char *assignor, int16_t error) {
    struct kp_consumer_assignment assignment = {.user_data = {(const uint8_t *)"x", 1}};
    struct kp_classic_group_member member = {.member_id = kp_string_of("m"),
                                             .group_instance_id = KP_NULL_STRING,
                                             .client_id = kp_string_of("c"),
                                             .client_host = kp_string_of("/h"),
                                             .rebalance_timeout_ms = 60000,
                                             .session_timeout_ms = 10000,
                                             .subscription = {(const uint8_t *)"\0\0\0\0\0\1\0\1t"
                                                                               "\xff\xff\xff\xff",
                                                              13}};
    struct kp_classic_group_value value;
    struct kp_writer writer;
    struct group_batch batch;
    struct group group = {.id = kp_string_of("g")};
    kp_writer_init(&writer, 100);
    kp_consumer_assignment_write(&assignment, member.subscription, &writer);
    member.assignment = (struct kp_bytes){writer.data, (int32_t)writer.len};
    kp_set_fallbacks(&kp_classic_group_value_schema, &value);
    value.protocol_type = kp_string_of("consumer");
    value.generation = 7;
    value.protocol = kp_string_of(assignor);
    value.leader = kp_string_of("m");
    value.members.items = &member;
    value.members.count = 1;
    group_batch_open(&batch);
    classic_record_add(&group, &value, &batch);
    fake_log_lose(&w.groups.log, false);
    fake_log_apply(&w.groups.log, batch.records, batch.count);
    fake_log_lead(&w.groups.log);
    group_batch_close(&batch);
    kp_writer_close(&writer);
    assert_int_equal(consumer_beat(&c), error);
}
static void test_upgrade_with_user_data(void **state) {
    (void)state;
    user_data("stream", KAFKA_GROUP_ID_NOT_FOUND);
    assert_non_null(strstr(c.message, "assignor"));
    user_data("cooperative-sticky", KAFKA_NONE);
}

/* ---- Who comes takes a static member's place: nobody subscribes to anything new ---- */

/* Instance "one" comes back as c, a member of KIP-848. */
static void succeed(struct classic_client *before) {
    before->doing = CLIENT_IS_FENCED;
    c.instance = "one";
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_false(is_classic());
}

/* Those of who left are nobody's in the last assignment. */
static void test_upgrade_by_a_successor_after_a_leave(void **state) {
    (void)state;
    a.instance = "one";
    stable(true);
    classic_client_leave(&b);
    succeed(&a);
    live(8);
    assert_int_equal(c.has_count, 4);
}

/* Nor is anybody assigned what a cooperative member is giving back; the group is stable. */
static void test_upgrade_by_a_successor_while_a_member_gives_back(void **state) {
    (void)state;
    a.cooperative = b.cooperative = true;
    b.instance = "one";
    stable(false);
    classic_client_steps(&b, 2);
    for (int i = 0; i < 10 && a.rebalances < 2; i++) {
        classic_client_step(&a);
        consumer_world_pass(&w, 100);
    }
    assert_int_equal(a.kept_count, 2);
    succeed(&b);
    live(12);
    assert_int_equal(a.has_count, 2);
    assert_int_equal(c.has_count, 2);
    assert_int_equal(a.losses, 0);
}

/* Who waits for a rebalance of the classic group gets its share, though all is assigned. */
static void test_upgrade_by_a_successor_while_a_member_joins(void **state) {
    (void)state;
    a.instance = "one";
    stable(false);
    classic_client_steps(&b, 2);
    assert_int_equal(b.doing, CLIENT_JOINING);
    succeed(&a);
    live(12);
    assert_int_equal(b.has_count, 2);
    assert_int_equal(c.has_count, 2);
}

/* Nobody else notices when all is well, as in Kafka. */
static void test_upgrade_by_a_successor_of_a_stable_group(void **state) {
    (void)state;
    a.instance = "one";
    stable(true);
    succeed(&a);
    assert_int_equal(c.epoch, a.generation);
    assert_int_equal(c.has_count, 2);
    live(8);
    assert_int_equal(c.epoch, a.generation);
    assert_int_equal(b.has_count, 2);
}

/* A topic came that the leader has not seen yet. */
static void test_upgrade_by_a_successor_with_a_new_topic(void **state) {
    (void)state;
    classic_client_init(&a, &w, false, "t", "u", NULL);
    consumer_init(&c, &w, "c", "t", "u", NULL);
    a.instance = "one";
    stable(false);
    consumer_world_topic(&w, "u", 2);
    succeed(&a);
    live(8);
    assert_int_equal(c.has_count, 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_upgrade_of_a_group_that_is_too_large),
        TEST(test_upgrade_while_a_member_gives_back),
        TEST(test_upgrade_of_an_eager_group),
        TEST(test_upgrade_of_a_cooperative_group),
        TEST(test_upgrade_while_it_prepares),
        TEST(test_upgrade_while_nobody_is_left),
        TEST(test_upgrade_that_fails),
        TEST(test_upgrade_in_doubt),
        TEST(test_upgraded_members_expire),
        TEST(test_upgrades_that_are_refused),
        TEST(test_upgrade_of_another_type),
        TEST(test_upgrade_with_user_data),
        TEST(test_upgrade_by_a_successor_after_a_leave),
        TEST(test_upgrade_by_a_successor_while_a_member_gives_back),
        TEST(test_upgrade_by_a_successor_while_a_member_joins),
        TEST(test_upgrade_by_a_successor_of_a_stable_group),
        TEST(test_upgrade_by_a_successor_with_a_new_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
