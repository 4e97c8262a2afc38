/* Expressions over names: what Java's Pattern says of 1,500 random ones, what is refused, and that
 * none takes longer than its budget. tests/golden/name_regex.txt: pattern, name, yes or no, and of
 * each group where it begins and ends, as Java 17 has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/tls/name_regex.h"
#include "tests/unit/unit.h"

enum { LINE = 1024 };

static struct name_regex *made(const char *pattern) {
    struct error_text why;
    struct name_regex *regex = name_regex_new(pattern, strlen(pattern), &why);
    if (regex == NULL) fail_msg("%s: %s", pattern, why.text);
    return regex;
}

static void write_groups(const struct name_group *groups, unsigned count, char *into, size_t room) {
    size_t at = (size_t)snprintf(into, room, "yes");
    for (unsigned i = 1; i <= count; i++)
        at += groups[i].from == SIZE_MAX || groups[i].to == SIZE_MAX
                  ? (size_t)snprintf(into + at, room - at, "\t-")
                  : (size_t)snprintf(into + at, room - at, "\t%zu:%zu", groups[i].from,
                                     groups[i].to);
}

/* Whether it matches is the same always; where the groups are, too, but where a group that may be
 * empty is repeated: there Java's loops end in ways of their own. */
static void test_name_regex_as_java(void **state) {
    char path[512], line[LINE];
    (void)state;
    snprintf(path, sizeof path, "%s/tests/golden/name_regex.txt", getenv("DRAVE_ROOT"));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    int count = 0, groups_differ = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line, *pattern = strsep(&rest, "\t"), *name = strsep(&rest, "\t");
        struct name_group groups[NAME_REGEX_GROUPS];
        uint64_t budget = 1000000;
        char said[LINE] = "no";
        struct name_regex *regex = made(pattern);
        if (name_regex_match(regex, name, strlen(name), groups, &budget))
            write_groups(groups, name_regex_groups(regex), said, sizeof said);
        if (strncmp(said, rest, 2) != 0)
            fail_msg("%s of '%s': %s, not %s", pattern, name, said, rest);
        groups_differ += strcmp(said, rest) != 0;
        name_regex_free(regex);
        count++;
    }
    fclose(file);
    assert_in_range(count, 1400, 2000);
    assert_in_range(groups_differ, 0, 60);
}

static void test_name_regex_refused(void **state) {
    static const char *const patterns[] = {"(",
                                           "a)",
                                           "[a",
                                           "a**",
                                           "*a",
                                           "a*+",
                                           "(?=a)",
                                           "(?<!a)b",
                                           "(a)\\1",
                                           "a{2,1}",
                                           "a{501}",
                                           "a{x}",
                                           "\\",
                                           "\\q",
                                           "[b-a]",
                                           "[a&&b]",
                                           "[[a]]",
                                           "(?<n",
                                           "((a{100}){100}){100}",
                                           "(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct error_text why;
        struct name_regex *regex = name_regex_new(patterns[i], strlen(patterns[i]), &why);
        if (regex != NULL || why.text[0] == '\0') fail_msg("%s is taken", patterns[i]);
    }
}

/* What takes a machine that tries everything years takes as many steps as it has instructions and
 * bytes. */
static void test_name_regex_time(void **state) {
    static const char *const patterns[] = {"(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)(.*)(.*)(.*)(.*)b",
                                           "((a?){10}){10}b"};
    char name[2001];
    (void)state;
    memset(name, 'a', sizeof name);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct name_group groups[NAME_REGEX_GROUPS];
        struct name_regex *regex = made(patterns[i]);
        uint64_t budget = NAME_REGEX_CODE_MAX * (sizeof name + 1), spent = 5000;
        assert_false(name_regex_match(regex, name, sizeof name, groups, &budget));
        assert_true(budget > 0);
        assert_false(name_regex_match(regex, name, sizeof name, groups, &spent));
        assert_int_equal(spent, 0);
        name_regex_free(regex);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_name_regex_as_java),
                                       cmocka_unit_test(test_name_regex_refused),
                                       cmocka_unit_test(test_name_regex_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
