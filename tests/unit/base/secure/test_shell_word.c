/* A word for a shell is one word of it, whatever it holds. */
#include <stdio.h>
#include <string.h>

#include "base/secure/shell_word.h"
#include "tests/unit/unit.h"

static const char *word_of(const char *text) {
    static char into[256];
    size_t len = shell_word(text, into, sizeof into);
    assert_int_equal(len, strlen(into));
    return into;
}

/* Plain ones stay, others are quoted, keys are numbers. */
static void test_shell_word_forms(void **state) {
    (void)state;
    assert_string_equal(word_of("orders.v2"), "orders.v2");
    assert_string_equal(word_of(""), "''");
    assert_string_equal(word_of("a b"), "'a b'");
    assert_string_equal(word_of("x; rm -rf ~"), "'x; rm -rf ~'");
    assert_string_equal(word_of("$(id)`id`"), "'$(id)`id`'");
    assert_string_equal(word_of("it's"), "'it'\\''s'");
    assert_string_equal(word_of("caf\xC3\xA9"), "'caf\xC3\xA9'");
    assert_string_equal(word_of("\x03id\n'\\\x7f"), "$'\\003id\\012\\'\\\\\\177'");
}

/* What does not fit is told by its length, and is no half of a quoted word in a sentence. */
static void test_shell_word_room(void **state) {
    (void)state;
    char small[4], large[300], into[SHELL_WORD_ROOM];
    assert_int_equal(shell_word("a b", small, sizeof small), 5);
    assert_int_equal(shell_word("abc", small, sizeof small), 3);
    assert_string_equal(small, "abc");
    assert_int_equal(shell_word("abc", NULL, 0), 3);
    memset(large, ' ', sizeof large);
    large[253] = '\0';
    assert_int_equal(strlen(shell_word_in(large, into)), 255);
    large[253] = ' ';
    large[254] = '\0';
    assert_string_equal(shell_word_in(large, into), "NAME");
}

/* A shell gives it back as it was. */
static void test_shell_word_is_read_back(void **state) {
    (void)state;
    static const char *const words[] = {"plain", "it's", "$HOME `id` \"\\", "\x03\n\t'\\x", "a  b"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char word[128], command[200], got[128];
        shell_word(words[i], word, sizeof word);
        snprintf(command, sizeof command, "bash -c \"$(cat <<'END'\nprintf %%s %s\nEND\n)\"", word);
        FILE *shell = popen(command, "r");
        assert_non_null(shell);
        size_t len = fread(got, 1, sizeof got - 1, shell);
        got[len] = '\0';
        assert_int_equal(pclose(shell), 0);
        assert_string_equal(got, words[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shell_word_forms),
                                       cmocka_unit_test(test_shell_word_room),
                                       cmocka_unit_test(test_shell_word_is_read_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
