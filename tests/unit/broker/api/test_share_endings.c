/* Share sessions that end, on one whole broker: a turn that is long already releases little. */
#include "broker/api/share_sessions.h"
#include "broker/broker_internal.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 4 };

/* Partitions of which a record is held, and whose outcome is not on its way. */
static int held(const struct broker_services *services) {
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, "t", 1);
    int count = 0;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct partition *partition = partition_set_find_group(services->partitions,
                                                               topic->partitions[p].group);
        const struct share *share = shares_find(partition_shares(partition), kp_string_of("g"));
        const struct share_lock *lock = offset_ranges_over(&share->queue.locks, 0);
        count += lock != NULL && !lock->ending;
    }
    return count;
}

/* One partition at least is released, so that it goes on; the others wait for later turns. */
static void test_long_turn(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", PARTITIONS);
    struct share_member a = share_member_of(one, "g", "a", topic);
    for (a.partition = 0; a.partition < PARTITIONS; a.partition++) {
        produce_one(one, "t", a.partition, 1, 10);
        share_fetch(one, &a);
    }
    struct broker_services *services = (struct broker_services *)broker_services(one->broker);
    struct share_session *session;
    assert_int_equal(held(services), PARTITIONS);
    assert_int_equal(share_sessions_take(services, kp_string_of("g"), kp_string_of("a"),
                                         SHARE_EPOCH_CLOSE, &session),
                     KAFKA_NONE);
    while (!env_turn_is_long(one->env)) {}
    share_session_end(services, session);
    assert_int_equal(held(services), PARTITIONS - 1);
    for (int i = 0; i < 100 && held(services) > 0; i++)
        one_broker_has_answer(one, 10);
    assert_int_equal(held(services), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_long_turn, one_broker_setup, one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
