/* What is remembered of a position, beside a list of all its moves. */
#include "broker/traffic/progress.h"
#include "tests/unit/unit.h"

enum { MOST = 16, MOVES = 5000 };

/* Every second, evenly, with room for so many: whatever is said of what was so long ago is wrong by
 * `part` of that time at most, and the memory stays within its room. */
static void check_even(uint16_t most, double part) {
    struct progress progress = {.begun = false};
    int64_t at_ms = 0, now_ms = 0;
    progress_begin(&progress, most, 0, 100);
    for (int64_t i = 1; i <= MOVES; i++)
        progress_move(&progress, now_ms = i * 1000, 100 + 10 * i);
    assert_true(progress_bytes(&progress) == most * sizeof(struct progress_point));
    for (int64_t ago = 2; ago < MOVES - 1; ago++) {
        int64_t place = 100 + 10 * (MOVES - ago), passed_ms = (MOVES - ago + 1) * 1000;
        assert_int_equal(progress_passed(&progress, place, &at_ms), PROGRESS_PASSED);
        assert_true(at_ms <= passed_ms);
        assert_true((double)(passed_ms - at_ms) <= (double)ago * 1000 * part + 1000);
        int64_t there = progress_at(&progress, (MOVES - ago) * 1000);
        assert_true(there >= place && (double)(there - place) <= 10 * (double)ago * part + 20);
        int64_t rate = progress_rate(&progress, now_ms, ago * 1000);
        assert_true(rate <= 10000 && (double)rate >= 10000 * (1 - part) - 20000 / (double)ago);
    }
    progress_close(&progress);
}

static void test_progress_goes_evenly(void **state) {
    (void)state;
    check_even(MOST, 2);
    check_even(4 * MOST, 0.4);
}

/* What lies before the beginning, and what has not come yet. */
static void test_progress_does_not_know(void **state) {
    (void)state;
    struct progress progress = {.begun = false};
    int64_t at_ms = -1;
    assert_int_equal(progress_at(&progress, 5), PROGRESS_UNKNOWN);
    assert_int_equal(progress_rate(&progress, 5, 1), PROGRESS_UNKNOWN);
    assert_int_equal(progress_passed(&progress, 0, &at_ms), PROGRESS_NOT_YET);
    progress_begin(&progress, MOST, 1000, 50);
    assert_int_equal(progress_at(&progress, 999), PROGRESS_UNKNOWN);
    assert_int_equal(progress_at(&progress, 1000), 50);
    assert_int_equal(progress_rate(&progress, 3000, 2500), PROGRESS_UNKNOWN);
    assert_int_equal(progress_rate(&progress, 3000, 2000), 0);
    assert_int_equal(progress_passed(&progress, 50, &at_ms), PROGRESS_NOT_YET);
    assert_int_equal(progress_passed(&progress, 49, &at_ms), PROGRESS_PASSED_BEFORE);
    assert_int_equal(at_ms, 1000);
    progress_close(&progress);
}

/* A burst and then nothing: the burst came when it came, and the rate is of the window. */
static void test_progress_stands_still(void **state) {
    (void)state;
    struct progress progress = {.begun = false};
    int64_t at_ms = 0;
    progress_begin(&progress, MOST, 0, 0);
    progress_move(&progress, 10000, 1);
    progress_move(&progress, 10100, 500); /* within the step */
    progress_move(&progress, 90000, 501);
    assert_int_equal(progress_passed(&progress, 499, &at_ms), PROGRESS_PASSED);
    assert_int_equal(at_ms, 10000);
    assert_int_equal(progress_passed(&progress, 500, &at_ms), PROGRESS_PASSED);
    assert_int_equal(at_ms, 90000);
    assert_int_equal(progress_at(&progress, 50000), 500);
    assert_int_equal(progress_rate(&progress, 100000, 50000), 20); /* one in 50 s */
    assert_int_equal(progress.moved_ms, 90000);
    progress_move(&progress, 95000, 501); /* no move */
    assert_int_equal(progress.moved_ms, 90000);
    progress_close(&progress);
}

/* A position that went back has no rate, and a clock that did counts as standing still. */
static void test_progress_goes_back(void **state) {
    (void)state;
    struct progress progress = {.begun = false};
    progress_begin(&progress, MOST, 1000, 100);
    progress_move(&progress, 5000, 20);
    assert_int_equal(progress_rate(&progress, 6000, 4000), 0);
    assert_int_equal(progress_at(&progress, 4999), 100);
    assert_int_equal(progress_at(&progress, 5500), 20);
    progress_move(&progress, 2000, 30);
    assert_int_equal(progress.moved_ms, 5000);
    progress_close(&progress);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_goes_evenly),
        cmocka_unit_test(test_progress_does_not_know),
        cmocka_unit_test(test_progress_stands_still),
        cmocka_unit_test(test_progress_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
