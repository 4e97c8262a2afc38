/* "Did you mean". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/nearest_name.h"

/* Names that are a slip away are found, others are not; of several the nearest. */
static void test_nearest_name(void **state) {
    (void)state;
    static const char *const names[] = {"orders", "order-items", "produce", "topic"};
    assert_string_equal(nearest_name("order", names, 4), "orders");
    assert_string_equal(nearest_name("ordesr", names, 4), "orders");
    assert_string_equal(nearest_name("order-itms", names, 4), "order-items");
    assert_string_equal(nearest_name("prodcue", names, 4), "produce");
    assert_string_equal(nearest_name("topc", names, 4), "topic");
    assert_string_equal(nearest_name("topic", names, 4), "topic");
    assert_null(nearest_name("payments", names, 4));
    assert_null(nearest_name("", names, 4));
    assert_null(nearest_name("x", names, 4));
    assert_null(nearest_name("topic", names, 0));
    char long_name[500];
    memset(long_name, 'o', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_null(nearest_name(long_name, names, 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearest_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
