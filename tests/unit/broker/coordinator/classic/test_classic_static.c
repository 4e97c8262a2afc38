/* A static member that comes again without its id: all states, leader and follower, before and
 * since version 9. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/broker/coordinator/fixture_groups.h"

static struct groups g;

static int setup(void **state) {
    *state = &g;
    groups_open(&g);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    groups_close(&g);
    return 0;
}

static struct asked m1, m2, again, other, sync1;

static void group_is_stable(void) {
    groups_close(&g);
    groups_open(&g);
    groups_stable(&g, 2, true);
}

static struct asks known(const char *member, const char *instance) {
    return (struct asks){.member = member, .instance = instance, .generation = 1};
}

static void old_id_is_fenced(const char *member, const char *instance) {
    static struct asked late;
    assert_int_equal(ask_heartbeat(&g, known(member, instance)), KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(ask_heartbeat(&g, known(member, NULL)), KAFKA_UNKNOWN_MEMBER_ID);
    ask_sync(&g, &late, known(member, instance));
    assert_int_equal(late.error, KAFKA_FENCED_INSTANCE_ID);
    ask_join(&g, &late, known(member, instance));
    assert_int_equal(late.error, KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(ask_commit_check(&g, known(member, instance)), KAFKA_FENCED_INSTANCE_ID);
}

/* Stable: nobody else notices; the answer comes when the record has committed; the leader before
 * version 9 hears its old id, so that it does not assign. */
static void test_static_stable(void **state) {
    (void)state;
    for (int leads = 0; leads < 2; leads++)
        for (int version = 5; version <= 9; version += 4) {
            const char *member = leads ? "m1" : "m2", *instance = leads ? "i1" : "i2";
            group_is_stable();
            ask_join(&g, &again, (struct asks){.instance = instance, .version = version});
            assert_int_equal(again.error, NOT_DONE);
            assert_int_equal(groups_commit(&g), 1);
            assert_int_equal(again.error, 0);
            assert_int_equal(again.generation, 1);
            assert_int_equal(strncmp(again.member, instance, 2), 0);
            assert_string_equal(again.leader, version == 9 && leads ? again.member : "m1");
            assert_int_equal(again.skip, version == 9 && leads);
            assert_int_equal(again.member_count, version == 9 && leads ? 2 : 0);
            old_id_is_fenced(member, instance);
            char id[CALL_TEXT];
            snprintf(id, sizeof id, "%s", again.member);
            assert_int_equal(ask_heartbeat(&g, known(id, instance)), 0);
            ask_sync(&g, &sync1, known(id, instance)); /* its assignment is still there */
            assert_int_equal(sync1.error, 0);
            assert_string_equal(sync1.assignment, leads ? "a1" : "a2");
            groups_move(&g); /* the new id was written */
            assert_int_equal(ask_heartbeat(&g, known(id, instance)), 0);
            old_id_is_fenced(member, instance);
        }
}

/* The record cannot be written: the old id, its protocols and timeouts are put back. */
static void test_static_write_fails(void **state) {
    (void)state;
    group_is_stable();
    fake_log_refuse(&g.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_join(&g, &again, (struct asks){.instance = "i2", .protocols = "range,x", .meta = "u"});
    groups_commit(&g);
    assert_int_equal(again.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(ask_heartbeat(&g, known("m2", "i2")), 0);
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");
    ask_join(&g, &m2, known("m2", "i2")); /* as it was before: no rebalance */
    assert_int_equal(m2.error, 0);
}

/* Stable, and the protocol that would be chosen changes: a rebalance. */
static void test_static_protocol_changes(void **state) {
    (void)state;
    group_is_stable();
    ask_join(&g, &m1, (struct asks){.member = "m1", .instance = "i1", .protocols = "range,x"});
    ask_join(&g, &m2, (struct asks){.member = "m2", .instance = "i2", .protocols = "x,range"});
    assert_string_equal(m1.protocol, "range");
    ask_sync(&g, &sync1, (struct asks){.member = "m1", .instance = "i1", .generation = 2});
    groups_commit(&g);
    assert_string_equal(groups_state(&g), "Stable 2 m1,m2");
    ask_join(&g, &again, (struct asks){.instance = "i1", .protocols = "x,range"});
    assert_int_equal(again.error, NOT_DONE);
    assert_int_equal(ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 2}),
                     KAFKA_REBALANCE_IN_PROGRESS);
}

/* Completing: a rebalance, for the leader may be assigning for the old id (KAFKA-8405). Preparing:
 * parked with the others. What is parked under the old id is fenced. */
static void test_static_completing_and_preparing(void **state) {
    (void)state;
    for (int leads = 0; leads < 2; leads++) {
        const char *member = leads ? "m1" : "m2", *instance = leads ? "i1" : "i2";
        group_is_stable();
        ask_join(&g, &m1, known("m1", "i1"));
        ask_join(&g, &m2, known("m2", "i2"));
        assert_string_equal(groups_state(&g), "CompletingRebalance 2 m1,m2");
        if (!leads) ask_sync(&g, &sync1, (struct asks){.member = "m2", .generation = 2});
        ask_join(&g, &again, (struct asks){.instance = instance});
        if (!leads) assert_int_equal(sync1.error, KAFKA_FENCED_INSTANCE_ID);
        assert_int_equal(again.error, NOT_DONE);
        old_id_is_fenced(member, instance);
        ask_join(&g, &other, (struct asks){.instance = instance}); /* once more, Preparing */
        assert_int_equal(again.error, KAFKA_FENCED_INSTANCE_ID);
        assert_int_equal(other.error, NOT_DONE);
        ask_join(&g, leads ? &m2 : &m1, known(leads ? "m2" : "m1", leads ? "i2" : "i1"));
        assert_int_equal(other.error, 0);
        assert_int_equal(other.generation, 3);
        assert_string_equal(other.leader, leads ? other.member : "m1");
    }
}

/* The timeouts of the new request count (Redpanda 23693). */
static void test_static_takes_new_timeouts(void **state) {
    (void)state;
    group_is_stable();
    ask_join(&g, &again, (struct asks){.instance = "i2", .session_ms = 6000});
    groups_commit(&g);
    assert_int_equal(again.error, 0);
    char id[CALL_TEXT];
    snprintf(id, sizeof id, "%s", again.member);
    groups_pass(&g, 5000);
    ask_heartbeat(&g, known("m1", "i1"));
    groups_pass(&g, 1100);
    assert_int_equal(ask_heartbeat(&g, known(id, "i2")), KAFKA_UNKNOWN_MEMBER_ID);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_static_stable),
        TEST(test_static_write_fails),
        TEST(test_static_protocol_changes),
        TEST(test_static_completing_and_preparing),
        TEST(test_static_takes_new_timeouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
