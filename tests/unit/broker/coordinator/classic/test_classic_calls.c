/* SyncGroup, Heartbeat, LeaveGroup, sessions, and who may commit offsets. */
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

enum when { WHEN_PREPARING, WHEN_COMPLETING, WHEN_STABLE, WHENS };

static struct asked m1, m2, s1, s2, leave;

/* m1 (leader) and m2; Preparing: m1 has joined, m2 not; generations 1, 2, 1. */
static int group_is(enum when when, bool instances) {
    groups_close(&g);
    groups_open(&g);
    groups_stable(&g, 2, instances);
    if (when == WHEN_STABLE) return 1;
    ask_join(&g, &m1, (struct asks){.member = "m1"});
    if (when == WHEN_PREPARING) return 1;
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    return 2;
}

static struct asks as(const char *member, int generation) {
    return (struct asks){.member = member, .generation = generation};
}

/* ---- Checks that Sync, Heartbeat and commits share ---- */

static int sync_error(struct asks asks) {
    static struct asked asked;
    ask_sync(&g, &asked, asks);
    return asked.error;
}

static void test_calls_validate(void **state) {
    (void)state;
    assert_int_equal(sync_error((struct asks){.group = ""}), KAFKA_INVALID_GROUP_ID);
    assert_int_equal(ask_heartbeat(&g, (struct asks){.group = ""}), KAFKA_INVALID_GROUP_ID);
    assert_int_equal(sync_error(as("m1", 1)), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(ask_heartbeat(&g, as("m1", 1)), KAFKA_UNKNOWN_MEMBER_ID);
    for (enum when when = 0; when < WHENS; when++) {
        int generation = group_is(when, true);
        struct asks unknown = {.member = "m1", .instance = "i9", .generation = generation};
        struct asks fenced = {.member = "m2", .instance = "i1", .generation = generation};
        assert_int_equal(sync_error(unknown), KAFKA_UNKNOWN_MEMBER_ID);
        assert_int_equal(ask_heartbeat(&g, unknown), KAFKA_UNKNOWN_MEMBER_ID);
        assert_int_equal(ask_commit_check(&g, unknown), KAFKA_UNKNOWN_MEMBER_ID);
        assert_int_equal(sync_error(fenced), KAFKA_FENCED_INSTANCE_ID);
        assert_int_equal(ask_heartbeat(&g, fenced), KAFKA_FENCED_INSTANCE_ID);
        assert_int_equal(ask_commit_check(&g, fenced), KAFKA_FENCED_INSTANCE_ID);
        assert_int_equal(sync_error(as("m9", generation)), KAFKA_UNKNOWN_MEMBER_ID);
        assert_int_equal(ask_heartbeat(&g, as("m9", generation)), KAFKA_UNKNOWN_MEMBER_ID);
        assert_int_equal(ask_commit_check(&g, as("m9", generation)), KAFKA_UNKNOWN_MEMBER_ID);
        assert_int_equal(sync_error(as("m2", generation + 1)), KAFKA_ILLEGAL_GENERATION);
        assert_int_equal(ask_heartbeat(&g, as("m2", generation - 1)), KAFKA_ILLEGAL_GENERATION);
        assert_int_equal(ask_commit_check(&g, as("m2", generation + 1)), KAFKA_ILLEGAL_GENERATION);
    }
}

/* ---- SyncGroup ---- */

static void test_sync_by_state(void **state) {
    (void)state;
    int generation = group_is(WHEN_PREPARING, false);
    assert_int_equal(sync_error(as("m2", generation)), KAFKA_REBALANCE_IN_PROGRESS);
    group_is(WHEN_STABLE, false);
    ask_sync(&g, &s2, as("m2", 1));
    assert_int_equal(s2.error, 0);
    assert_string_equal(s2.assignment, "a2");
    assert_string_equal(s2.type, "consumer");
    assert_string_equal(s2.protocol, "range");
    struct asks other = {.member = "m2", .generation = 1, .type = "connect", .protocol = "range"};
    assert_int_equal(sync_error(other), KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    other = (struct asks){.member = "m2", .generation = 1, .type = "consumer", .protocol = "x"};
    assert_int_equal(sync_error(other), KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    other.protocol = "range";
    assert_int_equal(sync_error(other), 0);
}

/* Followers wait for the leader's, which counts when it has committed, and not before. */
static void test_sync_is_shown_when_committed(void **state) {
    (void)state;
    group_is(WHEN_COMPLETING, false);
    ask_sync(&g, &s2, as("m2", 2));
    assert_true(s2.kept);
    ask_sync(&g, &s1, (struct asks){.member = "m1", .generation = 2, .assign = "m1=x,m9=y"});
    assert_int_equal(s1.error, NOT_DONE);
    assert_string_equal(groups_state(&g), "CompletingRebalance 2 m1,m2");
    static struct asked early;
    ask_sync(&g, &early, as("m2", 2)); /* waits for its turn */
    assert_int_equal(early.error, NOT_DONE);
    groups_commit(&g);
    assert_int_equal(s1.error, 0);
    assert_string_equal(s1.assignment, "x");
    assert_int_equal(s2.error, 0);
    assert_string_equal(s2.assignment, "null"); /* it was given nothing */
    assert_int_equal(early.error, 0);
    assert_string_equal(groups_state(&g), "Stable 2 m1,m2");
    groups_move(&g);
    ask_sync(&g, &s1, as("m1", 2));
    assert_string_equal(s1.assignment, "x");
}

/* It could not be written: all hear why, nothing is assigned, the next rebalance begins. */
static void test_sync_is_not_written(void **state) {
    (void)state;
    const int16_t errors[][2] = {{KAFKA_COORDINATOR_NOT_AVAILABLE, KAFKA_COORDINATOR_NOT_AVAILABLE},
                                 {KAFKA_RECORD_LIST_TOO_LARGE, KAFKA_UNKNOWN_SERVER_ERROR}};
    for (int i = 0; i < 2; i++) {
        group_is(WHEN_COMPLETING, false);
        ask_sync(&g, &s2, as("m2", 2));
        fake_log_refuse(&g.log, errors[i][0]);
        ask_sync(&g, &s1, (struct asks){.member = "m1", .generation = 2, .assign = "m1=x,m2=y"});
        groups_commit(&g);
        assert_int_equal(s1.error, errors[i][1]);
        assert_int_equal(s2.error, errors[i][1]);
        assert_string_equal(groups_state(&g), "PreparingRebalance 2 m1,m2");
        ask_join(&g, &m1, as("m1", 0));
        ask_join(&g, &m2, as("m2", 0));
        assert_int_equal(m2.generation, 3);
        ask_sync(&g, &s1, (struct asks){.member = "m1", .generation = 3, .assign = "m1=z"});
        groups_commit(&g);
        assert_string_equal(groups_state(&g), "Stable 3 m1,m2");
    }
}

/* What no batch has room for is refused before anything is made of it. */
static void test_sync_too_large(void **state) {
    (void)state;
    group_is(WHEN_COMPLETING, false);
    g.settings.message_max_bytes = 5;
    ask_sync(&g, &s2, as("m2", 2));
    size_t written = g.log.waiting_count;
    ask_sync(&g, &s1, (struct asks){.member = "m1", .generation = 2, .assign = "m1=xxx,m2=yyy"});
    assert_int_equal(g.log.waiting_count, written);
    assert_int_equal(s1.error, KAFKA_UNKNOWN_SERVER_ERROR);
    assert_int_equal(s2.error, KAFKA_UNKNOWN_SERVER_ERROR);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m1,m2");
}

/* A rebalance that begins while Syncs wait ends them. */
static void test_sync_rebalance(void **state) {
    (void)state;
    group_is(WHEN_COMPLETING, false);
    ask_sync(&g, &s2, as("m2", 2));
    ask_join(&g, &m1, (struct asks){.member = "m1", .meta = "u"});
    assert_int_equal(s2.error, KAFKA_REBALANCE_IN_PROGRESS);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m1,m2");
}

/* Who does not send its Sync in time is removed (KIP-800's time): the leader, or a follower. */
static void test_sync_deadline(void **state) {
    (void)state;
    group_is(WHEN_COMPLETING, false);
    ask_sync(&g, &s2, as("m2", 2));
    for (int i = 0; i < 8; i++) {
        groups_pass(&g, 7000);
        assert_int_equal(ask_heartbeat(&g, as("m1", 2)), 0);
    }
    assert_int_equal(s2.error, NOT_DONE); /* and does not expire while it waits */
    groups_pass(&g, 4100);
    assert_int_equal(s2.error, KAFKA_REBALANCE_IN_PROGRESS);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m2");

    group_is(WHEN_COMPLETING, false);
    ask_sync(&g, &s1, (struct asks){.member = "m1", .generation = 2, .assign = "m1=x"});
    groups_commit(&g);
    for (int i = 0; i < 8; i++) {
        groups_pass(&g, 7000);
        ask_heartbeat(&g, as("m2", 2));
        ask_heartbeat(&g, as("m1", 2));
    }
    assert_string_equal(groups_state(&g), "Stable 2 m1,m2");
    groups_pass(&g, 4100);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m1");
}

/* ---- Heartbeat and sessions ---- */

static void test_heartbeat_by_state(void **state) {
    (void)state;
    int generation = group_is(WHEN_PREPARING, false);
    assert_int_equal(ask_heartbeat(&g, as("m2", generation)), KAFKA_REBALANCE_IN_PROGRESS);
    generation = group_is(WHEN_COMPLETING, false);
    assert_int_equal(ask_heartbeat(&g, as("m2", generation)), 0);
    generation = group_is(WHEN_STABLE, false);
    assert_int_equal(ask_heartbeat(&g, as("m2", generation)), 0);
}

/* The session is over: removed, in every state; who renews it stays. */
static void test_session_ends(void **state) {
    (void)state;
    group_is(WHEN_STABLE, false);
    groups_pass(&g, 9000);
    ask_heartbeat(&g, as("m1", 1));
    groups_pass(&g, 1100);
    assert_string_equal(groups_state(&g), "PreparingRebalance 1 m1");
    ask_join(&g, &m1, as("m1", 0));
    assert_int_equal(m1.error, 0);
    assert_int_equal(m1.generation, 2);

    group_is(WHEN_COMPLETING, false);
    ask_sync(&g, &s2, as("m2", 2));
    groups_pass(&g, 10100); /* the leader is silent */
    assert_int_equal(s2.error, KAFKA_REBALANCE_IN_PROGRESS);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m2");

    group_is(WHEN_PREPARING, false); /* without m2 all are here */
    groups_pass(&g, 10100);
    assert_int_equal(m1.error, 0);
    assert_string_equal(groups_state(&g), "CompletingRebalance 2 m1");
}

/* While a decision is in doubt nobody is heard, so nobody is late: neither with heartbeats nor with
 * the Join that a rebalance waits for. Afterwards a session is one again. */
static void test_session_in_doubt(void **state) {
    (void)state;
    group_is(WHEN_STABLE, false);
    ask_join(&g, &m1, (struct asks){.member = "m1", .meta = "u"});
    ask_join(&g, &m2, (struct asks){.member = "m2", .meta = "u"});
    assert_int_equal(m1.generation, 2);
    ask_sync(&g, &m1, (struct asks){.member = "m1", .generation = 2, .assign = "m1=a,m2=b"});
    fake_log_late(&g.log);
    groups_pass(&g, 70000); /* the session is 10 s, the rebalance timeout 60 s */
    assert_int_equal(m1.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 2}),
                     KAFKA_COORDINATOR_NOT_AVAILABLE);
    groups_commit(&g);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m1,m2");
    groups_pass(&g, 9900);
    assert_int_equal(ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 2}),
                     KAFKA_REBALANCE_IN_PROGRESS);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m1,m2");
    groups_pass(&g, 200);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m2");
}

/* All are silent: Empty, one generation later, in the record. */
static void test_session_ends_of_all(void **state) {
    (void)state;
    group_is(WHEN_STABLE, false);
    groups_pass(&g, 10100);
    assert_string_equal(groups_state(&g), "PreparingRebalance 1");
    groups_commit(&g);
    assert_string_equal(groups_state(&g), "Empty 2");
    assert_true(classic_empty_since_ms(groups_find(&g, "g")) > 0);
    groups_move(&g);
    assert_string_equal(groups_state(&g), "Empty 2");
    ask_join(&g, &m1, (struct asks){.version = 3});
    groups_pass(&g, 3100);
    assert_int_equal(m1.generation, 3);
}

/* The record of the empty group fails, and may commit all the same: it is tried again, and who
 * comes meanwhile joins, in a later generation. */
static void test_empty_is_not_written(void **state) {
    (void)state;
    group_is(WHEN_STABLE, false);
    fake_log_refuse(&g.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_leave(&g, &leave, "g", "m1,m2");
    groups_commit(&g);
    assert_int_equal(leave.error, 0);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2");
    groups_pass(&g, 1100);
    groups_commit(&g);
    assert_string_equal(groups_state(&g), "Empty 3");

    group_is(WHEN_STABLE, false);
    fake_log_refuse(&g.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_leave(&g, &leave, "g", "m1,m2");
    groups_commit(&g);
    ask_join(&g, &m1, (struct asks){.version = 3});
    assert_int_equal(m1.error, 0);
    assert_int_equal(m1.generation, 3);
}

/* ---- LeaveGroup ---- */

/* Each has its error, all go at once, with one rebalance. */
static void test_leave(void **state) {
    (void)state;
    ask_leave(&g, &leave, "g", "m1,m2");
    assert_int_equal(leave.error, 0);
    assert_int_equal(leave.leavers[1].error, KAFKA_UNKNOWN_MEMBER_ID);
    ask_leave(&g, &leave, "", "m1");
    assert_int_equal(leave.error, KAFKA_INVALID_GROUP_ID);
    for (enum when when = 0; when < WHENS; when++) {
        group_is(when, false);
        ask_leave(&g, &leave, "g", "m9,m2");
        assert_int_equal(leave.error, 0);
        assert_int_equal(leave.leavers[0].error, KAFKA_UNKNOWN_MEMBER_ID);
        assert_int_equal(leave.leavers[1].error, 0);
        assert_string_equal(groups_state(&g), when == WHEN_PREPARING ? "CompletingRebalance 2 m1"
                                              : when == WHEN_COMPLETING
                                                  ? "PreparingRebalance 2 m1"
                                                  : "PreparingRebalance 1 m1");
    }
}

/* A Join that waits hears of it; the leader's going names another. */
static void test_leave_parked(void **state) {
    (void)state;
    group_is(WHEN_PREPARING, false);
    ask_leave(&g, &leave, "g", "m1");
    assert_int_equal(m1.error, KAFKA_UNKNOWN_MEMBER_ID);
    ask_join(&g, &m2, as("m2", 0));
    assert_int_equal(m2.error, 0);
    assert_string_equal(m2.leader, "m2");
}

/* KIP-571: by the instance alone; and the last ones, answered when the empty group has committed.
 */
static void test_leave_by_instance(void **state) {
    (void)state;
    group_is(WHEN_STABLE, true);
    ask_leave(&g, &leave, "g", "/i2,/i9");
    assert_int_equal(leave.leavers[0].error, 0);
    assert_int_equal(leave.leavers[1].error, KAFKA_UNKNOWN_MEMBER_ID);
    ask_leave(&g, &leave, "g", "m2/i1,m1/i1");
    assert_int_equal(leave.error, NOT_DONE);
    assert_string_equal(groups_state(&g), "PreparingRebalance 1");
    groups_commit(&g);
    assert_int_equal(leave.error, 0);
    assert_int_equal(leave.leavers[0].error, KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(leave.leavers[1].error, 0);
    assert_string_equal(groups_state(&g), "Empty 2");
}

/* ---- Commits of offsets ---- */

static void test_commit_by_state(void **state) {
    (void)state;
    struct asks nobody = {.generation = -1};
    int generation = group_is(WHEN_PREPARING, false);
    assert_int_equal(ask_commit_check(&g, as("m2", generation)), 0);
    assert_int_equal(ask_commit_check(&g, nobody), KAFKA_UNKNOWN_MEMBER_ID);
    generation = group_is(WHEN_COMPLETING, false);
    assert_int_equal(ask_commit_check(&g, as("m2", generation)), KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(ask_commit_check(&g, nobody), KAFKA_UNKNOWN_MEMBER_ID);
    generation = group_is(WHEN_STABLE, false);
    groups_pass(&g, 9000);
    assert_int_equal(ask_commit_check(&g, as("m2", generation)), 0);
    assert_int_equal(ask_commit_check(&g, as("m2", -1)), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(ask_commit_check(&g, nobody), KAFKA_UNKNOWN_MEMBER_ID);
    groups_pass(&g, 1100); /* m2 is alive by its commit, m1 is not */
    assert_string_equal(groups_state(&g), "PreparingRebalance 1 m2");
    ask_leave(&g, &leave, "g", "m2");
    groups_commit(&g);
    assert_int_equal(ask_commit_check(&g, nobody), 0);
    assert_int_equal(ask_commit_check(&g, as("m2", -1)), 0); /* whatever the member is */
    assert_int_equal(ask_commit_check(&g, as("m2", 1)), KAFKA_UNKNOWN_MEMBER_ID);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_calls_validate),
        TEST(test_sync_by_state),
        TEST(test_sync_is_shown_when_committed),
        TEST(test_sync_too_large),
        TEST(test_sync_is_not_written),
        TEST(test_sync_rebalance),
        TEST(test_sync_deadline),
        TEST(test_heartbeat_by_state),
        TEST(test_session_ends),
        TEST(test_session_in_doubt),
        TEST(test_session_ends_of_all),
        TEST(test_empty_is_not_written),
        TEST(test_leave),
        TEST(test_leave_parked),
        TEST(test_leave_by_instance),
        TEST(test_commit_by_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
