/* The plan of leads that are to move: who is out of balance, what is ready, and in which order. */
#include <stdlib.h>
#include <string.h>

#include "broker/balance/leader_plan.h"
#include "tests/unit/unit.h"

struct fixture {
    struct leader_plan *balance;
    struct leader_move *moves;
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->balance = leader_plan_begin();
    fixture->moves = calloc(LEADER_MOVES_MAX, sizeof *fixture->moves);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    leader_plan_free(fixture->balance);
    free(fixture->moves);
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, uint64_t group, int32_t preferred, int32_t leader,
                bool ready) {
    struct leader_plan_partition row = {
        .group = group, .preferred = preferred, .leader = leader, .ready = ready};
    leader_plan_add(fixture->balance, &row);
}

/* Everything as placed: nothing to do, at any percentage. */
static void test_balance_nothing_to_do(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(leader_plan_plan(fixture->balance, 0, fixture->moves), 0);
    for (uint64_t g = 1; g <= 30; g++)
        add(fixture, g, (int32_t)(g % 3), (int32_t)(g % 3), true);
    assert_int_equal(leader_plan_plan(fixture->balance, 0, fixture->moves), 0);
}

/* A broker that is back leads nothing: all of its own come home, and nobody else's move. */
static void test_balance_after_a_return(void **state) {
    struct fixture *fixture = *state;
    for (uint64_t g = 0; g < 30; g++)
        add(fixture, g, (int32_t)(g % 3), g % 3 == 2 ? (int32_t)(g / 3 % 2) : (int32_t)(g % 3),
            true);
    assert_int_equal(leader_plan_plan(fixture->balance, 10, fixture->moves), 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(fixture->moves[i].to, 2);
        assert_int_equal(fixture->moves[i].group, 3 * i + 2);
        assert_int_equal(fixture->moves[i].from, i % 2);
    }
}

/* Of what is out of place, only what is ready moves; a partition without a leader is left alone. */
static void test_balance_only_what_is_ready(void **state) {
    struct fixture *fixture = *state;
    add(fixture, 1, 1, 2, false);
    add(fixture, 2, 1, 2, true);
    add(fixture, 3, 1, -1, true);
    assert_int_equal(leader_plan_plan(fixture->balance, 10, fixture->moves), 1);
    assert_int_equal(fixture->moves[0].group, 2);
}

/* Up to the percentage a broker may miss what is its own; one more, and all of it comes back. */
static void test_balance_percentage(void **state) {
    struct fixture *fixture = *state;
    for (uint64_t g = 0; g < 20; g++)
        add(fixture, g, 1, g < 2 ? 2 : 1, true);
    assert_int_equal(leader_plan_plan(fixture->balance, 10, fixture->moves), 0);
    assert_int_equal(leader_plan_plan(fixture->balance, 9, fixture->moves), 2);
    assert_int_equal(leader_plan_plan(fixture->balance, 100, fixture->moves), 0);
}

/* Two brokers that miss something take turns, and a plan has a limit. */
static void test_balance_turns_and_limit(void **state) {
    struct fixture *fixture = *state;
    for (uint64_t g = 0; g < 2 * LEADER_MOVES_MAX; g++)
        add(fixture, g, g < LEADER_MOVES_MAX ? 1 : 2, 3, true);
    assert_int_equal(leader_plan_plan(fixture->balance, 10, fixture->moves), LEADER_MOVES_MAX);
    for (size_t i = 0; i < LEADER_MOVES_MAX; i++)
        assert_int_equal(fixture->moves[i].to, 1 + i % 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_balance_nothing_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(test_balance_after_a_return, setup, teardown),
        cmocka_unit_test_setup_teardown(test_balance_only_what_is_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(test_balance_percentage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_balance_turns_and_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
