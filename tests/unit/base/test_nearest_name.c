/* "Did you mean". */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/nearest_name.h"
#include "tests/unit/unit.h"

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

/* Among very many long names it is not looked for without end: work that would take seconds is
 * given up after milliseconds. */
static void test_nearest_name_bounded(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    static char letters[COUNT / 1000][80];
    static const char *names[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(letters[i / 1000], sizeof letters[0], "%070zu", i / 1000);
        names[i] = letters[i / 1000];
    }
    char wrong[80];
    memset(wrong, 'x', sizeof wrong - 1);
    wrong[70] = '\0';
    clock_t begin = clock();
    assert_null(nearest_name(wrong, names, COUNT));
    assert_true(clock() - begin < CLOCKS_PER_SEC / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearest_name),
                                       cmocka_unit_test(test_nearest_name_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
