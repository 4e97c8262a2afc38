/* Groups that are removed from a store: gone from disk and journal, also when a broker died in the
 * middle. */
#include <stdio.h>
#include <string.h>

#include "storage/log/log_internal.h"
#include "storage/log/write_behind.h"
#include "tests/unit/storage/fixture_stored_logs.h"
#include "tests/unit/unit.h"

/* A removed group is gone from disk and journal; its name is free at once, and what a stop left is
 * removed at the next start. */
static void test_store_removes_groups(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_open_logs(f, 3);
    for (unsigned i = 0; i < 3; i++) {
        stored_append(f, i, 300);
        stored_settle(f, i);
        partition_log_commit(f->logs[i], 1);
    }
    assert_int_equal(log_store_remove_group(f->store, 2), ERR_BUSY);
    write_behind_sync(f->logs[1], 1); /* a write is under way while the log is closed and removed */
    partition_log_close(f->logs[1]);
    f->logs[1] = NULL;
    assert_int_equal(log_store_remove_group(f->store, 2), 0);
    while (f->store->jobs > 0 || f->store->removals.first != NULL)
        stored_run_a_while(f);
    assert_false(stored_group_exists(f, 2, ""));
    assert_false(stored_group_exists(f, 2, ".deleted"));
    assert_false(stored_group_exists(f, 1, ""));              /* it was never written */
    assert_int_equal(log_store_remove_group(f->store, 2), 0); /* once more is harmless */
    while (f->store->jobs > 0)
        stored_run_a_while(f);
    stored_append(f, 0, 10);
    stored_settle(f, 0); /* the journal has a round with the forgotten group */
    char leftover[160];
    snprintf(leftover, sizeof leftover, "%s/groups/%016x.deleted", f->path, 9);
    assert_int_equal(env_mkdir(f->folder.env, leftover), 0);
    stored_close(f);
    stored_open(f);
    assert_null(journal_recovered(log_store_journal(f->store), 2));
    folder_run_out(&f->folder);
    assert_false(stored_group_exists(f, 9, ".deleted"));
    stored_tear_down(f);
}

/* A broker died when a group was put aside and the journal had not heard of it: the group comes
 * again, and goes again, although what was put aside is still there. */
static void test_store_removes_again(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    char path[160];
    struct env_file *file;
    stored_open_logs(f, 2);
    stored_append(f, 1, 300);
    stored_settle(f, 1);
    partition_log_commit(f->logs[1], 1);
    write_behind_sync(f->logs[1], 1);
    for (const char **name = (const char *[]){"", ".1", NULL}; *name; name++) {
        snprintf(path, sizeof path, "%s/groups/%016x%s.deleted", f->path, 2, *name);
        assert_int_equal(env_mkdir(f->folder.env, path), 0);
        snprintf(path, sizeof path, "%s/groups/%016x%s.deleted/left", f->path, 2, *name);
        assert_int_equal(env_file_open(f->folder.env, path, ENV_WRITE | ENV_CREATE, &file), 0);
        env_file_close(file);
    }
    partition_log_close(f->logs[1]);
    f->logs[1] = NULL;
    assert_int_equal(log_store_remove_group(f->store, 2), 0);
    while (f->store->jobs > 0 || f->store->removals.first != NULL)
        stored_run_a_while(f);
    assert_false(stored_group_exists(f, 2, ""));
    assert_false(stored_group_exists(f, 2, ".2.deleted"));
    assert_true(stored_group_exists(f, 2, ".deleted")); /* the next start finds it */
    stored_close(f);
    stored_open(f);
    while (f->store->removals.first != NULL)
        stored_run_a_while(f);
    assert_false(stored_group_exists(f, 2, ".deleted") || stored_group_exists(f, 2, ".1.deleted"));
    stored_tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_removes_groups),
        cmocka_unit_test(test_store_removes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
