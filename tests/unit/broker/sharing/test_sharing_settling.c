/* What members hold when a broker is about to stop, on one whole broker. */
#include "broker/sharing/sharing_settling.h"

#include "broker/broker_internal.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/unit.h"

static int settled;

static void on_settled(void *arg) {
    (void)arg;
    settled++;
}

static struct sharing_settling *settle(struct one_broker *one, uint64_t quiet_ms,
                                       uint64_t most_ms) {
    struct sharing_settling_limits limits = {quiet_ms, most_ms};
    const struct broker_services *services = broker_services(one->broker);
    settled = 0;
    return sharing_settling_new(one->env, services->partitions, &limits, on_settled, NULL);
}

/* It waits for who holds something, gives nothing more meanwhile, and not for longer than it is to.
 */
static void test_waits_for_locks(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    struct share_member a = share_member_of(one, "g", "a", topic);
    produce_one(one, "t", 0, 2, 10);
    a.max_records = 1;
    a.exact = true;
    a.max_wait_ms = 0;
    struct kp_share_fetch_response response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "0-0:1");
    struct sharing_settling *settling = settle(one, 60000, 60000);
    one_broker_has_answer(one, 200);
    assert_int_equal(settled, 0);
    response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "");
    share_ack(&a, 0, 0, 1);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    one_broker_has_answer(one, 200);
    assert_int_equal(settled, 1);
    sharing_settling_free(settling);
}

/* Who holds something and says nothing keeps nobody; it is all that will be given again. */
static void test_not_for_ever(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    struct share_member a = share_member_of(one, "g", "a", topic);
    produce_one(one, "t", 0, 2, 10);
    a.max_records = 1;
    a.exact = true;
    a.max_wait_ms = 0;
    share_fetch(one, &a);
    struct sharing_settling *settling = settle(one, 300, 60000);
    one_broker_has_answer(one, 100);
    assert_int_equal(settled, 0);
    one_broker_has_answer(one, 400);
    assert_int_equal(settled, 1);
    struct kp_share_fetch_response response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "");
    sharing_settling_free(settling);
}

/* Who goes on saying the last of one record after the other is waited for, but not for ever. */
static void test_waits_for_who_goes_on(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    struct share_member a = share_member_of(one, "g", "a", topic);
    produce_one(one, "t", 0, 10, 10);
    share_fetch(one, &a);
    struct sharing_settling *settling = settle(one, 600, 1500);
    for (int i = 0; i < 4; i++) {
        one_broker_has_answer(one, 250);
        assert_int_equal(settled, 0);
        share_ack(&a, i, i, 1);
        assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    }
    one_broker_has_answer(one, 550);
    assert_int_equal(settled, 1);
    sharing_settling_free(settling);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits_for_locks, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_not_for_ever, one_broker_setup, one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_waits_for_who_goes_on, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
