/* What all commands of a kind have in common. */
#include <string.h>

#include "client/line/command_line.h"
#include "tests/unit/unit.h"

static bool has_option(const struct command *command, int key) {
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].key == key) return true;
    return false;
}

/* What lists or shows something shows it again with -w, and nothing else has it. */
static void test_what_shows_has_watch(void **state) {
    (void)state;
    size_t watched = 0;
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        bool shows = strncmp(command->help, "Lists ", 6) == 0 ||
                     strncmp(command->help, "Shows ", 6) == 0 ||
                     strncmp(command->help, "Names ", 6) == 0;
        if (shows && command->run != NULL && !has_option(command, OPTION_WATCH))
            fail_msg("drave %s has no -w", command->name);
        if (!shows && has_option(command, OPTION_WATCH))
            fail_msg("drave %s has -w, and changes something", command->name);
        watched += has_option(command, OPTION_WATCH);
    }
    assert_true(watched >= 9);
}

/* Every change can be tried with --dry-run: what has no such option only reads, says so by its
 * first word, and is let through by profiles with read.only (command_changes). */
static void test_what_changes_has_dry_run(void **state) {
    (void)state;
    static const char *const reading[] = {"Lists ",  "Shows ", "Names ",
                                          "Prints ", "Asks ",  "Measures "};
    size_t changing = 0;
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        bool reads = strncmp(command->name, "dev", 3) == 0; /* processes of this machine */
        for (size_t k = 0; k < sizeof(reading) / sizeof(reading[0]); k++)
            reads = reads || strncmp(command->help, reading[k], strlen(reading[k])) == 0;
        if (!reads && !has_option(command, OPTION_DRY_RUN))
            fail_msg("drave %s changes something and has no --dry-run", command->name);
        if (reads && has_option(command, OPTION_DRY_RUN))
            fail_msg("drave %s has --dry-run, and its text says that it only reads", command->name);
        changing += !reads;
    }
    assert_true(changing >= 12);
}

/* What a profile with read.only refuses, beside what has --dry-run: records that are written, and
 * offsets that are committed. */
static void test_what_changes_a_cluster(void **state) {
    (void)state;
    const struct {
        const char *command, *word;
        int option;
        bool changes;
    } rows[] = {{"topic delete", "t", 'x', true},
                {"topic delete", "t", OPTION_DRY_RUN, false},
                {"topic list", "t", 'x', false},
                {"produce", "t", 'x', true},
                {"produce", "t", OPTION_DRY_RUN, false},
                {"consume", "t", 'x', false},
                {"consume", "t", 'G', true},
                {"consume", "t", OPTION_SHARE, true},
                {"bench", "produce", 'x', true},
                {"bench", "e2e", 'x', true},
                {"bench", "consume", 'x', false},
                {"bench", "consume", 'G', true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *words[] = {(char *)(uintptr_t)rows[i].word};
        struct invocation in = {.words = words, .word_count = 1, .value_count = 1};
        in.values[0].key = rows[i].option;
        in.values[0].value = "";
        for (size_t k = 0; k < command_count; k++)
            if (strcmp(commands[k].name, rows[i].command) == 0) in.command = &commands[k];
        assert_non_null(in.command);
        if (command_changes(&in) != rows[i].changes) fail_msg("row %zu: %s", i, rows[i].command);
    }
}

/* No option is there twice, whichever way it is written; none hides one of every command, but where
 * drave dev says what its brokers are to speak, in place of what it speaks itself. */
static void test_options_differ(void **state) {
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        for (size_t a = 0; a < commands[i].option_count; a++) {
            const struct command_option *one = &commands[i].options[a];
            for (size_t b = 0; b < a + every_command_count; b++) {
                const struct command_option *other = b < a ? &commands[i].options[b]
                                                           : &every_command[b - a];
                assert_int_not_equal(one->key, other->key);
                if (one->key == OPTION_DEV_TLS || one->key == OPTION_DEV_SASL) continue;
                assert_string_not_equal(one->name, other->name);
                if (one->letter) assert_int_not_equal(one->letter, other->letter);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_shows_has_watch),
        cmocka_unit_test(test_what_changes_has_dry_run),
        cmocka_unit_test(test_what_changes_a_cluster),
        cmocka_unit_test(test_options_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
