/* How long a member of KIP-848 that is not heard counts, when its coordinator moves or is in doubt.
 */
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

/* A member that died keeps what it owns for one session of each coordinator, no longer. */
static void test_consumer_dead_at_failover(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_beat(&a);
    consumer_beat(&b);
    for (int move = 0; move < 2; move++) {
        consumer_world_pass(&w, 40000);
        consumer_beat(&b);
        consumer_world_fail_over(&w);
    }
    consumer_world_pass(&w, 44000);
    consumer_beat(&b);
    assert_int_equal(consumer_world_group(&w)->member_count, 2);
    assert_int_equal(b.has_count, 0);
    consumer_world_pass(&w, 1001);
    consumer_beat(&b);
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    assert_int_equal(b.has_count, 2);
}

/* While a decision is in doubt nobody is heard: neither sessions end, nor the time in which a
 * member has to give back. */
static void test_consumer_time_in_doubt(void **state) {
    (void)state;
    struct consumer a, b, c;
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    consumer_init(&c, &w, "c", "t", NULL);
    a.rebalance_timeout_ms = 10000;
    consumer_beat(&a);
    consumer_beat(&b);
    consumer_beat(&a); /* it has to give one back */
    w.holds = true;
    consumer_beat(&c);
    fake_log_late(&w.groups.log);
    w.holds = false;
    group_clock_pass(&w.groups.clock, 9000);
    consumer_world_commit(&w);
    group_clock_pass(&w.groups.clock, 9000);
    assert_int_equal(consumer_beat(&a), 0);
    assert_int_equal(consumer_beat(&b), 0);
    assert_int_equal(b.has_count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CONSUMER_TEST(test_consumer_dead_at_failover, &w),
        CONSUMER_TEST(test_consumer_time_in_doubt, &w),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
