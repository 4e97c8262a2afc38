/* The pace at which things begin that come in thousands. */

#include "base/io/pace.h"
#include "tests/unit/unit.h"

enum { EVERY_US = 250, BURST = 64 };

static unsigned take_all(struct pace *pace, uint64_t now_us) {
    unsigned taken = 0;
    while (pace_take(pace, now_us))
        taken++;
    return taken;
}

/* A few begin at once, and as many again a little later, whatever the clock says. */
static void test_pace_burst(void **state) {
    (void)state;
    static const uint64_t clocks[] = {0, 1, 5 * 1000 * 1000};
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct pace pace = {.every_us = EVERY_US, .burst = BURST};
        uint64_t now_us = clocks[i] + (uint64_t)BURST * EVERY_US;
        assert_int_equal(take_all(&pace, now_us), BURST);
        assert_int_equal(take_all(&pace, now_us), 0);
        now_us += 1000 * 1000;
        assert_int_equal(take_all(&pace, now_us), BURST);
    }
}

/* Thousands begin at the pace, and who asks when he is told to gets some each time. */
static void test_pace_of_many(void **state) {
    (void)state;
    struct pace pace = {.every_us = EVERY_US, .burst = BURST};
    uint64_t began_us = 1000 * 1000, now_us = began_us;
    unsigned taken = 0, asked = 0;
    while (taken < 10000) {
        unsigned more = take_all(&pace, now_us);
        assert_true(more > 0);
        taken += more;
        asked++;
        assert_true(taken <= BURST + (now_us - began_us) / EVERY_US);
        now_us = pace_again_us(&pace);
    }
    assert_in_range(now_us - began_us, 2400 * 1000, 2600 * 1000);
    assert_true(asked < 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace_burst),
        cmocka_unit_test(test_pace_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
