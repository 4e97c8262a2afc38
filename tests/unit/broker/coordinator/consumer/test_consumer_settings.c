/* What is set for a group holds for its living members: from their next heartbeat on, under a new
 * coordinator, too, and until it is taken back. */
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

/* A member hears the new interval with its next heartbeat, and the old one again. */
static void test_consumer_settings_interval(void **state) {
    (void)state;
    struct consumer a;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_beat(&a);
    assert_int_equal(a.interval_ms, 5000);
    kafka_offset end = w.groups.log.end_offset;
    consumer_world_set(&w, "consumer.heartbeat.interval.ms", "7000");
    consumer_beat(&a);
    assert_int_equal(a.interval_ms, 7000);
    consumer_world_set(&w, "consumer.heartbeat.interval.ms", NULL);
    consumer_beat(&a);
    assert_int_equal(a.interval_ms, 5000);
    assert_int_equal(w.groups.log.end_offset, end); /* nothing of it is the group's */
}

/* Its session is as long as is set when it is renewed. */
static void test_consumer_settings_session(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_world_set(&w, "consumer.session.timeout.ms", "60000");
    consumer_beat(&a);
    consumer_world_pass(&w, 46000); /* b has not beaten since */
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    consumer_world_pass(&w, 13000);
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    consumer_world_pass(&w, 2000);
    assert_int_equal(consumer_world_group(&w)->member_count, 0);
}

/* A coordinator that has just begun to lead knows what is set, before anybody beats. */
static void test_consumer_settings_failover(void **state) {
    (void)state;
    struct consumer a;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_beat(&a);
    consumer_world_set(&w, "consumer.session.timeout.ms", "60000");
    consumer_world_fail_over(&w);
    consumer_world_pass(&w, 59000);
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    consumer_world_pass(&w, 2000);
    assert_int_equal(consumer_world_group(&w)->member_count, 0);
}

/* A member that was told to speak rarely, and has not heard yet that it is to speak often, is not
 * missed before it would have spoken. */
static void test_consumer_settings_connection_closes(void **state) {
    (void)state;
    static const int connection;
    struct consumer a;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    a.asker = &connection;
    consumer_world_set(&w, "consumer.heartbeat.interval.ms", "15000");
    consumer_beat(&a);
    consumer_beat(&a);
    assert_int_equal(a.interval_ms, 15000);
    consumer_world_set(&w, "consumer.heartbeat.interval.ms", NULL);
    group_coordinator_forget_asker(w.groups.coordinator, &connection);
    consumer_world_pass(&w, 22400);
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    consumer_world_pass(&w, 200);
    assert_int_equal(consumer_world_group(&w)->member_count, 0);
}

/* How long it waits behind an assignment. */
static void test_consumer_settings_assignment_interval(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_world_set(&w, "consumer.assignment.interval.ms", "3000");
    consumer_beat(&a);
    group_clock_pass(&w.groups.clock, 100);
    consumer_beat(&b);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 2);
    consumer_world_set(&w, "consumer.assignment.interval.ms", "0");
    consumer_beat(&b);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 1);
}

#define TEST(name) CONSUMER_TEST(name, &w)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_consumer_settings_interval),
        TEST(test_consumer_settings_session),
        TEST(test_consumer_settings_failover),
        TEST(test_consumer_settings_connection_closes),
        TEST(test_consumer_settings_assignment_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
