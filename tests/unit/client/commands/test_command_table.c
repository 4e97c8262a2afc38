/* What all commands of a kind have in common. */
#include <string.h>

#include "client/line/command.h"
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

/* No option is there twice. */
static void test_options_differ(void **state) {
    (void)state;
    for (size_t i = 0; i < command_count; i++)
        for (size_t a = 0; a < commands[i].option_count; a++)
            for (size_t b = 0; b < a; b++)
                assert_int_not_equal(commands[i].options[a].key, commands[i].options[b].key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_shows_has_watch),
        cmocka_unit_test(test_options_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
