/* A client dies, which closes its connection: its member goes when it would have spoken again, and
 * a second later, not with its session. */
#include <stdio.h>
#include <string.h>

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/group/group_presence.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"

static char line1, line2, line3; /* connections have addresses */

static void closes(struct groups *groups, const void *line) {
    group_coordinator_forget_asker(groups->coordinator, line);
    groups_turn(groups);
}

/* ---- Connections ---- */

static struct group_presence *gone[3];
static size_t gone_count;

static void note_gone(struct group_presence *presence) {
    assert_true(presence->absent);
    gone[gone_count++] = presence;
}

/* The last connection counts; what closes is told once. */
static void test_presence_last_connection_counts(void **state) {
    (void)state;
    struct groups g;
    groups_open(&g);
    struct group_presence a = {.gone = note_gone}, b = a, c = a;
    gone_count = 0;
    group_presence_heard(g.table, &a, &line1);
    group_presence_heard(g.table, &b, &line1);
    group_presence_heard(g.table, &c, &line1);
    group_presence_heard(g.table, &b, &line2);
    group_presence_clear(g.table, &c);
    group_presence_closed(g.table, &line1);
    assert_int_equal(gone_count, 1);
    assert_ptr_equal(gone[0], &a);
    group_presence_closed(g.table, &line1);
    assert_int_equal(gone_count, 1);
    group_presence_heard(g.table, &a, NULL);
    assert_false(a.absent);
    group_presence_closed(g.table, &line2);
    assert_int_equal(gone_count, 2);
    assert_ptr_equal(gone[1], &b);
    assert_null(g.table->lines);
    groups_close(&g);
}

/* One connection with very many members cannot make its end long. */
static void test_presence_has_a_limit(void **state) {
    (void)state;
    struct groups g;
    groups_open(&g);
    static struct group_presence many[GROUP_PRESENCE_MAX], more = {.gone = note_gone};
    gone_count = 0;
    for (size_t i = 0; i < GROUP_PRESENCE_MAX; i++)
        group_presence_heard(g.table, &many[i], &line1);
    group_presence_heard(g.table, &more, &line1);
    assert_null(more.line);
    for (size_t i = 0; i < GROUP_PRESENCE_MAX; i++)
        group_presence_clear(g.table, &many[i]);
    assert_null(g.table->lines);
    groups_close(&g);
}

/* ---- The classic protocol ---- */

static struct groups g;

static struct asks from(const char *member, const char *instance, const void *line) {
    return (struct asks){.member = member, .instance = instance, .generation = 1, .asker = line};
}

static void two_beat(const char *instance1, const char *instance2) {
    for (int i = 0; i < 4; i++) {
        if (i > 0) groups_pass(&g, 2000);
        assert_int_equal(ask_heartbeat(&g, from("m1", instance1, &line1)), 0);
        assert_int_equal(ask_heartbeat(&g, from("m2", instance2, &line2)), 0);
    }
}

/* It beats every 2 s, and its session has 10: it has 3 to come back. */
static void test_classic_member_dies(void **state) {
    (void)state;
    groups_open(&g);
    groups_stable(&g, 2, false);
    two_beat(NULL, NULL);
    groups_pass(&g, 1000);
    closes(&g, &line2);
    groups_pass(&g, 2900);
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");
    groups_pass(&g, 100);
    assert_string_equal(groups_state(&g), "PreparingRebalance 1 m1");
    groups_close(&g);
}

/* It was its connection alone: it beats over another one, and has a whole session again. */
static void test_classic_member_comes_back(void **state) {
    (void)state;
    groups_open(&g);
    groups_stable(&g, 2, false);
    two_beat(NULL, NULL);
    closes(&g, &line2);
    groups_pass(&g, 2000);
    assert_int_equal(ask_heartbeat(&g, from("m2", NULL, &line3)), 0);
    closes(&g, &line2);
    groups_pass(&g, 6000);
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");
    groups_close(&g);
}

/* Not known how often it beats: every third of its session at least, so it has half of that. The
 * session decides for static members, which are expected to go and to come again. */
static void test_classic_session_decides(void **state) {
    (void)state;
    groups_open(&g);
    groups_stable(&g, 2, false);
    assert_int_equal(ask_heartbeat(&g, from("m1", NULL, &line1)), 0);
    assert_int_equal(ask_heartbeat(&g, from("m2", NULL, &line2)), 0);
    closes(&g, &line2);
    groups_pass(&g, 4900);
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");
    groups_pass(&g, 100);
    assert_string_equal(groups_state(&g), "PreparingRebalance 1 m1");
    groups_close(&g);

    groups_open(&g);
    groups_stable(&g, 2, true);
    two_beat("i1", "i2");
    closes(&g, &line2);
    groups_pass(&g, 9000);
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");
    groups_close(&g);
}

/* It dies while it waits for a rebalance: that goes on without it, long before its timeout. */
static void test_classic_member_dies_in_its_join(void **state) {
    (void)state;
    static struct asked join, leave;
    groups_open(&g);
    groups_stable(&g, 3, false);
    two_beat(NULL, NULL);
    ask_leave(&g, &leave, "g", "m3");
    ask_join(&g, &join, (struct asks){.member = "m2", .asker = &line2});
    assert_int_equal(join.error, NOT_DONE);
    assert_true(group_call_cancel(&join.call));
    closes(&g, &line2);
    join.error = 0;
    static struct asked other;
    groups_pass(&g, 1000);
    ask_join(&g, &other, (struct asks){.member = "m1", .asker = &line1});
    groups_pass(&g, 1900);
    assert_int_equal(other.error, NOT_DONE);
    groups_pass(&g, 100);
    assert_int_equal(other.error, 0);
    groups_close(&g);
}

/* Who has never been assigned anything has nothing to lose: it has a second to be back in its Join.
 * Another broker is not given the lead while the group is rebalanced. */
static void test_classic_new_member_dies_in_its_join(void **state) {
    (void)state;
    static struct asked first, join, one, two;
    groups_open(&g);
    groups_stable(&g, 2, false);
    two_beat(NULL, NULL);
    assert_int_equal(g.table->rebalancing, 0);
    ask_join(&g, &first, (struct asks){.asker = &line3});
    char id[CALL_TEXT];
    snprintf(id, sizeof id, "%s", first.member);
    ask_join(&g, &join, (struct asks){.member = id, .asker = &line3});
    assert_int_equal(join.error, NOT_DONE);
    assert_int_equal(g.table->rebalancing, 1);
    assert_true(group_call_cancel(&join.call));
    closes(&g, &line3);
    groups_pass(&g, 900);
    ask_join(&g, &join, (struct asks){.member = id, .asker = &line2}); /* it is back */
    assert_int_equal(join.error, NOT_DONE);
    assert_true(group_call_cancel(&join.call));
    closes(&g, &line2);
    ask_join(&g, &one, (struct asks){.member = "m1", .asker = &line1});
    ask_join(&g, &two, (struct asks){.member = "m2", .asker = &line1});
    groups_pass(&g, 900);
    assert_int_equal(one.error, NOT_DONE);
    groups_pass(&g, 100);
    assert_int_equal(one.error, 0);
    assert_int_equal(two.error, 0);
    assert_int_equal(g.table->rebalancing, 1);
    ask_sync(&g, &one, (struct asks){.member = "m1", .generation = 2, .assign = "m1=a,m2=b"});
    groups_commit(&g);
    assert_int_equal(one.error, 0);
    assert_int_equal(g.table->rebalancing, 0);
    groups_close(&g);
}

/* ---- KIP-848 ---- */

static struct consumer_world w;
static struct consumer a, b;

static void a_and_b_have_two_each(void) {
    consumer_world_open(&w);
    consumer_world_topic(&w, "t", 4);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    a.asker = &line1;
    b.asker = &line2;
    for (int i = 0; i < 4; i++) {
        consumer_beat(&a);
        consumer_beat(&b);
        consumer_world_pass(&w, 1000);
    }
    assert_int_equal(a.has_count, 2);
    assert_int_equal(b.has_count, 2);
    consumer_beat(&a);
    assert_int_equal(a.interval_ms, 5000);
}

/* Its session has 45 s and it is asked to beat every 5: it has 7.5 to come back. The others are
 * asked to come soon, so that they hear of it. */
static void test_consumer_member_dies(void **state) {
    (void)state;
    a_and_b_have_two_each();
    closes(&w.groups, &line2);
    consumer_beat(&a);
    assert_int_equal(a.interval_ms, 500);
    consumer_world_pass(&w, 7400);
    assert_int_equal(consumer_world_group(&w)->member_count, 2);
    consumer_world_pass(&w, 100);
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 4);
    consumer_world_pass(&w, 1000);
    consumer_beat(&a);
    assert_int_equal(a.interval_ms, 5000);
    consumer_world_close(&w);
}

static void test_consumer_member_comes_back(void **state) {
    (void)state;
    a_and_b_have_two_each();
    closes(&w.groups, &line2);
    consumer_world_pass(&w, 5000);
    b.asker = &line3;
    assert_int_equal(consumer_beat(&b), 0);
    consumer_world_pass(&w, 30000);
    assert_int_equal(consumer_world_group(&w)->member_count, 2);
    /* Another broker leads, and does not know who came over what. */
    consumer_world_fail_over(&w);
    closes(&w.groups, &line3);
    consumer_world_pass(&w, 44000);
    assert_int_equal(consumer_world_group(&w)->member_count, 2);
    consumer_world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presence_last_connection_counts),
        cmocka_unit_test(test_presence_has_a_limit),
        cmocka_unit_test(test_classic_member_dies),
        cmocka_unit_test(test_classic_member_comes_back),
        cmocka_unit_test(test_classic_session_decides),
        cmocka_unit_test(test_classic_member_dies_in_its_join),
        cmocka_unit_test(test_classic_new_member_dies_in_its_join),
        cmocka_unit_test(test_consumer_member_dies),
        cmocka_unit_test(test_consumer_member_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
