/* Errors: every code has a phrase, every errno that matters has its code, sentences fit. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/unit.h"

/* Each code of the list has a phrase of its own; a number outside has one, too. */
static void test_error_phrase_of_every_code(void **state) {
    (void)state;
    for (int a = ERR_NONE; a <= ERR_SYSTEM; a++) {
        assert_non_null(error_phrase(a));
        for (int b = ERR_NONE; b < a; b++)
            assert_string_not_equal(error_phrase(a), error_phrase(b));
    }
    assert_string_equal(error_phrase(ERR_SYSTEM + 1), "unknown error");
    assert_string_equal(error_phrase(-1), "unknown error");
}

/* The codes on which decisions stand come from exactly their errno. */
static void test_error_from_errno_decisions(void **state) {
    (void)state;
    assert_int_equal(error_from_errno(0), ERR_NONE);
    assert_int_equal(error_from_errno(ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(error_from_errno(ECONNRESET), ERR_CONNECTION);
    assert_int_equal(error_from_errno(ENOSPC), ERR_NO_SPACE);
    assert_int_equal(error_from_errno(EDQUOT), ERR_QUOTA);
    assert_int_equal(error_from_errno(EFBIG), ERR_FILE_SIZE);
    assert_int_equal(error_from_errno(EROFS), ERR_READ_ONLY);
    for (int error = ERR_NONE; error <= ERR_SYSTEM; error++)
        assert_true(error_is_no_room(error) == (error == ERR_NO_SPACE || error == ERR_NO_INODES ||
                                                error == ERR_QUOTA || error == ERR_FILE_SIZE));
    assert_int_equal(error_from_errno(EIO), ERR_IO);
    assert_int_equal(error_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(error_from_errno(EADDRINUSE), ERR_BUSY);
    assert_int_equal(error_from_errno(EAGAIN), ERR_AGAIN);
}

/* No errno, known or not, is taken for success or for an end in good order. */
static void test_error_from_errno_never_success(void **state) {
    (void)state;
    for (int number = 1; number < 4096; number++) {
        assert_int_not_equal(error_from_errno(number), ERR_NONE);
        assert_int_not_equal(error_from_errno(number), ERR_EOF);
    }
    assert_int_equal(error_from_errno(4095), ERR_SYSTEM);
}

/* A sentence that is too long is cut and terminated, and the code comes back. */
static void test_error_set_long_sentence(void **state) {
    (void)state;
    char name[2000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct error_text why;
    assert_int_equal(error_set(&why, ERR_BUSY, "%s is taken", name), ERR_BUSY);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_phrase_of_every_code),
        cmocka_unit_test(test_error_from_errno_decisions),
        cmocka_unit_test(test_error_from_errno_never_success),
        cmocka_unit_test(test_error_set_long_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
