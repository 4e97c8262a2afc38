/* Which command is meant, with its options anywhere. */
#include <string.h>

#include <stdio.h>

#include "base/mem.h"
#include "client/line/command_line.h"
#include "client/line/duration.h"
#include "tests/unit/unit.h"

enum { ARGUMENTS_MAX = 100 };

static struct invocation in;
static struct error_text why;

/* Parses a line of words between spaces; '_' alone is an empty word. */
static enum command_line_result parse(const char *line) {
    static char copy[2000];
    char *argv[ARGUMENTS_MAX] = {(char[]){"drave"}}, *rest = copy, *word;
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    mem_free(in.words);
    in = (struct invocation){.bootstrap = "default", .timeout_ms = 10000};
    why = (struct error_text){""};
    while ((word = strsep(&rest, " ")) && argc < ARGUMENTS_MAX)
        argv[argc++] = strcmp(word, "_") == 0 ? word + 1 : word;
    return command_line_parse(argc, argv, &in, &why);
}

static void expect_create(const char *line) {
    assert_int_equal(parse(line), COMMAND_LINE_RUN);
    assert_string_equal(in.command->name, "topic create");
    assert_int_equal(in.word_count, 1);
    assert_string_equal(in.words[0], "orders");
    assert_string_equal(in.bootstrap, "x:1");
    assert_string_equal(invocation_value(&in, 'p', ""), "3");
    assert_true(in.json);
}

/* The same line, whatever the order. */
static void test_command_line_order(void **state) {
    (void)state;
    expect_create("topic create orders -b x:1 -p 3 --json");
    expect_create("-b x:1 topic create orders -p3 --json");
    expect_create("-b x:1 -p 3 --json topic create orders");
    expect_create("--json topic -p 3 create --bootstrap=x:1 orders");
    expect_create("topic -bx:1 create --partitions 3 --json orders");
    expect_create("topic create --part 3 --boot x:1 --json -- orders");
}

/* Values may begin with a dash; flags may stand together; behind -- everything is a word. */
static void test_command_line_values(void **state) {
    (void)state;
    assert_int_equal(parse("consume t -o -10 -en5"), COMMAND_LINE_RUN);
    assert_string_equal(invocation_value(&in, 'o', ""), "-10");
    assert_string_equal(invocation_value(&in, 'n', ""), "5");
    assert_true(invocation_has(&in, 'e'));
    assert_int_equal(parse("-e consume -- -t"), COMMAND_LINE_RUN);
    assert_string_equal(in.words[0], "-t");
    assert_int_equal(parse("consume -"), COMMAND_LINE_RUN);
    assert_string_equal(in.words[0], "-");
    assert_int_equal(parse("consume _"), COMMAND_LINE_RUN);
    assert_string_equal(in.words[0], "");
    assert_int_equal(parse("topic create t -c a=1 -c b=2 -p 1 -p 2"), COMMAND_LINE_RUN);
    assert_string_equal(invocation_nth(&in, 'c', 1), "b=2");
    assert_string_equal(invocation_value(&in, 'p', ""), "2");
    assert_int_equal(parse("info --timeout 1.5m"), COMMAND_LINE_RUN);
    assert_int_equal(in.timeout_ms, 90000);
    assert_true(in.timeout_given);
}

/* "dev" is a command, and so is "dev stop". */
static void test_command_line_longer_name(void **state) {
    (void)state;
    assert_int_equal(parse("dev --nodes 3"), COMMAND_LINE_RUN);
    assert_string_equal(in.command->name, "dev");
    assert_int_equal(parse("--dir x dev stop"), COMMAND_LINE_RUN);
    assert_string_equal(in.command->name, "dev stop");
}

static void expect_wrong(const char *line, const char *part) {
    assert_int_equal(parse(line), COMMAND_LINE_WRONG);
    if (!strstr(why.text, part)) fail_msg("\"%s\" is not in: %s", part, why.text);
}

/* Options of kcat, rpk and Kafka's scripts are answered with what they are called here; those that
 * are ours, too, are taken. */
static void test_command_line_foreign(void **state) {
    (void)state;
    expect_wrong("topic list --bootstrap-server x:1",
                 "--bootstrap-server; here it is -b HOST:PORT");
    expect_wrong("topic list --bootstrap-server=x:1", "here it is -b HOST:PORT");
    expect_wrong("consume t --from-beginning", "that is where consume begins");
    expect_wrong("consume -t orders -e", "topics are named as words");
    expect_wrong("consume -torders", "topics are named as words");
    expect_wrong("-L", "drave info");
    expect_wrong("topic create t --replication-factor 3", "here it is --replicas");
    assert_int_equal(parse("group seek g --to end --topic t"), COMMAND_LINE_RUN);
    assert_int_equal(parse("consume t --max-messages 3"), COMMAND_LINE_RUN);
}

/* What is wrong is named, with what was meant. */
static void test_command_line_wrong(void **state) {
    (void)state;
    expect_wrong("topik list", "did you mean \"drave topic list\"");
    expect_wrong("-b x -p 3 topik list -e", "did you mean \"drave topic list\"");
    expect_wrong("dev frobnicate", "no command \"dev frobnicate\"");
    expect_wrong("--json", "name a command");
    expect_wrong("--jsn", "did you mean --json");
    expect_wrong("topic create t --partitons 3", "did you mean --partitions");
    expect_wrong("--partitons 3 topic create t", "--partitons");
    expect_wrong("topic create t -r", "-r needs a value");
    expect_wrong("topic create t --partitions", "--partitions needs a value");
    expect_wrong("info --json=1", "takes no value");
    expect_wrong("info -x", "no option -x");
    expect_wrong("topic create -p 3", "usage: drave topic create TOPIC");
    expect_wrong("info --timeout 0", "--timeout 0 is not a time");
    expect_wrong("info --timeout 25h", "at most a day");
    char many[2000] = "topic create t";
    for (size_t used = strlen(many), i = 0; i < 65; i++)
        used += (size_t)snprintf(many + used, sizeof many - used, " -ca=1");
    expect_wrong(many, "more than 64 options");
}

/* A name alone that needs more shows its help, and is wrong usage: a group of commands, and a
 * command without its words. */
static void test_command_line_alone(void **state) {
    (void)state;
    assert_int_equal(parse("topic"), COMMAND_LINE_ALONE);
    assert_null(in.command);
    assert_string_equal(in.words[0], "topic");
    assert_int_equal(parse("topic -b x"), COMMAND_LINE_ALONE);
    assert_int_equal(parse("bench"), COMMAND_LINE_ALONE);
    assert_string_equal(in.command->name, "bench");
    assert_int_equal(parse("topic create"), COMMAND_LINE_ALONE);
    assert_int_equal(parse("topic list"), COMMAND_LINE_RUN);
}

/* Help wins over whatever else is wrong. */
static void test_command_line_help(void **state) {
    (void)state;
    assert_int_equal(parse("topic create -h"), COMMAND_LINE_HELP);
    assert_string_equal(in.command->name, "topic create");
    assert_int_equal(parse("--help topic create --wrong"), COMMAND_LINE_HELP);
    assert_string_equal(in.command->name, "topic create");
    assert_int_equal(parse("--help"), COMMAND_LINE_HELP);
    assert_null(in.command);
    assert_int_equal(parse("topic --help"), COMMAND_LINE_HELP);
    assert_null(in.command);
    assert_string_equal(in.words[0], "topic");
    assert_int_equal(parse("help topic create"), COMMAND_LINE_RUN);
    assert_string_equal(in.command->name, "help");
    assert_int_equal(in.word_count, 2);
    assert_int_equal(parse("--version"), COMMAND_LINE_VERSION);
}

static void test_duration_parse(void **state) {
    (void)state;
    assert_int_equal(duration_parse("10s"), 10000);
    assert_int_equal(duration_parse("10"), 10000);
    assert_int_equal(duration_parse("500ms"), 500);
    assert_int_equal(duration_parse("0.5s"), 500);
    assert_int_equal(duration_parse("2m"), 120000);
    assert_int_equal(duration_parse("2h"), 7200000);
    assert_int_equal(duration_parse("1d"), 86400000);
    static const char *const wrong[] = {"",    "s",         "-1s",  "+1s",   "1 s",    "1S", "nan",
                                        "inf", "0x10s",     "1e3s", "0.1ms", "1.2.3s", ".",  "0",
                                        "1w",  "99999999d", "1s ",  " 1s",   "1,5s"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (duration_parse(wrong[i]) != 0) fail_msg("\"%s\" is taken for a time", wrong[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_command_line_order),
                                       cmocka_unit_test(test_command_line_values),
                                       cmocka_unit_test(test_command_line_longer_name),
                                       cmocka_unit_test(test_command_line_foreign),
                                       cmocka_unit_test(test_command_line_wrong),
                                       cmocka_unit_test(test_command_line_alone),
                                       cmocka_unit_test(test_command_line_help),
                                       cmocka_unit_test(test_duration_parse)};
    int code = cmocka_run_group_tests(tests, NULL, NULL);
    mem_free(in.words);
    return code;
}
