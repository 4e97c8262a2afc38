/* What regular expressions stand for is looked at again while topics come and go. */
#include "broker/coordinator/consumer/consumer_group.h"

#include <string.h>

#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

/* Beats until nothing is left to do. */
static void settle(struct consumer *a, struct consumer *b) {
    for (int i = 0; i < 6; i++) {
        assert_int_equal(consumer_beat(a), 0);
        assert_int_equal(consumer_beat(b), 0);
        consumer_world_pass(&w, 300);
    }
    assert_string_equal(consumer_world_state(&w), "Stable");
}

static void two_members(struct consumer *a, struct consumer *b) {
    consumer_world_topic(&w, "orders-1", 2);
    consumer_init(a, &w, "a", NULL);
    consumer_init(b, &w, "b", NULL);
    a->regex = b->regex = "orders.*";
    settle(a, b);
}

/* A topic that one comes to stand for begins one epoch, and no other: not when something else of
 * the topics changes, and not with a new coordinator. */
static void test_consumer_regex_counts_once(void **state) {
    (void)state;
    struct consumer a, b;
    two_members(&a, &b);
    int32_t epoch = consumer_world_group(&w)->epoch;
    consumer_world_topic(&w, "orders-2", 2);
    consumer_world_pass(&w, 10001);
    settle(&a, &b);
    assert_int_equal(a.has_count + b.has_count, 4);
    assert_int_equal(consumer_world_group(&w)->epoch, epoch + 1);
    consumer_world_topic(&w, "bills", 2);
    settle(&a, &b);
    assert_int_equal(consumer_world_group(&w)->epoch, epoch + 1);
    consumer_world_fail_over(&w);
    settle(&a, &b);
    assert_int_equal(consumer_world_group(&w)->epoch, epoch + 1);
}

/* What could not be written is looked at again soon. */
static void test_consumer_regex_not_written(void **state) {
    (void)state;
    struct consumer a, b;
    two_members(&a, &b);
    consumer_world_topic(&w, "orders-2", 2);
    consumer_world_pass(&w, 10001);
    fake_log_refuse(&w.groups.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    consumer_beat(&a); /* it is looked at beside the loop */
    consumer_world_pass(&w, 100);
    assert_int_equal(w.groups.log.refusal, 0);
    settle(&a, &b);
    assert_int_equal(a.has_count + b.has_count, 2);
    consumer_world_pass(&w, 10001);
    settle(&a, &b);
    assert_int_equal(a.has_count + b.has_count, 4);
}

/* While the memory of groups is spent nobody brings another one; with the old one it goes on. */
static void test_consumer_regex_without_memory(void **state) {
    (void)state;
    struct consumer a, b;
    two_members(&a, &b);
    w.groups.memory.budget.limit = w.groups.memory.budget.used;
    a.regex = "orders.+";
    a.full = true;
    assert_int_equal(consumer_beat(&a), KAFKA_COORDINATOR_NOT_AVAILABLE);
    a.regex = b.regex;
    a.full = true;
    assert_int_equal(consumer_beat(&a), 0);
}

static bool sees_all_but_secrets(void *arg, struct kp_string topic) {
    (void)arg;
    return topic.len < 6 || memcmp(topic.data, "secret", 6) != 0;
}

/* What a member may not describe is not found for it: not when it joins, nor when topics come, nor
 * when others of its group say something. */
static void test_consumer_regex_finds_what_may_be_seen(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_topic(&w, "secret-1", 2);
    consumer_world_topic(&w, "orders-1", 2);
    consumer_init(&a, &w, "a", NULL);
    consumer_init(&b, &w, "b", "orders-1");
    a.regex = ".*";
    a.may_see = sees_all_but_secrets;
    settle(&a, &b);
    assert_int_equal(a.has_count + b.has_count, 2);
    consumer_world_topic(&w, "secret-2", 2);
    consumer_world_topic(&w, "orders-2", 2);
    consumer_world_pass(&w, 10001);
    assert_int_equal(consumer_beat(&b), 0); /* it may see all, and looks for nothing */
    settle(&a, &b);
    assert_int_equal(a.has_count + b.has_count, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CONSUMER_TEST(test_consumer_regex_counts_once, &w),
        CONSUMER_TEST(test_consumer_regex_not_written, &w),
        CONSUMER_TEST(test_consumer_regex_without_memory, &w),
        CONSUMER_TEST(test_consumer_regex_finds_what_may_be_seen, &w),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
