/* Amounts as people read them. */
#include <math.h>

#include "client/line/amount.h"
#include "tests/unit/unit.h"

static void test_amounts(void **state) {
    char text[AMOUNT_ROOM];
    (void)state;
    assert_string_equal(amount_bytes(0, text), "0 B");
    assert_string_equal(amount_bytes(1023, text), "1023 B");
    assert_string_equal(amount_bytes(1024, text), "1.0 KiB");
    assert_string_equal(amount_bytes(1023.9 * 1024, text), "1.0 MiB");
    assert_string_equal(amount_bytes(61.2 * (1 << 30), text), "61.2 GiB");
    assert_string_equal(amount_count(42, text), "42");
    assert_string_equal(amount_count(48100, text), "48.1 k");
    assert_string_equal(amount_count(123456, text), "123 k");
    assert_string_equal(amount_time(0, text), "0 s");
    assert_string_equal(amount_time(0.0041, text), "4.1 ms");
    assert_string_equal(amount_time(59, text), "59 s");
    assert_string_equal(amount_time(200, text), "3 m 20 s");
    assert_string_equal(amount_time(12 * 86400 + 4 * 3600 + 5, text), "12 d 4 h");
    assert_string_equal(amount_time(NAN, text), "-");
    assert_string_equal(amount_bytes(-1, text), "-");
    assert_true(amount_most(NAN, 2) == 2 && amount_most(2, NAN) == 2 && amount_most(2, 3) == 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_amounts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
