/* Why nobody can listen, and what to do: every way has its words. */
#include <string.h>

#include "base/io/listen_error.h"
#include "tests/unit/unit.h"

static void assert_says(int error, int port, const char *part) {
    struct error_text why;
    struct listen_place place = {"serve /metrics", "8.8.8.8:80", port, "http.listen"};
    assert_int_equal(listen_error_set(&why, error, &place), error);
    if (strstr(why.text, "cannot serve /metrics on 8.8.8.8:80: ") != why.text ||
        strstr(why.text, part) == NULL || strstr(why.text, "http.listen") == NULL)
        fail_msg("not \"%s\": %s", part, why.text);
}

static void test_listen_errors(void **state) {
    (void)state;
    assert_says(ERR_BUSY, 80, "in use by another program; stop it");
    assert_says(ERR_INVALID, 80, "this machine does not have that address; name one of its own");
    assert_says(ERR_NAME, 80, "does not resolve");
    assert_says(ERR_DENIED, 80, "ports below 1024");
    assert_says(ERR_DENIED, 8080, "may not open that port");
    assert_says(ERR_LIMIT, 80, "a limit is reached");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_listen_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
