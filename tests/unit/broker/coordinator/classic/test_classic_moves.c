/* The coordinator moves; and a group of thousands. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
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

static struct asked m1, m2, m3, s1, s2, leave;

static struct asks as(const char *member, int generation) {
    return (struct asks){.member = member, .generation = generation};
}

/* ---- Moves ---- */

/* In Stable nobody notices: the same generation, assignments and leader, a full session. */
static void test_move_in_stable(void **state) {
    (void)state;
    groups_stable(&g, 2, false);
    groups_pass(&g, 9000);
    groups_move(&g);
    groups_pass(&g, 9000);
    assert_int_equal(ask_heartbeat(&g, as("m1", 1)), 0);
    assert_int_equal(ask_heartbeat(&g, as("m2", 1)), 0);
    assert_int_equal(ask_commit_check(&g, as("m2", 1)), 0);
    ask_sync(&g, &s2, as("m2", 1));
    assert_string_equal(s2.assignment, "a2");
    ask_join(&g, &m1, as("m1", 0));
    assert_int_equal(m1.error, NOT_DONE); /* it is the leader still */
    groups_move(&g);
    assert_int_equal(m1.error, KAFKA_NOT_COORDINATOR);
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");
}

/* Of groups that nobody asks for: their members expire all the same. */
static void test_move_and_silence(void **state) {
    (void)state;
    groups_stable(&g, 2, false);
    groups_move(&g);
    groups_pass(&g, 6100);
    groups_pass(&g, 4100);
    assert_int_equal(groups_commit(&g), 1);
    assert_string_equal(groups_state(&g), "Empty 2");
}

/* Whoever waits hears NOT_COORDINATOR; Preparing and Completing are forgotten: members of the
 * record join again with their ids, the others begin anew. */
static void test_move_in_rebalance(void **state) {
    (void)state;
    groups_stable(&g, 2, false);
    ask_join(&g, &m3, (struct asks){.version = 3});
    ask_join(&g, &m1, as("m1", 0));
    groups_move(&g);
    assert_int_equal(m1.error, KAFKA_NOT_COORDINATOR);
    assert_int_equal(m3.error, KAFKA_NOT_COORDINATOR);
    assert_string_equal(groups_state(&g), "Stable 1 m1,m2");

    ask_join(&g, &m3, (struct asks){.version = 3});
    ask_join(&g, &m1, as("m1", 0));
    ask_join(&g, &m2, as("m2", 0));
    assert_int_equal(m3.error, 0);
    assert_int_equal(m3.generation, 2);
    char third[CALL_TEXT];
    snprintf(third, sizeof third, "%s", m3.member);
    ask_sync(&g, &s2, as("m2", 2));
    groups_move(&g);
    assert_int_equal(s2.error, KAFKA_NOT_COORDINATOR);
    assert_int_equal(ask_heartbeat(&g, as("m1", 2)), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(ask_heartbeat(&g, as(third, 2)), KAFKA_UNKNOWN_MEMBER_ID);
    ask_sync(&g, &s1, as("m1", 2));
    assert_int_equal(s1.error, KAFKA_ILLEGAL_GENERATION);
    ask_join(&g, &m1, as("m1", 0));
    ask_join(&g, &m2, as("m2", 0));
    assert_int_equal(m2.error, 0);
    assert_int_equal(m2.generation, 2);
}

/* A write whose end the leader does not see: an error for whoever waits; it may have committed. */
static void test_move_while_written(void **state) {
    (void)state;
    for (int later = 0; later < 2; later++) {
        groups_stable(&g, 2, false);
        ask_join(&g, &m1, as("m1", 0));
        ask_join(&g, &m2, as("m2", 0));
        ask_sync(&g, &s2, as("m2", 2));
        ask_sync(&g, &s1, (struct asks){.member = "m1", .generation = 2, .assign = "m1=x,m2=y"});
        static struct asked late;
        ask_leave(&g, &late, "g", "m2"); /* waits behind it */
        fake_log_lose(&g.log, later);
        groups_turn(&g);
        assert_int_equal(s1.error, KAFKA_NOT_COORDINATOR);
        assert_int_equal(s2.error, KAFKA_NOT_COORDINATOR);
        assert_int_equal(late.error, KAFKA_NOT_COORDINATOR);
        fake_log_lead(&g.log);
        assert_string_equal(groups_state(&g), later ? "Stable 2 m1,m2" : "Stable 1 m1,m2");
        groups_compare(&g);
        if (!later) continue;
        ask_sync(&g, &s2, as("m2", 2));
        assert_string_equal(s2.assignment, "y");
    }
}

/* The empty group that nobody saw commit. */
static void test_move_while_emptied(void **state) {
    (void)state;
    groups_stable(&g, 1, false);
    ask_leave(&g, &leave, "g", "m1");
    fake_log_lose(&g.log, true);
    groups_turn(&g);
    assert_int_equal(leave.error, KAFKA_NOT_COORDINATOR);
    fake_log_lead(&g.log);
    assert_string_equal(groups_state(&g), "Empty 2");
}

/* Calls between two leads, and before the first. */
static void test_move_not_leading(void **state) {
    (void)state;
    groups_stable(&g, 1, false);
    fake_log_lose(&g.log, false);
    ask_join(&g, &m1, as("m1", 0));
    assert_int_equal(m1.error, KAFKA_NOT_COORDINATOR);
    assert_int_equal(ask_heartbeat(&g, as("m1", 1)), KAFKA_NOT_COORDINATOR);
    ask_leave(&g, &leave, "g", "m1");
    assert_int_equal(leave.error, KAFKA_NOT_COORDINATOR);
    fake_log_lead(&g.log);
    assert_int_equal(ask_heartbeat(&g, as("m1", 1)), 0);
}

/* ---- Many ---- */

enum { MANY = 10000 };

struct one {
    struct group_join join;
    struct group_sync sync;
    struct group_heartbeat beat;
    char id[64];
    int error;
};
static struct one *many;

static double now_ms(void) {
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void one_joined(struct group_call *call) {
    struct one *one = (struct one *)call;
    struct kp_string id = shared_string(one->join.member);
    one->error = call->error;
    snprintf(one->id, sizeof one->id, "%.*s", (int)id.len, id.data);
}

static void one_synced(struct group_call *call) {
    CONTAINER_OF(call, struct one, sync.call)->error = call->error;
}

static void one_beat(struct group_call *call) {
    CONTAINER_OF(call, struct one, beat.call)->error = call->error;
}

static void join_one(struct one *one) {
    static const struct group_protocol protocols[] = {{{"range", 5}, {(const uint8_t *)"t", 1}}};
    one->error = NOT_DONE;
    one->join = (struct group_join){.call.done = one_joined,
                                    .group_id = kp_string_of("g"),
                                    .member_id = kp_string_of(one->id),
                                    .instance_id = KP_NULL_STRING,
                                    .protocol_type = kp_string_of("consumer"),
                                    .client_id = kp_string_of("rdkafka"),
                                    .client_host = kp_string_of("/10.0.0.1"),
                                    .protocols = protocols,
                                    .protocol_count = 1,
                                    .session_timeout_ms = 45000,
                                    .rebalance_timeout_ms = 300000};
    group_coordinator_join(g.coordinator, &one->join);
}

static struct group_assignment *assign_all(void) {
    struct group_assignment *all = mem_alloc(MANY * sizeof *all);
    for (int i = 0; i < MANY; i++)
        all[i] = (struct group_assignment){.member_id = kp_string_of(many[i].id),
                                           .assignment = {(const uint8_t *)"assigned", 8}};
    return all;
}

static void sync_all(int32_t generation) {
    struct group_assignment *all = assign_all();
    for (int i = MANY - 1; i >= 0; i--) {
        struct one *one = &many[i];
        one->error = NOT_DONE;
        one->sync = (struct group_sync){.call.done = one_synced,
                                        .group_id = kp_string_of("g"),
                                        .member_id = kp_string_of(one->id),
                                        .instance_id = KP_NULL_STRING,
                                        .protocol_type = KP_NULL_STRING,
                                        .protocol = KP_NULL_STRING,
                                        .generation = generation,
                                        .assignments = all,
                                        .assignment_count = i == 0 ? MANY : 0};
        group_coordinator_sync(g.coordinator, &one->sync);
    }
    groups_commit(&g);
    mem_free(all);
}

static void all_have(int error) {
    for (int i = 0; i < MANY; i++)
        assert_int_equal(many[i].error, error);
}

static void beat_all(int32_t generation) {
    for (int i = 0; i < MANY; i++) {
        many[i].beat = (struct group_heartbeat){.call.done = one_beat,
                                                .group_id = kp_string_of("g"),
                                                .member_id = kp_string_of(many[i].id),
                                                .instance_id = KP_NULL_STRING,
                                                .generation = generation};
        group_coordinator_heartbeat(g.coordinator, &many[i].beat);
    }
    groups_turn(&g);
}

/* Ten thousand join, assign, beat, expire. Limits of time are three times and more what a quiet
 * machine takes. */
static void test_many_members(void **state) {
    (void)state;
    many = mem_zalloc(MANY * sizeof *many);
    g.settings.group_max_size = MANY;
    double began = now_ms();
    for (int i = 0; i < MANY; i++)
        join_one(&many[i]);
    double joined = now_ms();
    groups_pass(&g, 6500);
    all_have(0);
    assert_int_equal(many[0].join.member_count, MANY);
    double answered = now_ms();
    sync_all(1);
    all_have(0);
    double synced = now_ms();
    beat_all(1);
    all_have(0);
    double beat = now_ms();
    fake_log_lose(&g.log, false);
    double lost = now_ms();
    fake_log_lead(&g.log);
    assert_int_equal(ask_heartbeat(&g, as(many[7].id, 1)), 0);
    double led = now_ms();
    groups_pass(&g, 50000); /* all are silent */
    groups_commit(&g);
    assert_string_equal(groups_state(&g), "Empty 2");
    double expired = now_ms();
    print_message("10,000 members: join %.1f, answers %.1f, sync %.1f, heartbeats %.1f, lost %.1f, "
                  "led %.1f, expired %.1f ms\n",
                  joined - began, answered - joined, synced - answered, beat - synced, lost - beat,
                  led - lost, expired - led);
    assert_true(beat - synced < MANY * 0.030);
    mem_free(many);
}

/* A thousand groups of ten: to begin to lead costs next to nothing; the sessions of all members
 * that are silent end. */
static void test_many_groups(void **state) {
    (void)state;
    enum { GROUPS = 1000, MEMBERS = 10 };
    groups_many_stable(&g, GROUPS, MEMBERS);
    double began = now_ms();
    fake_log_lead(&g.log);
    double led = now_ms();
    assert_int_equal(
        ask_heartbeat(&g, (struct asks){.group = "g7", .member = "m3", .generation = 1}), 0);
    groups_pass(&g, 6100);
    double woken = now_ms();
    groups_pass(&g, 15000);
    assert_int_equal(groups_commit(&g), GROUPS);
    double expired = now_ms();
    print_message("1,000 groups of 10: led %.2f, read %.1f, expired %.1f ms\n", led - began,
                  woken - led, expired - woken);
    assert_true(led - began < 50);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_move_in_stable),     TEST(test_move_and_silence),   TEST(test_move_in_rebalance),
        TEST(test_move_while_written), TEST(test_move_while_emptied), TEST(test_move_not_leading),
        TEST(test_many_members),       TEST(test_many_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
