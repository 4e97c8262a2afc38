/* Regular expressions over topic names: as RE2/J says, in linear time and bounded memory. */
#include "broker/coordinator/regex/topic_regex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/unit.h"

enum { PLENTY = 100 * 1000 * 1000, NAMES_MAX = 64 };

static bool matches(struct topic_regex *regex, const char *name) {
    uint64_t budget = PLENTY;
    bool match = topic_regex_matches(regex, name, strlen(name), &budget);
    assert_true(budget > 0);
    return match;
}

/* 0 or 1; -1: refused, with a sentence. */
static int ask(const char *pattern, const char *name) {
    struct error_text why;
    struct topic_regex *regex = topic_regex_new(pattern, strlen(pattern), &why);
    if (regex == NULL) {
        assert_true(strstr(why.text, "regular expression") != NULL);
        return -1;
    }
    assert_string_equal(why.text, "");
    int answer = matches(regex, name) ? 1 : 0;
    topic_regex_free(regex);
    return answer;
}

/* Every line of tests/golden/topic_regex.txt (made with Kafka's own library): refused or not, and
 * which names match. */
static void test_as_re2j(void **state) {
    (void)state;
    FILE *file = fopen("tests/golden/topic_regex.txt", "r");
    assert_non_null(file);
    char *line = NULL, *names[NAMES_MAX], first[2048];
    size_t capacity = 0, name_count = 0;
    int lines = 0, refused = 0;
    assert_non_null(fgets(first, sizeof first, file));
    char *rest = first;
    for (char *name; (name = strsep(&rest, " \n")) != NULL && name_count < NAMES_MAX;)
        if (*name != 0) names[name_count++] = name;
    while (getline(&line, &capacity, file) > 0) {
        char *verdict = strchr(line, '\t');
        assert_non_null(verdict);
        *verdict++ = 0;
        verdict[strcspn(verdict, "\n")] = 0;
        struct error_text why;
        struct topic_regex *regex = topic_regex_new(line, strlen(line), &why);
        bool refuse = strcmp(verdict, "refused") == 0;
        if (refuse != (regex == NULL))
            fail_msg("%s: RE2/J says %s, here it is %s", line, verdict,
                     regex == NULL ? why.text : "taken");
        for (size_t i = 0; i < name_count && regex != NULL; i++)
            if (matches(regex, names[i]) != (verdict[i] == '1'))
                fail_msg("%s on %s: RE2/J says %c", line, names[i], verdict[i]);
        topic_regex_free(regex);
        lines++;
        refused += refuse;
    }
    assert_true(lines > 3000 && refused > 500 && lines - refused > 2000);
    free(line);
    fclose(file);
}

/* What subscriptions look like. */
static void test_subscriptions(void **state) {
    (void)state;
    assert_int_equal(ask("(^orders)|(^bills.*)", "orders"), 1);
    assert_int_equal(ask("(^orders)|(^bills.*)", "bills-7"), 1);
    assert_int_equal(ask("(^orders)|(^bills.*)", "orders-1"), 0);
    assert_int_equal(ask("^topic*", "topic-1"), 0);
    assert_int_equal(ask("(?i)orders\\.[a-z]{2}", "Orders.EU"), 1);
    assert_int_equal(ask("", ""), 1);
    assert_int_equal(ask("", "a"), 0);
}

/* Bytes that are no UTF-8, and a zero in the pattern. */
static void test_bytes(void **state) {
    (void)state;
    const char *wrong[] = {"\xff",
                           "a\x80",
                           "\xc3",
                           "\xed\xa0\x80",
                           "\xf8\x88\x80\x80\x80",
                           "[\xc0\x80]",
                           "\\Q\xff",
                           "\xf4\x90\x80\x80",
                           "\\\xe2\x82"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ask(wrong[i], "a"), -1);
    struct error_text why;
    struct topic_regex *regex = topic_regex_new("a\0b", 3, &why);
    assert_non_null(regex);
    assert_false(matches(regex, "a"));
    topic_regex_free(regex);
}

static char *repeated(const char *piece, size_t times, const char *end) {
    size_t len = strlen(piece);
    char *text = mem_alloc(len * times + strlen(end) + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * len, piece, len);
    memcpy(text + len * times, end, strlen(end) + 1);
    return text;
}

/* What explodes elsewhere is refused, or walked in time linear in the name. */
static void test_bombs(void **state) {
    (void)state;
    char *deep = repeated("(", 300, ""), *closed = repeated("(", 240, "a"),
         *closing = repeated(")", 240, ""), *wide = repeated("a|", 2000, "b"),
         *names = repeated("(?P<n>", 2, "a))"), *long_one = repeated("a", 4097, ""),
         *name = repeated("a", 249, "");
    char both[512];
    snprintf(both, sizeof both, "%s%s", closed, closing);
    assert_int_equal(ask(deep, "a"), -1);
    assert_int_equal(ask(both, "a"), 1);
    assert_int_equal(ask(wide, "b"), 1);
    assert_int_equal(ask(names, "a"), -1);
    assert_int_equal(ask(long_one, "a"), -1);
    assert_int_equal(ask("((a{1,100}){1,100}){1,100}", "a"), -1);
    assert_int_equal(ask("((((a{0,9}){0,9}){0,9}){0,9}){0,9}", "a"), -1);
    assert_int_equal(ask("(((((a{0}){1000}){1000}){1000}){1000}){1000}", ""), 1);
    assert_int_equal(ask("a{1000}", name), 0);
    const char *slow[] = {"(a?){900}",  "(a|a)*b",  "(a*)*b",
                          "((a*)*)*|b", "(a|aa)+b", "(.*)(.*)(.*)(.*)z"};
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        struct error_text why;
        struct topic_regex *regex = topic_regex_new(slow[i], strlen(slow[i]), &why);
        uint64_t budget = PLENTY;
        topic_regex_matches(regex, name, strlen(name), &budget);
        assert_true(PLENTY - budget < 250 * 2 * 3 * 900);
        topic_regex_free(regex);
    }
    mem_free(deep);
    mem_free(closed);
    mem_free(closing);
    mem_free(wide);
    mem_free(names);
    mem_free(long_one);
    mem_free(name);
}

/* A budget that is too small is spent, and never more than that. */
static void test_budget(void **state) {
    (void)state;
    struct error_text why;
    struct topic_regex *regex = topic_regex_new("(a?){500}", 9, &why);
    uint64_t budget = 100;
    assert_false(topic_regex_matches(regex, "aaaaaaaa", 8, &budget));
    assert_int_equal(budget, 0);
    assert_true(matches(regex, "aaaaaaaa"));
    topic_regex_free(regex);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_re2j), cmocka_unit_test(test_subscriptions),
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
