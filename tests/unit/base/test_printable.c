/* What would steer a terminal is made visible, everything else stays. */
#include <string.h>

#include "base/printable.h"
#include "tests/unit/unit.h"

static const char *copy_of(const char *text, size_t len) {
    static char into[256];
    size_t used = printable_copy(text, len, into, sizeof into);
    assert_int_equal(used, strlen(into));
    return into;
}

#define COPY(text) copy_of(text, sizeof(text) - 1)

/* Letters of every script stay; controls of C0, C1 and DEL, bytes that are no UTF-8, and turns of
 * direction do not. */
static void test_printable_copy(void **state) {
    (void)state;
    assert_string_equal(COPY("orders, caf\xC3\xA9, \xE6\x97\xA5\xE6\x9C\xAC, \xF0\x9F\x98\x80"),
                        "orders, caf\xC3\xA9, \xE6\x97\xA5\xE6\x9C\xAC, \xF0\x9F\x98\x80");
    assert_string_equal(COPY("\x1b[31mred\a\0"), "\\x1b[31mred\\x07\\x00");
    assert_string_equal(COPY("\x7f|\xC2\x9B|\xE2\x80\xAE"), "\\u007f|\\u009b|\\u202e");
    assert_string_equal(COPY("\x9B"
                             "31m"),
                        "\\x9b31m");
    assert_string_equal(COPY("\xC0\x9B"), "\\xc0\\x9b");                   /* overlong */
    assert_string_equal(COPY("\xED\xA0\x80"), "\\xed\\xa0\\x80");          /* a surrogate */
    assert_string_equal(COPY("\xF5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80"); /* beyond Unicode */
    assert_string_equal(COPY("\xE6\x97"), "\\xe6\\x97");                   /* cut */
    assert_string_equal(COPY("\xC3("), "\\xc3(");
}

/* What does not fit is cut between characters. */
static void test_printable_copy_cut(void **state) {
    (void)state;
    char into[4];
    assert_int_equal(printable_copy("ab\xC3\xA9", 4, into, sizeof into), 2);
    assert_string_equal(into, "ab");
    assert_int_equal(printable_copy("\x1b", 1, into, sizeof into), 0);
    assert_int_equal(printable_copy("", 0, into, 1), 0);
}

/* A JSON string stays one, whatever was in the name. */
static void test_printable_json(void **state) {
    (void)state;
    static const char text[] = "a\"b\\c\n\x1b\xC2\x9B\xFF\xC3\xA9";
    char into[128];
    printable_json(text, sizeof text - 1, into, sizeof into);
    assert_string_equal(into, "a\\\"b\\\\c\\u000a\\u001b\\u009b\\ufffd\xC3\xA9");
    assert_int_equal(printable_json("\"", 1, into, 2), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_printable_copy),
                                       cmocka_unit_test(test_printable_copy_cut),
                                       cmocka_unit_test(test_printable_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
