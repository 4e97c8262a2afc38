/* A planned move of a lead waits while clients wait for what another leader would begin anew. */
#include "broker/partition/partition_internal.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

static bool is_unsettled;

static bool unsettled(const void *state) {
    (void)state;
    return is_unsettled;
}

static bool encode(void *state, void **walk, struct snapshot_bytes *into) {
    (void)state, (void)walk, (void)into;
    return true;
}

static int restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    (void)state, (void)bytes;
    *took = len;
    return ERR_NONE;
}

static void reset(void *state) {
    (void)state;
}

static void make_applier(struct fixture_node *node, struct applier *applier) {
    static const struct applier_type type = {.mark = 77,
                                             .version = 1,
                                             .unsettled = unsettled,
                                             .encode = encode,
                                             .restore = restore,
                                             .reset = reset};
    *applier = (struct applier){.type = &type, .state = node};
}

/* But not for ever; and then another time. */
static void test_partition_puts_off_handover(void **state) {
    struct fixture *fixture = *state;
    fixture->make_applier = make_applier;
    is_unsettled = false;
    fixture_start(fixture, 1);
    struct partition *partition = fixture_leader(fixture)->partition;
    assert_false(partition_puts_off_handover(partition));
    is_unsettled = true;
    assert_true(partition_puts_off_handover(partition));
    partition->put_off_ms -= 29 * 1000;
    assert_true(partition_puts_off_handover(partition));
    partition->put_off_ms -= 1000;
    assert_false(partition_puts_off_handover(partition));
    is_unsettled = false;
    assert_false(partition_puts_off_handover(partition));
    is_unsettled = true;
    assert_true(partition_puts_off_handover(partition));
}

struct waits {
    struct share_waiter waiter; /* first */
    bool called;
};

static void on_available(struct share_waiter *waiter) {
    ((struct waits *)waiter)->called = true;
}

static bool has_begun(struct fixture *fixture) {
    return shares_count(partition_shares(fixture_leader(fixture)->partition)) > 0;
}

static bool is_not_paused(struct fixture *fixture) {
    return !shares_are_paused(partition_shares(fixture_leader(fixture)->partition));
}

/* Records that somebody holds are waited for, for less long, and no more are given meanwhile; when
 * it leads on, they are. */
static void test_handover_waits_for_what_is_held(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture_leader(fixture)->partition;
    struct shares *shares = partition_shares(partition);
    share_begin(shares, kp_string_of("g"), 0, NULL);
    run_until(fixture, has_begun);
    struct share *share = shares_find(shares, kp_string_of("g"));
    struct offset_ranges given = {.size = sizeof(struct share_range)};
    share->limits = (struct share_limits){
        .lock_ms = 60000, .locks = 100, .deliveries = 5, .window = 1000, .ranges = 1000};
    assert_false(partition_puts_off_handover(partition));
    assert_false(shares_are_paused(shares));
    assert_int_equal(share_queue_acquire(&share->queue, &share->limits, 0, 3, 4, 1, 0, &given), 4);
    assert_true(partition_puts_off_handover(partition));
    assert_true(shares_are_paused(shares));
    partition->put_off_ms -= 4900;
    assert_true(partition_puts_off_handover(partition));
    partition->put_off_ms -= 200;
    assert_false(partition_puts_off_handover(partition));
    share_give_back(share, &given, 1, UINT64_MAX);
    offset_ranges_free(&given);
    struct waits waits = {.waiter.available = on_available};
    share_wait(share, &waits.waiter);
    run_until(fixture, is_not_paused);
    assert_true(waits.called);
    share_wait_cancel(&waits.waiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_partition_puts_off_handover, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_handover_waits_for_what_is_held, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
