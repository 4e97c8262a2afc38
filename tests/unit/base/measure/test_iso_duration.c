/* Durations as Java's Duration.parse takes them, and what is none. */
#include "base/measure/iso_duration.h"

#include "tests/unit/unit.h"

static int64_t of(const char *text) {
    int64_t ms = -1;
    return iso_duration_read(text, &ms) ? ms : -1;
}

static void test_iso_durations(void **state) {
    (void)state;
    assert_int_equal(of("PT0S"), 0);
    assert_int_equal(of("P7D"), INT64_C(604800000));
    assert_int_equal(of("PT24H"), 86400000);
    assert_int_equal(of("pt1h30m"), 5400000);
    assert_int_equal(of("P1DT2H3M4.5S"), 93784500);
    assert_int_equal(of("PT0.001S"), 1);
    assert_int_equal(of("PT0.123456789S"), 123);
    assert_int_equal(of("P106751D"), INT64_C(9223286400000)); /* as many nanoseconds as fit */
}

static void test_iso_durations_that_are_none(void **state) {
    (void)state;
    static const char *const none[] = {"",
                                       "P",
                                       "PT",
                                       "7D",
                                       "P7",
                                       "P7DT",
                                       "P1H",
                                       "PT1D",
                                       "P-1D",
                                       "-P1D",
                                       "PT1M1H",
                                       "PT1H1H",
                                       "P1.5D",
                                       "PT.5S",
                                       "PT1.5M",
                                       "PT1S1",
                                       "PT1SX",
                                       "PT1S PT1",
                                       "P 1D",
                                       "P1Y",
                                       "P1M",
                                       "P1W",
                                       "P999999999999D",
                                       "PT0.1234567890S"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (of(none[i]) != -1) fail_msg("\"%s\" is no duration", none[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso_durations),
        cmocka_unit_test(test_iso_durations_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
