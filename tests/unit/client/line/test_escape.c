/* Escapes in separators and formats. */
#include <string.h>

#include "base/mem.h"
#include "client/line/escape.h"
#include "tests/unit/unit.h"

/* Each escape is one byte; what is none is shown where it stands. */
static void test_escape_text(void **state) {
    (void)state;
    size_t len;
    const char *wrong = NULL;
    char *text = escape_text("a\\t\\n\\r\\0\\\\\\x1F%b", &len, &wrong);
    assert_int_equal(len, 9);
    assert_memory_equal(text, "a\t\n\r\0\\\x1f%b", 10);
    mem_free(text);
    text = escape_text("", &len, &wrong);
    assert_int_equal(len, 0);
    mem_free(text);
    const char *const refused[] = {"a\\q", "\\", "\\x1", "\\xg0", "a\\"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_null(escape_text(refused[i], &len, &wrong));
        assert_ptr_equal(wrong, strchr(refused[i], '\\'));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_escape_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
