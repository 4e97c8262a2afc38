/* A consumer group becomes a classic one when the last member of KIP-848 goes, or is replaced. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/broker/coordinator/migration/fixture_migration.h"
#include "tests/unit/unit.h"

/* The last member of KIP-848 leaves: a classic group, which rebalances, and everything is owned.
 * `moves`: the coordinator moves behind it, and the next one knows. */
static void downgrade(bool cooperative, bool moves) {
    a.cooperative = b.cooperative = cooperative;
    stable(true);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    live(12);
    int32_t epoch = row()->consumer->epoch;
    assert_int_equal(consumer_beat_as(&c, -1, false), KAFKA_NONE);
    assert_true(is_classic());
    if (moves) consumer_world_fail_over(&w);
    assert_int_equal(classic_state_of(row()), CLASSIC_PREPARING);
    live(12);
    assert_int_equal(a.has_count + b.has_count, 4);
    assert_true(a.has_count > 0 && b.has_count > 0);
    assert_true(a.generation > epoch);
    assert_int_equal(a.losses + b.losses, 0);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE); /* and up again */
    live(12);
    assert_int_equal(a.has_count + b.has_count + c.has_count, 4);
}
static void test_downgrade_of_an_eager_group(void **state) {
    (void)state;
    downgrade(false, false);
}
static void test_downgrade_of_a_cooperative_group(void **state) {
    (void)state;
    downgrade(true, false);
}
static void test_downgrade_and_move(void **state) {
    (void)state;
    downgrade(false, true);
}
static void test_downgrade_of_a_cooperative_group_and_move(void **state) {
    (void)state;
    downgrade(true, true);
}

/* Down and up again while a member has what its target has not, and does not know: it has that
 * still, and nobody else. */
static void test_downgrade_before_a_member_knows(void **state) {
    (void)state;
    a.cooperative = true;
    stable(false);
    assert_int_equal(consumer_beat(&d), KAFKA_NONE);
    assert_int_equal(consumer_beat_as(&d, -1, false), KAFKA_NONE);
    assert_true(is_classic());
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(c.has_count, 0);
    assert_int_equal(a.has_count, 4);
    live(12);
    assert_int_equal(a.has_count, 2);
    assert_int_equal(c.has_count, 2);
}

/* By the end of its session, and by LeaveGroup. */
static void test_downgrade_by_expiry(void **state) {
    (void)state;
    w.groups.settings.group_consumer_session_timeout_ms = 5000;
    stable(false);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    int32_t slept_at = c.epoch;
    c.epoch = 0; /* it sleeps */
    live(8);
    assert_true(is_classic());
    live(8);
    assert_int_equal(a.has_count, 4);
    /* It wakes up, and is not told that there is no such group, which would end its client. */
    assert_int_equal(consumer_beat_as(&c, slept_at, false), KAFKA_UNKNOWN_MEMBER_ID);
    assert_true(is_classic());
    assert_int_equal(consumer_beat(&d), KAFKA_NONE);
    live(8);
    ask_leave(&w.groups, &asked, "g", "d");
    groups_commit(&w.groups);
    assert_int_equal(asked.error, KAFKA_NONE);
    d.epoch = 0;
    assert_true(is_classic());
    live(8);
    assert_int_equal(a.has_count, 4);
}

/* Members that are removed together, in several batches: behind that with the last one of KIP-848
 * the others go from a classic group. */
static void test_downgrade_by_leaves_in_batches(void **state) {
    (void)state;
    char leavers[200];
    stable(true);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(consumer_beat(&d), KAFKA_NONE);
    live(12);
    snprintf(leavers, sizeof leavers, "c,d,%s", b.id);
    w.groups.settings.message_max_bytes = 1200; /* half of it: two of them */
    ask_leave(&w.groups, &asked, "g", leavers);
    assert_int_equal(asked.error, NOT_DONE);
    consumer_world_commit(&w);
    assert_true(is_classic());
    while (asked.error == NOT_DONE)
        consumer_world_commit(&w);
    w.groups.settings.message_max_bytes = 1 << 20;
    assert_int_equal(asked.error, KAFKA_NONE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(asked.leavers[i].error, KAFKA_NONE);
    c.epoch = d.epoch = 0;
    b.id[0] = '\0';
    live(12);
    assert_int_equal(a.has_count, 4);
}

/* What is not written changes nothing. */
static void test_downgrade_that_fails(void **state) {
    (void)state;
    stable(false);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    live(8);
    fake_log_refuse(&w.groups.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(consumer_beat_as(&c, -1, false), KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(row()->consumer->member_count, 2);
    assert_int_equal(consumer_beat_as(&c, -1, false), KAFKA_NONE);
    assert_true(is_classic());
    live(8);
    assert_int_equal(a.has_count, 4);
}

/* One that is more than a batch may have, or for which there are too many members, stays. */
static void test_downgrade_of_a_group_that_is_too_large(void **state) {
    (void)state;
    stable(false);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    live(8);
    w.groups.settings.message_max_bytes = 300;
    assert_int_equal(consumer_beat_as(&c, -1, false), KAFKA_NONE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    w.groups.settings.message_max_bytes = 1 << 20;
    live(8);
    assert_int_equal(a.has_count, 4);
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    live(8);
    w.groups.settings.group_max_size = 0;
    assert_int_equal(consumer_beat_as(&c, -1, false), KAFKA_NONE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    live(8);
    assert_int_equal(a.has_count, 4);
}

/* ---- Static members ---- */

/* A process of KIP-848 takes the place of a classic one with its instance, at once; and back, which
 * nobody notices: no rebalance, the same partitions, over a change of coordinators, too. */
static void test_static_member_changes_its_protocol(void **state) {
    (void)state;
    a.instance = "one";
    stable(true);
    c.instance = "one";
    struct classic_client old = a;
    a.id[0] = '\0'; /* the process of a is gone */
    a.doing = CLIENT_IS_FENCED;
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(row()->consumer->member_count, 2);
    assert_int_equal(ask_heartbeat(&w.groups, (struct asks){.member = old.id,
                                                            .instance = "one",
                                                            .generation = old.generation}),
                     KAFKA_FENCED_INSTANCE_ID);
    live(10);
    assert_int_equal(c.has_count, 2);
    int rebalances = b.rebalances;
    classic_client_init(&a, &w, false, "t", NULL);
    a.instance = "one";
    classic_client_step(&a);
    assert_int_equal(a.error, KAFKA_NONE);
    assert_true(is_classic());
    assert_int_equal(classic_state_of(row()), CLASSIC_STABLE);
    c.epoch = 0;
    consumer_world_fail_over(&w);
    live(10);
    assert_int_equal(a.has_count, 2);
    assert_int_equal(b.rebalances, rebalances);
    assert_int_equal(b.has_count, 2);
}

/* When the group is about to change anyway, it rebalances as a classic one. Alone, too. */
static void static_replacement(bool with_b) {
    if (with_b) stable(true);
    c.instance = "one";
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    c.epoch = 0;
    if (with_b) classic_client_leave(&a); /* epoch + 1: somebody has to move */
    classic_client_init(&a, &w, false, with_b ? "t" : "u", NULL);
    a.instance = "one";
    consumer_world_topic(&w, "u", 1);
    classic_client_step(&a);
    assert_true(with_b ? is_classic() : row()->consumer == NULL);
    assert_int_equal(a.doing, CLIENT_JOINING);
    live(15);
    assert_int_equal(a.has_count + b.has_count, with_b ? 4 : 1);
}
static void test_static_replacement_with_a_rebalance(void **state) {
    (void)state;
    static_replacement(true);
}
static void test_static_replacement_of_the_only_member(void **state) {
    (void)state;
    static_replacement(false);
}

/* Not the last one of KIP-848: the group stays what it is. One that lives is replaced, too. */
static void test_static_replacement_in_a_consumer_group(void **state) {
    (void)state;
    c.instance = "one";
    assert_int_equal(consumer_beat(&c), KAFKA_NONE);
    assert_int_equal(consumer_beat(&d), KAFKA_NONE);
    a.doing = CLIENT_IS_FENCED;
    live(8);
    int32_t had = c.has_count;
    a.doing = CLIENT_JOINS;
    a.instance = "one";
    classic_client_step(&a);
    assert_int_equal(a.error, KAFKA_NONE);
    assert_int_equal(group_kind_of(row()), GROUP_CONSUMER);
    assert_int_equal(consumer_beat(&c), KAFKA_FENCED_INSTANCE_ID);
    c.epoch = 0;
    live(8);
    assert_int_equal(a.has_count, had);
    consumer_init(&c, &w, "c2", "t", NULL);
    c.instance = "one";
    assert_int_equal(consumer_beat(&c), KAFKA_NONE); /* and back, though a lives */
    classic_client_step(&a);
    assert_int_equal(a.error, KAFKA_FENCED_INSTANCE_ID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_downgrade_of_a_group_that_is_too_large),
        TEST(test_downgrade_of_an_eager_group),
        TEST(test_downgrade_of_a_cooperative_group),
        TEST(test_downgrade_and_move),
        TEST(test_downgrade_of_a_cooperative_group_and_move),
        TEST(test_downgrade_before_a_member_knows),
        TEST(test_downgrade_by_expiry),
        TEST(test_downgrade_by_leaves_in_batches),
        TEST(test_downgrade_that_fails),
        TEST(test_static_member_changes_its_protocol),
        TEST(test_static_replacement_with_a_rebalance),
        TEST(test_static_replacement_of_the_only_member),
        TEST(test_static_replacement_in_a_consumer_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
