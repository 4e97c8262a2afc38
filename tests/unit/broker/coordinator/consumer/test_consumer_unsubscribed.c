/* What a member of a group of KIP-848 unsubscribes from, while a new target waits. */
#include "broker/coordinator/consumer/consumer_reconcile.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

/* What a member does not subscribe to any more is taken back before there is a new target, also
 * while it still gives back something else; and not given to it by the old one. */
static void test_consumer_unsubscribed_at_once(void **state) {
    (void)state;
    struct consumer a, b;
    w.groups.settings.group_consumer_assignment_interval_ms = 1000;
    consumer_world_topic(&w, "t", 2);
    consumer_world_topic(&w, "u", 2);
    consumer_world_topic(&w, "v", 2);
    consumer_init(&a, &w, "a", "t", "u", "v", NULL);
    consumer_beat(&a);
    assert_int_equal(a.has_count, 6);
    consumer_subscribe(&a, "t", "u", NULL);
    consumer_beat_in_vain(&a);
    const struct consumer_standing *stands =
        &consumer_member_find(consumer_world_group(&w), kp_string_of("a"))->standing;
    assert_int_equal(stands->state, CONSUMER_UNREVOKED);
    assert_int_equal(stands->pending.count, 2);
    consumer_subscribe(&a, "t", NULL);
    consumer_beat(&a);
    assert_int_equal(a.epoch, 1);
    assert_int_equal(a.has_count, 2);
    assert_int_equal(stands->pending.count, 4);
    consumer_beat(&a);
    assert_int_equal(stands->state, CONSUMER_STABLE);
    assert_int_equal(stands->pending.count, 0);
    assert_string_equal(consumer_world_state(&w), "Assigning");
    consumer_init(&b, &w, "b", "u", NULL);
    consumer_beat(&b);
    consumer_world_pass(&w, 1001);
    consumer_beat(&b);
    assert_int_equal(b.has_count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CONSUMER_TEST(test_consumer_unsubscribed_at_once, &w),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
