/* Groups of KIP-848: joins, revocation before assignment, fencing, static members, lost answers,
 * topics that come, grow and go, failover. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/consumer/consumer_reconcile.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

/* ---- Joining and leaving ---- */

/* The first member has everything with its first answer; the second gets a partition only after
 * the first has given it back. */
static void test_consumer_revoked_before_assigned(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 4);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    assert_int_equal(consumer_beat(&a), 0);
    assert_int_equal(a.epoch, 1);
    assert_int_equal(a.has_count, 4);
    assert_int_equal(a.interval_ms, 5000);
    assert_string_equal(consumer_world_state(&w), "Stable");

    assert_int_equal(consumer_beat(&b), 0);
    assert_int_equal(b.epoch, 2);
    assert_true(b.assigned);
    assert_int_equal(b.has_count, 0);
    assert_int_equal(b.interval_ms, 500); /* it waits */
    assert_string_equal(consumer_world_state(&w), "Reconciling");

    struct assigned_partition had[4];
    memcpy(had, a.has, sizeof had);
    consumer_beat(&a);
    assert_int_equal(a.epoch, 1); /* it goes on when it has given two back */
    assert_int_equal(a.has_count, 2);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 0);
    /* It says that it still owns all: nothing moves. */
    struct assigned_partition kept[2] = {a.has[0], a.has[1]};
    memcpy(a.has, had, sizeof had);
    a.has_count = 4;
    consumer_beat(&a);
    assert_int_equal(a.epoch, 1);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 0);
    memcpy(a.has, kept, sizeof kept);
    a.has_count = 2;
    consumer_beat(&a);
    assert_int_equal(a.epoch, 2);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 2);
    assert_string_equal(consumer_world_state(&w), "Stable");
    for (int32_t p = 0; p < 4; p++)
        assert_true(consumer_has(&a, "t", p) != consumer_has(&b, "t", p));
}

/* What a heartbeat that changes nothing writes is nothing, and it is answered at once. */
static void test_consumer_quiet_heartbeats_write_nothing(void **state) {
    (void)state;
    struct consumer a;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_beat(&a);
    kafka_offset end = w.groups.log.end_offset;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(consumer_beat(&a), 0);
        assert_false(a.assigned);
    }
    assert_int_equal(w.groups.log.end_offset, end);
    assert_int_equal(consumer_beat_as(&a, a.epoch, true), 0);
    assert_true(a.assigned); /* a full request: all is said again */
    assert_int_equal(w.groups.log.end_offset, end);
}

/* Nothing is shown before it is committed, and the others wait behind it. */
static void test_consumer_answer_waits_for_commit(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    w.holds = true;
    consumer_beat(&a);
    consumer_beat(&b);
    group_clock_pass(&w.groups.clock, 10);
    assert_false(a.answered);
    assert_null(consumer_world_group(&w));
    assert_int_equal(w.groups.log.waiting_count, 1);
    fake_log_commit(&w.groups.log, 1);
    group_clock_turn(&w.groups.clock);
    assert_true(a.answered && !b.answered);
    w.holds = false;
    consumer_world_commit(&w);
    assert_true(b.answered);
}

/* A write that fails is the answer, and leaves nothing behind. */
static void test_consumer_write_that_fails(void **state) {
    (void)state;
    struct consumer a;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    fake_log_refuse(&w.groups.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(consumer_beat(&a), KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_null(group_find(w.groups.table, kp_string_of("g")));
    assert_int_equal(consumer_beat(&a), 0);
    assert_int_equal(a.has_count, 2);
}

/* The last one to leave leaves an empty group that is not assigning for ever. */
static void test_consumer_leave(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_beat(&a);
    consumer_beat(&b);
    assert_int_equal(consumer_beat_as(&a, -1, false), 0);
    assert_int_equal(a.heartbeat.member_epoch, -1);
    assert_int_equal(consumer_beat_as(&a, -1, false), KAFKA_UNKNOWN_MEMBER_ID);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 2);
    consumer_beat_as(&b, -1, false);
    assert_string_equal(consumer_world_state(&w), "Empty");
    const struct consumer_group *group = consumer_world_group(&w);
    assert_int_equal(group->epoch, group->assignment_epoch);
    assert_null(group->topics);
    int32_t epoch = group->epoch;
    consumer_beat(&a);
    assert_int_equal(a.epoch, epoch + 1);
    assert_int_equal(a.has_count, 2);
}

/* ---- Requests that are wrong ---- */

static void test_consumer_wrong_requests(void **state) {
    (void)state;
    struct consumer a;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    assert_int_equal(consumer_beat_as(&a, 3, false), KAFKA_GROUP_ID_NOT_FOUND);
    assert_null(group_find(w.groups.table, kp_string_of("g")));
    assert_int_equal(consumer_beat_as(&a, -3, false), KAFKA_INVALID_REQUEST);
    assert_int_equal(consumer_beat_as(&a, -2, false), KAFKA_INVALID_REQUEST);
    a.instance = "";
    assert_int_equal(consumer_beat(&a), KAFKA_INVALID_REQUEST);
    a.instance = NULL;
    a.rebalance_timeout_ms = -1;
    assert_int_equal(consumer_beat(&a), KAFKA_INVALID_REQUEST);
    a.rebalance_timeout_ms = 1000;
    static char long_id[40000];
    memset(long_id, 'x', sizeof long_id - 1);
    a.instance = long_id; /* the key of a record could not hold it */
    assert_int_equal(consumer_beat(&a), KAFKA_INVALID_REQUEST);
    a.instance = NULL;
    a.assignor = "sticky";
    assert_int_equal(consumer_beat(&a), KAFKA_UNSUPPORTED_ASSIGNOR);
    assert_non_null(strstr(a.message, "uniform, range"));
    a.assignor = NULL;
    a.regex = "(a";
    assert_int_equal(consumer_beat(&a), KAFKA_INVALID_REGULAR_EXPRESSION);
    assert_null(group_find(w.groups.table, kp_string_of("g")));
    a.regex = NULL;
    assert_int_equal(consumer_beat(&a), 0);
    assert_int_equal(consumer_beat_as(&a, a.epoch + 1, false), KAFKA_FENCED_MEMBER_EPOCH);
    struct consumer b;
    consumer_init(&b, &w, "b", "t", NULL);
    assert_int_equal(consumer_beat_as(&b, 1, false), KAFKA_UNKNOWN_MEMBER_ID);
    w.groups.settings.group_consumer_max_size = 1;
    assert_int_equal(consumer_beat(&b), KAFKA_GROUP_MAX_SIZE_REACHED);
    /* Who is in it may come again. */
    assert_int_equal(consumer_beat_as(&a, 0, true), 0);
    w.groups.settings.group_consumer_max_size = 100;
    w.groups.memory.budget.limit = 1;
    assert_int_equal(consumer_beat(&b), KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(consumer_beat_as(&a, 0, true), 0);
    w.groups.memory.budget.limit = 256 << 20;
    assert_int_equal(consumer_beat(&b), 0);
}

/* An answer with a new epoch is lost: the member goes on with the epoch before, if it owns no more
 * than it was assigned; one that was fenced joins again with 0, whatever its epoch. */
static void test_consumer_lost_answers(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 4);
    consumer_world_topic(&w, "u", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_beat(&a);
    consumer_beat_in_vain(&a); /* it has given back, and does not hear that it is at epoch 2 */
    assert_int_equal(a.epoch, 1);
    assert_int_equal(consumer_beat(&a), 0);
    assert_int_equal(a.epoch, 2);
    consumer_beat_in_vain(&b);
    assert_int_equal(consumer_beat(&b), 0);
    assert_int_equal(b.has_count, 2);
    /* The same with partitions that it never had. */
    consumer_subscribe(&b, "t", "u", NULL);
    consumer_beat(&b);
    b.has[0].partition = 77;
    assert_int_equal(consumer_beat_as(&b, b.epoch - 1, false), KAFKA_FENCED_MEMBER_EPOCH);
    assert_int_equal(consumer_beat(&b), 0);
    assert_true(b.epoch > 0);
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_beat(&a);
    consumer_beat(&b);
    assert_int_equal(a.has_count + b.has_count, 6);
}

/* ---- Sessions ---- */

/* Who says nothing for a session is gone; a heartbeat just before renews it. */
static void test_consumer_session(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_world_pass(&w, 44000);
    consumer_beat(&a);
    assert_int_equal(consumer_world_group(&w)->member_count, 2);
    consumer_world_pass(&w, 1001);
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    assert_int_equal(consumer_beat_as(&b, b.epoch, false), KAFKA_UNKNOWN_MEMBER_ID);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 2);
    consumer_world_pass(&w, 45001);
    assert_string_equal(consumer_world_state(&w), "Empty");
}

/* Those whose sessions end together go in one decision, with the expression that they shared; when
 * it cannot be written they go a little later. */
static void test_consumer_sessions_end_together(void **state) {
    (void)state;
    static struct consumer members[5];
    char id[16];
    consumer_world_topic(&w, "t", 5);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "m%d", i);
        consumer_init(&members[i], &w, id, NULL);
        members[i].regex = "t.*";
        consumer_beat(&members[i]);
    }
    int32_t epoch = consumer_world_group(&w)->epoch;
    fake_log_refuse(&w.groups.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    consumer_world_pass(&w, 45001);
    assert_int_equal(consumer_world_group(&w)->member_count, 5);
    group_clock_pass(&w.groups.clock, 1001);
    assert_int_equal(w.groups.log.waiting_count, 1);
    consumer_world_commit(&w);
    assert_string_equal(consumer_world_state(&w), "Empty");
    assert_int_equal(consumer_world_group(&w)->epoch, epoch + 1);
    assert_null(consumer_world_group(&w)->regexes);
}

/* Who does not give back in its rebalance timeout is fenced, though its heartbeats come; the timer
 * is not prolonged by them. */
static void test_consumer_rebalance_timeout(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    a.rebalance_timeout_ms = 10000;
    consumer_beat(&a);
    consumer_beat(&b);
    struct assigned_partition had[2] = {a.has[0], a.has[1]};
    consumer_beat(&a);
    for (int i = 0; i < 3; i++) {
        memcpy(a.has, had, sizeof had);
        a.has_count = 2;
        consumer_world_pass(&w, 3000);
        assert_int_equal(consumer_beat(&a), 0);
    }
    consumer_beat(&b);
    consumer_world_pass(&w, 1001);
    memcpy(a.has, had, sizeof had);
    a.has_count = 2;
    assert_int_equal(consumer_beat(&a), KAFKA_UNKNOWN_MEMBER_ID);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 2);
}

/* A new coordinator knows everybody; sessions begin anew; no epoch grows because of it. */
static void test_consumer_failover(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 4);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_beat(&a);
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_world_pass(&w, 30000);
    consumer_world_fail_over(&w);
    kafka_offset end = w.groups.log.end_offset;
    consumer_world_pass(&w, 44000);
    assert_int_equal(consumer_beat(&a), 0);
    assert_int_equal(consumer_beat(&b), 0);
    assert_int_equal(w.groups.log.end_offset, end);
    assert_string_equal(consumer_world_state(&w), "Stable");
    /* What was not committed is not known: it ends with an error, and the member asks again. */
    w.holds = true;
    consumer_subscribe(&a, "t", "u", NULL);
    consumer_beat(&a);
    w.holds = false;
    consumer_world_fail_over(&w);
    assert_int_equal(a.error, KAFKA_NOT_COORDINATOR);
    assert_int_equal(consumer_beat(&a), 0);
    consumer_world_pass(&w, 45001);
    assert_string_equal(consumer_world_state(&w), "Empty");
}

/* ---- Static members ---- */

/* One that leaves for a while keeps its partitions; another id with its instance takes them over
 * without a rebalance; nobody does before. */
static void test_consumer_static_member(void **state) {
    (void)state;
    struct consumer a, b, c;
    consumer_world_topic(&w, "t", 4);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_init(&c, &w, "c", "t", NULL);
    a.instance = c.instance = "one";
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_beat(&a);
    consumer_beat(&a);
    consumer_beat(&b);
    struct assigned_partition had[2] = {a.has[0], a.has[1]};
    int32_t epoch = consumer_world_group(&w)->epoch;
    assert_int_equal(consumer_beat(&c), KAFKA_UNRELEASED_INSTANCE_ID);
    /* Its own answer was lost: it is no stranger. */
    assert_int_equal(consumer_beat_as(&a, 0, true), 0);
    assert_int_equal(a.has_count, 2);
    assert_int_equal(consumer_beat_as(&a, -2, false), 0);
    assert_int_equal(a.heartbeat.member_epoch, -2);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 2);
    assert_int_equal(consumer_beat(&c), 0);
    assert_int_equal(c.epoch, epoch);
    assert_int_equal(c.has_count, 2);
    assert_memory_equal(c.has, had, sizeof had);
    assert_int_equal(consumer_world_group(&w)->epoch, epoch);
    /* The old id: unreleased when it joins, fenced when it goes on. */
    assert_int_equal(consumer_beat_as(&a, 0, true), KAFKA_UNRELEASED_INSTANCE_ID);
    assert_int_equal(consumer_beat_as(&a, epoch, false), KAFKA_FENCED_INSTANCE_ID);
    /* Gone for longer than a session: gone. */
    consumer_beat_as(&c, -2, false);
    for (int i = 0; i < 2; i++) {
        consumer_world_pass(&w, 23000);
        consumer_beat(&b);
    }
    consumer_beat(&b);
    assert_int_equal(b.has_count, 4);
}

/* ---- Topics ---- */

/* Topics that are made, grown and deleted are new targets with the next heartbeat; compared by id.
 */
static void test_consumer_topics_change(void **state) {
    (void)state;
    struct consumer a;
    consumer_init(&a, &w, "a", "t", "u", NULL);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 0);
    assert_int_equal(a.epoch, 1);
    consumer_world_topic(&w, "t", 3);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 3);
    consumer_world_topic(&w, "other", 3);
    int32_t epoch = a.epoch;
    consumer_beat(&a);
    assert_int_equal(a.epoch, epoch);
    consumer_world_grow(&w, "t", 2);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 5);
    struct kp_uuid old = a.has[0].topic;
    consumer_world_delete(&w, "t");
    consumer_world_topic(&w, "t", 2);
    consumer_beat(&a); /* what is no more is to be given back */
    assert_int_equal(a.has_count, 0);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 2);
    assert_false(kp_uuid_equal(a.has[0].topic, old));
    consumer_world_delete(&w, "t");
    consumer_beat(&a);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 0);
    assert_null(consumer_world_group(&w)->topics);
}

/* By a regular expression: all that match, also those that are made later, and of internal ones,
 * too; equal expressions are one; the last subscriber takes it along. */
static void test_consumer_regex(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "orders-1", 2);
    consumer_world_topic(&w, "bills", 2);
    consumer_init(&a, &w, "a", NULL);
    consumer_init(&b, &w, "b", NULL);
    a.regex = b.regex = "orders.*";
    consumer_beat(&a);
    assert_int_equal(a.has_count, 2);
    assert_true(consumer_has(&a, "orders-1", 0));
    consumer_beat(&b);
    assert_int_equal(HASH_COUNT(consumer_world_group(&w)->regexes), 1);
    consumer_beat(&a);
    consumer_beat(&a);
    consumer_beat(&b);
    assert_int_equal(a.has_count, 1);
    assert_int_equal(b.has_count, 1);
    /* Looked at again 10 s after the last time. */
    consumer_world_topic(&w, "orders-2", 2);
    consumer_world_pass(&w, 10001);
    for (int i = 0; i < 4; i++) {
        consumer_beat(&a);
        consumer_beat(&b);
        consumer_world_pass(&w, 100);
    }
    assert_int_equal(a.has_count + b.has_count, 4);
    consumer_beat_as(&a, -1, false);
    assert_int_equal(HASH_COUNT(consumer_world_group(&w)->regexes), 1);
    b.regex = "";
    consumer_subscribe(&b, "bills", NULL);
    consumer_beat(&b);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 2);
    assert_true(consumer_has(&b, "bills", 0));
    consumer_beat_as(&b, -1, false);
    assert_null(consumer_world_group(&w)->regexes);
}

/* An assignment waits for group.consumer.assignment.interval.ms, and a member that waits for it
 * comes back soon. */
static void test_consumer_assignment_interval(void **state) {
    (void)state;
    struct consumer a, b;
    w.groups.settings.group_consumer_assignment_interval_ms = 1000;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 2);
    consumer_world_pass(&w, 300);
    consumer_beat(&b);
    assert_int_equal(b.epoch, 1);
    assert_int_equal(b.interval_ms, 500);
    assert_string_equal(consumer_world_state(&w), "Assigning");
    consumer_world_pass(&w, 701);
    consumer_beat(&b);
    assert_int_equal(b.epoch, 2);
}

/* Most members choose the assignor. */
static void test_consumer_assignor(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 3);
    consumer_world_topic(&w, "u", 3);
    consumer_init(&a, &w, "a", "t", "u", NULL);
    consumer_init(&b, &w, "b", "t", "u", NULL);
    a.assignor = b.assignor = "range";
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_beat(&a);
    consumer_beat(&a);
    consumer_beat(&b);
    assert_int_equal(a.has_count, 4); /* two of each: the first member has the rest of both */
    assert_true(consumer_has(&a, "t", 0) && consumer_has(&a, "u", 0));
    assert_true(consumer_has(&b, "t", 2) && consumer_has(&b, "u", 2));
}

#define TEST(name) CONSUMER_TEST(name, &w)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_consumer_revoked_before_assigned),
        TEST(test_consumer_quiet_heartbeats_write_nothing),
        TEST(test_consumer_answer_waits_for_commit),
        TEST(test_consumer_write_that_fails),
        TEST(test_consumer_leave),
        TEST(test_consumer_wrong_requests),
        TEST(test_consumer_lost_answers),
        TEST(test_consumer_session),
        TEST(test_consumer_sessions_end_together),
        TEST(test_consumer_rebalance_timeout),
        TEST(test_consumer_failover),
        TEST(test_consumer_static_member),
        TEST(test_consumer_topics_change),
        TEST(test_consumer_regex),
        TEST(test_consumer_assignment_interval),
        TEST(test_consumer_assignor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
