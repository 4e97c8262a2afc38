/* The command line of draved: what it accepts and what it says. */
#include <stdio.h>
#include <string.h>

#include "broker/options.h"
#include "tests/unit/unit.h"

enum { WORDS_MAX = 12 };

/* Words with blanks between them, as a shell would cut them. */
static int parse(const char *line, struct options *options, struct error_text *why) {
    static char copy[256];
    char *words[WORDS_MAX + 1] = {"draved"};
    int count = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL && count < WORDS_MAX;
         word = strtok(NULL, " "))
        words[count++] = word;
    why->text[0] = '\0';
    return options_parse(count, words, options, why);
}

/* What each line asks for. */
static void test_options_actions(void **state) {
    (void)state;
    struct options options;
    struct error_text why;
    assert_int_equal(parse("", &options, &why), ERR_NONE);
    assert_int_equal(options.action, ACTION_RUN);
    assert_int_equal(parse("--config a.conf --set x=1 --set=y=2", &options, &why), ERR_NONE);
    assert_string_equal(options.config, "a.conf");
    assert_int_equal(options.set_count, 2);
    assert_string_equal(options.set[1], "y=2");
    assert_int_equal(parse("--check", &options, &why), ERR_NONE);
    assert_int_equal(options.action, ACTION_CHECK);
    assert_int_equal(parse("--help-config", &options, &why), ERR_NONE);
    assert_int_equal(options.action, ACTION_HELP_CONFIG);
    assert_int_equal(parse("log dump DIR --topic t --partition 3 --json", &options, &why),
                     ERR_NONE);
    assert_int_equal(options.action, ACTION_LOG_DUMP);
    assert_string_equal(options.directory, "DIR");
    assert_string_equal(options.topic, "t");
    assert_int_equal(options.partition, 3);
    assert_true(options.json);
    assert_int_equal(parse("log verify DIR", &options, &why), ERR_NONE);
    assert_int_equal(options.action, ACTION_LOG_VERIFY);
    assert_int_equal(options.partition, -1);
    assert_int_equal(parse("backup adopt one two --json", &options, &why), ERR_NONE);
    assert_int_equal(options.action, ACTION_BACKUP_ADOPT);
    assert_int_equal(options.directory_count, 2);
    assert_string_equal(options.directories[1], "two");
    assert_true(options.json);
}

/* What is wrong, with what would do. */
static void test_options_wrong(void **state) {
    (void)state;
    static const struct {
        const char *line, *said;
    } cases[] = {{"--confg a.conf", "did you mean --config?"},
                 {"--frobnicate", "there is no option --frobnicate"},
                 {"--config", "--config needs a value"},
                 {"--check=yes", "--check=yes needs a value, or has one that it does not take"},
                 {"log dump", "usage: draved log dump DIR"},
                 {"log drop DIR", "usage: draved log dump DIR"},
                 {"backup adopt", "usage: draved backup adopt DIR..."},
                 {"backup make DIR", "usage: draved backup adopt DIR..."},
                 {"start", "not start"},
                 {"--json", "belong to draved log dump DIR"},
                 {"log dump DIR --partition three", "--partition three"},
                 {"log dump DIR --partition -1", "--partition -1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options options;
        struct error_text why;
        assert_int_equal(parse(cases[i].line, &options, &why), ERR_INVALID);
        if (strstr(why.text, cases[i].said) == NULL)
            fail_msg("\"%s\" is not in: %s", cases[i].said, why.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_actions),
        cmocka_unit_test(test_options_wrong),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
