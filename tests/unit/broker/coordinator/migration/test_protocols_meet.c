/* Members of both protocols at one group: an empty one takes the kind of whoever comes, and classic
 * members are served in a consumer group. */
#include <string.h>

#include "broker/coordinator/consumer/consumer_records.h"
#include "tests/unit/broker/coordinator/migration/fixture_migration.h"
#include "tests/unit/unit.h"

/* ---- Empty groups ---- */

/* When its members have left a classic group gives way, its record with it; over a change of
 * coordinators, too, and whatever the policy. */
static void test_consumer_at_an_empty_classic_group(void **state) {
    (void)state;
    w.groups.settings.group_consumer_may_upgrade = false;
    stable(true);
    classic_client_leave(&a);
    assert_int_equal(consumer_beat(&c), KAFKA_GROUP_ID_NOT_FOUND);
    classic_client_leave(&b);
    assert_true(is_classic());
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    assert_null(row()->record);
    consumer_world_fail_over(&w);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
}

/* A consumer group that is empty gives way to a classic member; when the tombstones cannot be
 * written it stays. */
static void test_classic_at_an_empty_consumer_group(void **state) {
    (void)state;
    w.groups.settings.group_consumer_may_downgrade = false;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(consumer_beat_as(&c, -1, false), KAFKA_NONE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    fake_log_refuse(&w.groups.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    classic_client_step(&a);
    assert_int_equal(a.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    stable(false);
    assert_null(row()->consumer);
}

/* A log that was compacted may lack the tombstones between: the last word counts, either way. */
static void test_records_of_both_kinds(void **state) {
    (void)state;
    struct group_batch batch;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    group_batch_open(&batch);
    consumer_records_of(row()->consumer, &batch);
    groups_stable(&w.groups, 2, false);
    assert_true(is_classic());
    assert_null(row()->consumer);
    groups_compare(&w.groups);
    fake_log_lose(&w.groups.log, false);
    fake_log_apply(&w.groups.log, batch.records, batch.count);
    fake_log_lead(&w.groups.log);
    group_batch_close(&batch);
    assert_null(row()->record);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
}

/* ---- Classic members in a consumer group ---- */

/* A classic member that joins a group of KIP-848 is told an id first, answered at once without a
 * leader, has its share, and leaves. */
static void test_classic_joins_a_consumer_group(void **state) {
    (void)state;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    classic_client_step(&a);
    assert_int_equal(a.error, KAFKA_MEMBER_ID_REQUIRED);
    classic_client_step(&a);
    assert_int_equal(a.error, KAFKA_NONE);
    assert_int_equal(a.join.member_count, 0);
    assert_int_equal(a.generation, 2);
    assert_string_equal(a.protocol, "range");
    live(8);
    assert_int_equal(a.has_count, 2);
    assert_int_equal(c.has_count, 2);
    classic_client_leave(&a);
    assert_int_equal(a.leaver.error, KAFKA_NONE);
    live(3);
    assert_int_equal(c.has_count, 4);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
}

/* Its calls are checked as in a classic group; members of KIP-848 may not make them. */
static void test_classic_calls_that_are_refused(void **state) {
    (void)state;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    live(1);
    classic_client_steps(&a, 3);
    int32_t generation = a.generation;
    struct asks as = {.member = a.id, .generation = generation};
    assert_int_equal(ask_heartbeat(&w.groups, (struct asks){.member = "c", .generation = 1}),
                     KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(ask_heartbeat(&w.groups, (struct asks){.member = "x", .generation = 1}),
                     KAFKA_UNKNOWN_MEMBER_ID);
    as.generation++;
    assert_int_equal(ask_heartbeat(&w.groups, as), KAFKA_ILLEGAL_GENERATION);
    ask_sync(&w.groups, &asked, as);
    assert_int_equal(asked.error, KAFKA_ILLEGAL_GENERATION);
    as.generation = generation;
    as.instance = "i";
    assert_int_equal(ask_heartbeat(&w.groups, as), KAFKA_UNKNOWN_MEMBER_ID);
    as.instance = NULL;
    as.type = "connect";
    ask_sync(&w.groups, &asked, as);
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    as.type = "consumer";
    as.protocol = "sticky";
    ask_sync(&w.groups, &asked, as);
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    ask_sync(&w.groups, &asked, (struct asks){.member = "c", .generation = 1});
    assert_int_equal(asked.error, KAFKA_UNKNOWN_MEMBER_ID);
}

static void test_classic_joins_that_are_refused(void **state) {
    (void)state;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    classic_client_steps(&a, 3);
    ask_join(&w.groups, &asked, (struct asks){.version = 3, .type = "connect"});
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    ask_join(&w.groups, &asked, (struct asks){.version = 3, .protocols = "roundrobin"});
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    ask_join(&w.groups, &asked, (struct asks){.version = 3, .protocols = "range"}); /* "range:t" */
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    ask_join(&w.groups, &asked, (struct asks){.member = "x", .instance = "i"});
    assert_int_equal(asked.error, KAFKA_UNKNOWN_MEMBER_ID);
    assert_string_equal(asked.member, "null");
    w.groups.settings.group_consumer_max_size = 2;
    ask_join(&w.groups, &asked, (struct asks){.version = 3});
    assert_int_equal(asked.error, KAFKA_GROUP_MAX_SIZE_REACHED);
    w.groups.settings.group_consumer_max_size = 10;
    w.groups.settings.group_consumer_may_upgrade = false;
    w.groups.settings.group_consumer_may_downgrade = false;
    ask_join(&w.groups, &asked, (struct asks){.version = 3});
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    assert_int_equal(row()->consumer->member_count, 2);
}

/* Who is told to join and does not, or joins and does not fetch its assignment, is fenced after its
 * rebalance timeout, heartbeats or not. */
static void test_classic_member_that_is_late(void **state) {
    (void)state;
    a.rebalance_ms = 15000;
    stable(false);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    for (int i = 0; i < 20; i++) {
        if (row()->consumer->member_count == 1) break;
        a.doing = CLIENT_BEATS;
        classic_client_step(&a);
        consumer_beat(&c);
        consumer_world_pass(&w, 1000);
    }
    assert_int_equal(row()->consumer->member_count, 1);
    a.doing = CLIENT_IS_FENCED;
    live(2);
    assert_int_equal(c.has_count, 4);
    b.rebalance_ms = 15000;
    classic_client_step(&b);
    classic_client_step(&b);
    assert_int_equal(b.doing, CLIENT_SYNCS);
    for (int i = 0; i < 16; i++) {
        b.doing = CLIENT_BEATS;
        classic_client_step(&b);
        consumer_beat(&c);
        consumer_world_pass(&w, 1000);
    }
    assert_int_equal(row()->consumer->member_count, 1);
}

/* Without a member of KIP-848, for the policy keeps the group, a topic that grows is noticed, and
 * what a member leaves behind is given to the others. */
static void test_classic_members_alone(void **state) {
    (void)state;
    w.groups.settings.group_consumer_may_downgrade = false;
    stable(true);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    live(10);
    assert_int_equal(consumer_beat_as(&c, -1, false), KAFKA_NONE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    live(10);
    assert_int_equal(a.has_count + b.has_count, 4);
    consumer_world_grow(&w, "t", 2);
    live(10);
    assert_int_equal(a.has_count + b.has_count, 6);
    classic_client_leave(&b);
    live(10);
    assert_int_equal(a.has_count, 6);
    assert_int_equal(a.losses, 0);
}

/* KIP-571: one of KIP-848 is removed from outside, too; over a change of coordinators, and not when
 * that cannot be written. */
static void test_consumer_removed_from_outside(void **state) {
    (void)state;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    fake_log_refuse(&w.groups.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_leave(&w.groups, &asked, "g", "c");
    groups_commit(&w.groups);
    assert_int_equal(asked.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    ask_leave(&w.groups, &asked, "g", "c,c,x");
    groups_commit(&w.groups);
    assert_int_equal(asked.error, KAFKA_NONE);
    assert_int_equal(asked.leavers[0].error, KAFKA_NONE);
    assert_int_equal(asked.leavers[2].error, KAFKA_UNKNOWN_MEMBER_ID);
    groups_move(&w.groups);
    assert_int_equal(row()->consumer->member_count, 0);
    assert_int_equal(consumer_beat(&c), KAFKA_UNKNOWN_MEMBER_ID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_records_of_both_kinds),
        TEST(test_consumer_at_an_empty_classic_group),
        TEST(test_classic_at_an_empty_consumer_group),
        TEST(test_classic_joins_a_consumer_group),
        TEST(test_classic_calls_that_are_refused),
        TEST(test_classic_joins_that_are_refused),
        TEST(test_classic_member_that_is_late),
        TEST(test_classic_members_alone),
        TEST(test_consumer_removed_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
