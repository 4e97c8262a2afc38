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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_partition_puts_off_handover, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
