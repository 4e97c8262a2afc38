/* Words that mean several topics, and what librdkafka is given for them. */
#include "base/mem.h"
#include "client/records/topic_pattern.h"
#include "tests/unit/unit.h"

/* A glob says as a regular expression what it says itself: both are asked about the same names. */
static void test_globs_as_expressions(void **state) {
    (void)state;
    static const char *const globs[] = {"eu-*", "*", "a?c", "orders.*", "[ab]x", "[!ab]x", "a*b*c"};
    static const char *const topics[] = {"eu-",       "eu-1", "xeu-1", "abc",   "ac",   "orders.eu",
                                         "ordersxeu", "ax",   "cx",    "a-b-c", "abxc", "abcd"};
    for (size_t g = 0; g < sizeof(globs) / sizeof(globs[0]); g++) {
        struct topic_pattern glob, expression;
        struct error_text why = {""};
        char *text = topic_pattern_expression(globs[g]);
        assert_int_equal(topic_pattern_open(&glob, globs[g], &why), ERR_NONE);
        assert_int_equal(topic_pattern_open(&expression, text, &why), ERR_NONE);
        for (size_t t = 0; t < sizeof(topics) / sizeof(topics[0]); t++) {
            assert_int_equal(topic_pattern_matches(&glob, topics[t]),
                             topic_pattern_matches(&expression, topics[t]));
        }
        topic_pattern_close(&glob);
        topic_pattern_close(&expression);
        mem_free(text);
    }
}

/* Names and regular expressions stay as they are. */
static void test_others_stay(void **state) {
    (void)state;
    static const char *const words[] = {"orders", "a.b", "^eu-[0-9]+"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char *text = topic_pattern_expression(words[i]);
        assert_string_equal(text, words[i]);
        mem_free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_globs_as_expressions),
                                       cmocka_unit_test(test_others_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
