/* JoinGroup: each row of the table, in each state of the group. */
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

enum when { WHEN_EMPTY, WHEN_PREPARING, WHEN_COMPLETING, WHEN_STABLE, WHENS };

static struct asked m1, m2, parked;

/* Group g with the members m1 (the leader) and m2, in that state; in Preparing m1 has joined, m2
 * has not. */
static void group_is(enum when when) {
    groups_close(&g);
    groups_open(&g);
    if (when == WHEN_EMPTY) return;
    groups_stable(&g, 2, false);
    if (when == WHEN_STABLE) return;
    ask_join(&g, &m1, (struct asks){.member = "m1"});
    if (when == WHEN_COMPLETING) ask_join(&g, &m2, (struct asks){.member = "m2"});
    assert_string_equal(groups_state(&g), when == WHEN_PREPARING ? "PreparingRebalance 1 m1,m2"
                                                                 : "CompletingRebalance 2 m1,m2");
}

/* ---- Checks before the state ---- */

static void test_join_checks_without_group(void **state) {
    (void)state;
    static struct asked asked;
    ask_join(&g, &asked, (struct asks){.group = ""});
    assert_int_equal(asked.error, KAFKA_INVALID_GROUP_ID);
    ask_join(&g, &asked, (struct asks){.session_ms = 5999});
    assert_int_equal(asked.error, KAFKA_INVALID_SESSION_TIMEOUT);
    ask_join(&g, &asked, (struct asks){.session_ms = 1800001});
    assert_int_equal(asked.error, KAFKA_INVALID_SESSION_TIMEOUT);
    ask_join(&g, &asked, (struct asks){.member = "m9"});
    assert_int_equal(asked.error, KAFKA_UNKNOWN_MEMBER_ID);
    assert_string_equal(asked.member, "m9");
    assert_int_equal(group_count(g.table), 0);
}

/* What does not fit into a record is refused before it is kept. */
static void test_join_too_long(void **state) {
    (void)state;
    static char text[40000];
    static struct asked asked;
    memset(text, 'x', sizeof text - 1);
    ask_join(&g, &asked, (struct asks){.group = text});
    assert_int_equal(asked.error, KAFKA_INVALID_GROUP_ID);
    ask_join(&g, &asked, (struct asks){.instance = text});
    assert_int_equal(asked.error, KAFKA_INVALID_REQUEST);
    ask_join(&g, &asked, (struct asks){.type = text});
    assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    text[32767] = '\0';
    ask_join(&g, &asked, (struct asks){.client = text, .version = 3});
    assert_int_equal(asked.error, NOT_DONE);
    groups_pass(&g, 3001);
    assert_int_equal(asked.error, 0);
    assert_int_equal(group_count(g.table), 1);
}

/* Ids that are in every record have a limit of their own; what is there already goes on. */
static void test_join_long_ids(void **state) {
    (void)state;
    static char text[1026];
    static struct asked asked, other, third;
    memset(text, 'x', sizeof text - 1);
    ask_join(&g, &asked, (struct asks){.group = text, .version = 3});
    assert_int_equal(asked.error, KAFKA_INVALID_GROUP_ID);
    ask_join(&g, &asked, (struct asks){.instance = text});
    assert_int_equal(asked.error, KAFKA_INVALID_REQUEST);
    text[1024] = '\0';
    ask_join(&g, &asked, (struct asks){.group = text, .version = 3});
    assert_int_equal(asked.error, NOT_DONE);
    g.settings.group_id_max_bytes = 64;
    ask_join(&g, &other, (struct asks){.group = text, .version = 3});
    assert_int_equal(other.error, NOT_DONE);
    ask_join(&g, &third, (struct asks){.client = text, .version = 3});
    groups_pass(&g, 3001);
    assert_int_equal(strlen(third.member), 64); /* cut */
    assert_int_equal(asked.error, 0);
    assert_int_equal(other.error, 0);
}

/* ---- Rows ---- */

/* The protocols must fit: in an empty group there must be some, else the type must be the same and
 * one name be everybody's. */
static void test_join_protocols(void **state) {
    (void)state;
    static struct asked asked;
    for (enum when when = 0; when < WHENS; when++) {
        group_is(when);
        ask_join(&g, &asked, (struct asks){.type = ""});
        assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
        ask_join(&g, &asked, (struct asks){.protocols = ","});
        assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
        if (when == WHEN_EMPTY) continue;
        ask_join(&g, &asked, (struct asks){.type = "connect"});
        assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
        ask_join(&g, &asked, (struct asks){.protocols = "roundrobin"});
        assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
        ask_join(&g, &asked, (struct asks){.member = "m2", .protocols = "roundrobin"});
        assert_int_equal(asked.error, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
        assert_string_equal(asked.member, "m2");
    }
}

/* KIP-394: an id first, which is pending, in every state. */
static void test_join_id_first(void **state) {
    (void)state;
    static struct asked asked;
    for (enum when when = 0; when < WHENS; when++) {
        group_is(when);
        ask_join(&g, &asked, (struct asks){.version = 4});
        assert_int_equal(asked.error, KAFKA_MEMBER_ID_REQUIRED);
        assert_int_equal(strncmp(asked.member, "c-", 2), 0);
        assert_int_equal(strlen(asked.member), 2 + 36);
        char id[CALL_TEXT];
        snprintf(id, sizeof id, "%s", asked.member);
        ask_join(&g, &parked, (struct asks){.member = id, .instance = "i"});
        assert_int_equal(parked.error, KAFKA_UNKNOWN_MEMBER_ID);
        ask_join(&g, &parked, (struct asks){.member = id});
        assert_int_equal(parked.error, NOT_DONE);
        assert_true(parked.kept);
        group_call_cancel(&parked.call);
    }
}

/* Before v4, and static ones: members at once. */
static void test_join_at_once(void **state) {
    (void)state;
    for (enum when when = 0; when < WHENS; when++) {
        group_is(when);
        ask_join(&g, &parked, (struct asks){.version = 3});
        assert_int_equal(parked.error, NOT_DONE);
        group_call_cancel(&parked.call);
        group_is(when);
        ask_join(&g, &parked, (struct asks){.instance = "new"});
        assert_int_equal(parked.error, NOT_DONE);
        group_call_cancel(&parked.call);
    }
}

/* A known id, by the state; the leader and a follower. */
static void test_join_known(void **state) {
    (void)state;
    static struct asked asked;
    for (enum when when = WHEN_PREPARING; when < WHENS; when++) {
        group_is(when);
        ask_join(&g, &asked, (struct asks){.member = "m3"});
        assert_int_equal(asked.error, KAFKA_UNKNOWN_MEMBER_ID);
        ask_join(&g, &asked, (struct asks){.member = "m2", .instance = "i2"});
        assert_int_equal(asked.error, KAFKA_UNKNOWN_MEMBER_ID);
    }
    group_is(WHEN_PREPARING); /* the last one: all are here */
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    assert_int_equal(m1.error, 0);
    assert_int_equal(m2.error, 0);
    assert_int_equal(m2.generation, 2);
    assert_string_equal(m1.members, "m1=range:t,m2=range:t");
    assert_string_equal(m2.members, "");
    assert_string_equal(m2.leader, "m1");
    assert_string_equal(m2.protocol, "range");
    assert_string_equal(m2.type, "consumer");

    group_is(WHEN_COMPLETING); /* its answer was lost */
    ask_join(&g, &asked, (struct asks){.member = "m2"});
    assert_int_equal(asked.error, 0);
    assert_int_equal(asked.generation, 2);
    assert_string_equal(asked.members, "");
    ask_join(&g, &asked, (struct asks){.member = "m1"});
    assert_int_equal(asked.generation, 2);
    assert_string_equal(asked.members, "m1=range:t,m2=range:t");
    ask_join(&g, &asked, (struct asks){.member = "m2", .meta = "u"}); /* it wants something else */
    assert_int_equal(asked.error, NOT_DONE);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m1,m2");
    group_call_cancel(&asked.call);

    group_is(WHEN_STABLE);
    ask_join(&g, &asked, (struct asks){.member = "m2"}); /* a follower, as before */
    assert_int_equal(asked.error, 0);
    assert_int_equal(asked.generation, 1);
    assert_string_equal(asked.leader, "m1");
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");
    ask_join(&g, &asked, (struct asks){.member = "m2", .meta = "u"});
    assert_int_equal(asked.error, NOT_DONE);
    group_call_cancel(&asked.call);

    group_is(WHEN_STABLE); /* the leader: it wants a rebalance */
    ask_join(&g, &asked, (struct asks){.member = "m1"});
    assert_int_equal(asked.error, NOT_DONE);
    assert_string_equal(groups_state(&g), "PreparingRebalance 1 m1,m2");
    group_call_cancel(&asked.call);
}

/* A second Join of one member takes the place of the first. */
static void test_join_twice(void **state) {
    (void)state;
    static struct asked again;
    group_is(WHEN_PREPARING);
    ask_join(&g, &again, (struct asks){.member = "m1"});
    assert_int_equal(m1.error, KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(again.error, NOT_DONE);
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    assert_int_equal(again.error, 0);
}

/* group.max.size: in Preparing those count who have joined, and a member that comes too late goes.
 */
static void test_join_full(void **state) {
    (void)state;
    static struct asked asked;
    g.settings.group_max_size = 2;
    groups_stable(&g, 2, true);
    ask_join(&g, &asked, (struct asks){.version = 3});
    assert_int_equal(asked.error, KAFKA_GROUP_MAX_SIZE_REACHED);
    assert_string_equal(asked.member, "");
    ask_join(&g, &m2, (struct asks){.member = "m2", .instance = "i2"});
    assert_int_equal(m2.error, 0);
    ask_join(&g, &m1, (struct asks){.member = "m1", .instance = "i1"});
    ask_join(&g, &asked, (struct asks){.instance = "i1"}); /* the same member */
    assert_int_equal(m1.error, KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(asked.error, NOT_DONE);
    ask_join(&g, &parked, (struct asks){.version = 3});
    assert_int_equal(parked.error, NOT_DONE);
    ask_join(&g, &m2, (struct asks){.member = "m2", .instance = "i2"});
    assert_int_equal(m2.error, KAFKA_GROUP_MAX_SIZE_REACHED);
    assert_string_equal(m2.member, "");
    assert_int_equal(asked.error, 0); /* without it all are here */
    assert_int_equal(parked.error, 0);
}

/* Members that say too much, all together, are refused like those beyond the limit. */
static void test_join_too_much(void **state) {
    (void)state;
    static struct asked asked;
    g.settings.group_max_bytes = 1400;
    groups_stable(&g, 2, false);
    for (int i = 0; i < 3; i++)
        ask_join(&g, &asked, (struct asks){.version = 3});
    assert_int_equal(asked.error, KAFKA_GROUP_MAX_SIZE_REACHED);
    groups_move(&g);
    g.memory.budget.limit = 1;
    groups_state(&g);
    ask_join(&g, &m1, (struct asks){.member = "m1"});
    assert_int_equal(m1.error, NOT_DONE); /* whoever is a member may go on */
    ask_join(&g, &asked, (struct asks){.group = "h", .instance = "i"});
    assert_int_equal(asked.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_join(&g, &asked, (struct asks){.version = 3});
    assert_int_equal(asked.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
}

/* ---- The rebalance ---- */

/* The first members of a group: the delay behind the last of them, at most the rebalance timeout in
 * all. */
static void test_join_initial_delay(void **state) {
    (void)state;
    static struct asked a, b, c;
    ask_join(&g, &a, (struct asks){.version = 3});
    assert_int_equal(a.error, NOT_DONE);
    groups_pass(&g, 2999);
    assert_int_equal(a.error, NOT_DONE);
    ask_join(&g, &b, (struct asks){.version = 3});
    groups_pass(&g, 2999);
    assert_int_equal(a.error, NOT_DONE);
    groups_pass(&g, 2);
    assert_int_equal(a.error, 0);
    assert_int_equal(b.error, 0);
    assert_int_equal(a.generation, 1);
    assert_string_equal(b.leader, a.member);
    assert_int_equal(a.member_count, 2);

    struct asks asks = {.group = "h", .version = 3, .rebalance_ms = 7000};
    ask_join(&g, &a, asks);
    groups_pass(&g, 2001);
    ask_join(&g, &b, asks);
    groups_pass(&g, 2999);
    ask_join(&g, &c, asks);
    groups_pass(&g, 1999);
    assert_int_equal(a.error, NOT_DONE);
    groups_pass(&g, 2); /* 7 s in all, though c came two before */
    assert_int_equal(a.error, 0);
    assert_int_equal(c.error, 0);

    asks.group = "i"; /* all within a moment: not a second delay behind the first */
    ask_join(&g, &a, asks);
    groups_pass(&g, 100);
    ask_join(&g, &b, asks);
    groups_pass(&g, 2990);
    assert_int_equal(a.error, NOT_DONE);
    groups_pass(&g, 20);
    assert_int_equal(a.error, 0);
    assert_int_equal(b.error, 0);
}

/* Who does not join in time goes; static members stay until their session ends. */
static void test_join_rebalance_timeout(void **state) {
    (void)state;
    group_is(WHEN_STABLE);
    ask_join(&g, &m1, (struct asks){.member = "m1", .rebalance_ms = 8000, .session_ms = 30000});
    for (int i = 0; i < 7; i++) {
        groups_pass(&g, 8000);
        assert_int_equal(ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 1}),
                         KAFKA_REBALANCE_IN_PROGRESS);
    }
    assert_int_equal(m1.error, NOT_DONE); /* the timeout is the longest of all: 60 s, of m2 */
    groups_pass(&g, 4001);
    assert_int_equal(m1.error, 0);
    assert_string_equal(groups_state(&g), "CompletingRebalance 2 m1");
    assert_int_equal(ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 1}),
                     KAFKA_UNKNOWN_MEMBER_ID);

    groups_close(&g);
    groups_open(&g);
    groups_stable(&g, 2, true);
    ask_join(&g, &m2, (struct asks){.member = "m2", .instance = "i2", .meta = "u"});
    for (int i = 0; i < 60; i += 6) {
        groups_pass(&g, 6001);
        ask_heartbeat(&g, (struct asks){.member = "m1", .generation = 1});
    }
    assert_int_equal(m2.error, 0); /* and leads, for m1 has not joined */
    assert_string_equal(m2.leader, "m2");
    assert_string_equal(groups_state(&g), "CompletingRebalance 2 m1,m2");
    groups_pass(&g, 5000);
    ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 2});
    groups_pass(&g, 5100);
    assert_string_equal(groups_state(&g), "PreparingRebalance 2 m2");
}

/* Nobody joins, but static members are left: it waits for another timeout, until they expire. */
static void test_join_only_static_left(void **state) {
    (void)state;
    static struct asked gone;
    groups_stable(&g, 1, true);
    ask_join(&g, &m1,
             (struct asks){
                 .member = "m1", .instance = "i1", .session_ms = 300000, .rebalance_ms = 20000});
    assert_int_equal(m1.error, 0); /* alone: at once */
    ask_leave(&g, &gone, "g", "x");
    groups_pass(&g, 20001); /* no Sync: it goes */
    groups_commit(&g);
    assert_string_equal(groups_state(&g), "Empty 3");
}

/* The protocol that most like best, of those that all have; ties as the leader likes. */
static void test_join_votes(void **state) {
    (void)state;
    static struct asked a, b, c;
    ask_join(&g, &a, (struct asks){.version = 3, .protocols = "x,y,z"});
    ask_join(&g, &b, (struct asks){.version = 3, .protocols = "z,y"});
    groups_pass(&g, 10000);
    assert_string_equal(a.protocol, "y"); /* one vote each for y and z */
    char first[CALL_TEXT], second[CALL_TEXT];
    snprintf(first, sizeof first, "%s", a.member);
    snprintf(second, sizeof second, "%s", b.member);
    ask_join(&g, &c, (struct asks){.version = 3, .protocols = "z,y,x"});
    ask_join(&g, &a, (struct asks){.member = first, .protocols = "x,y,z"});
    ask_join(&g, &b, (struct asks){.member = second, .protocols = "z,y"});
    assert_int_equal(c.error, 0);
    assert_string_equal(c.protocol, "z");
    assert_int_equal(c.generation, 2);
}

/* v0 has no rebalance timeout, and others may say -1: then it is the session's (KAFKA-7072). */
static void test_join_without_rebalance_timeout(void **state) {
    (void)state;
    static struct asked a, b;
    struct asks asks = {.version = 3, .rebalance_ms = -1};
    ask_join(&g, &a, asks);
    groups_pass(&g, 3001);
    assert_int_equal(a.error, 0);
    ask_sync(&g, &m1, (struct asks){.member = a.member, .generation = 1});
    groups_commit(&g);
    ask_join(&g, &b, asks);
    groups_pass(&g, 9000);
    assert_int_equal(ask_heartbeat(&g, (struct asks){.member = a.member, .generation = 1}),
                     KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(b.error, NOT_DONE);
    groups_pass(&g, 1001);
    assert_int_equal(b.error, 0);
}

/* ---- Ids that were told ---- */

/* One that is not used goes after a session timeout, and Preparing is complete then. */
static void test_join_pending_expires(void **state) {
    (void)state;
    static struct asked pending;
    group_is(WHEN_PREPARING);
    ask_join(&g, &pending, (struct asks){.version = 4});
    assert_int_equal(pending.error, KAFKA_MEMBER_ID_REQUIRED);
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    assert_int_equal(m2.error, NOT_DONE);
    groups_pass(&g, 9999);
    assert_int_equal(m2.error, NOT_DONE);
    groups_pass(&g, 2);
    assert_int_equal(m1.error, 0);
    assert_int_equal(m2.error, 0);
}

/* One that leaves, or whose connection closes, or asks for another: the same. */
static void test_join_pending_goes(void **state) {
    (void)state;
    static struct asked pending, other, leave;
    int connection;
    group_is(WHEN_PREPARING);
    ask_join(&g, &pending, (struct asks){.version = 4});
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    ask_leave(&g, &leave, "g", pending.member);
    assert_int_equal(leave.error, 0);
    assert_int_equal(leave.leavers[0].error, 0);
    assert_int_equal(m2.error, 0);

    group_is(WHEN_PREPARING);
    ask_join(&g, &pending, (struct asks){.version = 4, .asker = &connection});
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    classic_forget_asker(g.table, &connection);
    groups_pass(&g, 1);
    assert_int_equal(m2.error, 0);

    group_is(WHEN_PREPARING); /* librdkafka 5569: it asks twice and drops the first */
    ask_join(&g, &pending, (struct asks){.version = 4, .asker = &connection});
    ask_join(&g, &other, (struct asks){.version = 4, .asker = &connection});
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    ask_join(&g, &parked, (struct asks){.member = other.member});
    assert_int_equal(m2.error, 0);
    assert_int_equal(parked.error, 0);
}

/* A connection may have ids in several groups; each goes alone or with it. */
static void test_join_pending_of_one_connection(void **state) {
    (void)state;
    static struct asked a, b, c, leave;
    int connection, other;
    ask_join(&g, &a, (struct asks){.group = "a", .asker = &connection});
    ask_join(&g, &b, (struct asks){.group = "b", .asker = &connection});
    ask_join(&g, &c, (struct asks){.group = "c", .asker = &connection});
    ask_join(&g, &c, (struct asks){.group = "c", .asker = &other});
    assert_int_equal(group_count(g.table), 3);
    ask_leave(&g, &leave, "b", b.member);
    assert_int_equal(leave.leavers[0].error, 0);
    classic_forget_asker(g.table, &connection);
    groups_pass(&g, 1);
    assert_int_equal(group_count(g.table), 1);
    classic_forget_asker(g.table, &connection); /* nothing any more */
    for (int i = 0; i < 101; i++) {
        char id[16];
        snprintf(id, sizeof id, "many%d", i);
        ask_join(&g, &a, (struct asks){.group = id, .asker = &connection});
        assert_int_equal(a.error,
                         i < 100 ? KAFKA_MEMBER_ID_REQUIRED : KAFKA_COORDINATOR_NOT_AVAILABLE);
    }
    ask_join(&g, &a, (struct asks){.group = "many100", .asker = &other});
    assert_int_equal(a.error, KAFKA_MEMBER_ID_REQUIRED);
    classic_forget_asker(g.table, &connection);
    classic_forget_asker(g.table, &other);
    groups_pass(&g, 1);
    assert_int_equal(group_count(g.table), 0);
}

/* Ids that were told, with nobody behind them, leave no group behind. */
static void test_join_pending_alone(void **state) {
    (void)state;
    static struct asked pending;
    ask_join(&g, &pending, (struct asks){.version = 4});
    assert_int_equal(group_count(g.table), 1);
    groups_pass(&g, 10001);
    assert_int_equal(group_count(g.table), 0);
    for (int i = 0; i < 150; i++)
        ask_join(&g, &pending, (struct asks){.version = 4});
    assert_int_equal(pending.error, KAFKA_GROUP_MAX_SIZE_REACHED);
}

/* ---- Clients that go ---- */

/* Its Join is forgotten, the member stays until its session ends, and holds up the others so long.
 */
static void test_join_client_gone(void **state) {
    (void)state;
    group_is(WHEN_PREPARING);
    assert_true(group_call_cancel(&m1.call));
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    assert_int_equal(m2.error, NOT_DONE);
    groups_pass(&g, 9990);
    assert_int_equal(m2.error, NOT_DONE);
    groups_pass(&g, 20);
    assert_int_equal(m2.error, 0);
    assert_string_equal(m2.leader, "m2");
}

/* Before v4 a client that repeats its first Join becomes another member each time: five minutes are
 * the most that one without an answer stays (KAFKA-5962). */
static void test_join_nameless_expire(void **state) {
    (void)state;
    static struct asked nameless;
    struct asks patient = {.member = "m1", .rebalance_ms = 3600000, .session_ms = 1800000};
    group_is(WHEN_STABLE);
    ask_join(&g, &m1, patient);
    ask_join(&g, &nameless, (struct asks){.version = 3, .rebalance_ms = 3600000});
    for (int s = 0; s < 295; s += 5) {
        groups_pass(&g, 5000);
        ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 1});
    }
    assert_int_equal(nameless.error, NOT_DONE);
    groups_pass(&g, 5001);
    assert_int_equal(nameless.error, KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(m1.error, NOT_DONE); /* it knows its id, and never expires while it waits */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_join_checks_without_group),
        TEST(test_join_too_long),
        TEST(test_join_long_ids),
        TEST(test_join_protocols),
        TEST(test_join_id_first),
        TEST(test_join_at_once),
        TEST(test_join_known),
        TEST(test_join_twice),
        TEST(test_join_full),
        TEST(test_join_too_much),
        TEST(test_join_initial_delay),
        TEST(test_join_rebalance_timeout),
        TEST(test_join_only_static_left),
        TEST(test_join_votes),
        TEST(test_join_without_rebalance_timeout),
        TEST(test_join_pending_expires),
        TEST(test_join_pending_goes),
        TEST(test_join_pending_of_one_connection),
        TEST(test_join_pending_alone),
        TEST(test_join_client_gone),
        TEST(test_join_nameless_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
