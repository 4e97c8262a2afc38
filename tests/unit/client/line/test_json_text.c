/* JSON as it is printed: compact, in order, with the shortest numbers. */
#include <string.h>

#include <stdlib.h>

#include "client/line/json_text.h"
#include "tests/unit/unit.h"

static char text[4096];

static void take(void *unused, const char *piece, size_t len) {
    (void)unused;
    size_t used = strlen(text);
    assert_true(used + len < sizeof text);
    memcpy(text + used, piece, len);
    text[used + len] = 0;
}

static const char *text_of(json_t *value) {
    text[0] = 0;
    json_text(value, take, NULL);
    json_decref(value);
    return text;
}

/* Numbers read back as the same value and are no longer than that needs. */
static void test_json_text_numbers(void **state) {
    (void)state;
    assert_string_equal(text_of(json_real(0.073)), "0.073");
    assert_string_equal(text_of(json_real(0.1 + 0.2)), "0.30000000000000004");
    assert_string_equal(text_of(json_real(3)), "3.0");
    assert_string_equal(text_of(json_real(-1234.5)), "-1234.5");
    assert_string_equal(text_of(json_real(1e300)), "1e+300");
    assert_string_equal(text_of(json_real(5e-324)), "5e-324");
    assert_string_equal(text_of(json_integer(INT64_MAX)), "9223372036854775807");
    uint64_t x = 88172645463325252U;
    for (int i = 0; i < 2000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        double value = (double)x / 1e15;
        json_t *back = json_loads(text_of(json_real(value)), JSON_DECODE_ANY, NULL);
        assert_true(json_real_value(back) == value);
        json_decref(back);
    }
}

/* Structure, order and strings are as jansson's. */
static void test_json_text_structure(void **state) {
    (void)state;
    json_t *value = json_pack("{s:[i,f,n,b],s:{s:s},s:[]}", "z \"\n", 1, 0.5, 1, "a", "k",
                              "\x1b"
                              "caf\xC3\xA9",
                              "e");
    char *other = json_dumps(value, JSON_COMPACT);
    assert_string_equal(text_of(value), other);
    free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_json_text_numbers),
                                       cmocka_unit_test(test_json_text_structure)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
