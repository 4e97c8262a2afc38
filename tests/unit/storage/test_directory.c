/* Directories that are made, or there already. That they stay after a power cut is for the
 * simulator to show. */
#include <stdio.h>
#include <unistd.h>

#include "storage/directory.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

/* Made, there already, with slashes at the end, relative to the working directory, and under what
 * does not exist. */
static void test_directory_make(void **state) {
    (void)state;
    struct folder folder;
    char path[128];
    enum env_kind kind;
    folder_open(&folder);
    snprintf(path, sizeof path, "%s/a", folder.path);
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(directory_make(folder.env, path), ERR_NONE);
    assert_int_equal(env_kind_of(folder.env, path, &kind), ERR_NONE);
    assert_int_equal(kind, ENV_DIRECTORY);
    snprintf(path, sizeof path, "%s/a//b//", folder.path);
    assert_int_equal(directory_make(folder.env, path), ERR_NONE);
    snprintf(path, sizeof path, "%s/no/c", folder.path);
    assert_int_equal(directory_make(folder.env, path), ERR_NOT_FOUND);
    char *before = getcwd(path, sizeof path);
    assert_non_null(before);
    assert_int_equal(chdir(folder.path), 0);
    assert_int_equal(directory_make(folder.env, "relative"), ERR_NONE);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(directory_make(folder.env, "/"), ERR_NONE);
    folder_close(&folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_directory_make)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
