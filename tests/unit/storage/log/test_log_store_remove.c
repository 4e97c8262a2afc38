/* Groups that are removed from a store: gone from disk and journal, also when a broker died in the
 * middle. */
#include <stdio.h>
#include <string.h>

#include "storage/log/log_internal.h"
#include "storage/log/write_behind.h"
#include "storage/segment/replica_file.h"
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
    while (f->store->jobs + f->store->staging_jobs > 0 || f->store->removals.first != NULL)
        stored_run_a_while(f);
    assert_false(stored_group_exists(f, 2, ""));
    assert_false(stored_group_exists(f, 2, ".deleted"));
    assert_false(stored_group_exists(f, 1, ""));              /* it was never written */
    assert_int_equal(log_store_remove_group(f->store, 2), 0); /* once more is harmless */
    while (f->store->jobs + f->store->staging_jobs > 0)
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
    while (f->store->jobs + f->store->staging_jobs > 0 || f->store->removals.first != NULL)
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

static bool replica_here(struct stored_logs *f, replica_id *replica) {
    char groups[160];
    snprintf(groups, sizeof groups, "%s/groups", f->path);
    return replica_file_read(f->folder.env, groups, 2, replica) == ERR_NONE;
}

static void set_flag(void *flag) {
    *(bool *)flag = true;
}

/* Log 1 (of group 2) as that replica. */
static int open_as(struct stored_logs *f, replica_id replica) {
    struct error_text why;
    bool ready = false;
    struct partition_log_opening *opening = partition_log_open_begin(f->store, 2, replica,
                                                                     "topic-2", set_flag, &ready);
    while (!ready)
        stored_run_a_while(f);
    return partition_log_open_end(opening, &stored_events, f, &f->logs[1], &why);
}

static void close_log(struct stored_logs *f) {
    partition_log_close(f->logs[1]);
    f->logs[1] = NULL;
    while (f->store->jobs + f->store->staging_jobs > 0)
        stored_run_a_while(f);
}

static void remove_as(struct stored_logs *f, replica_id replica) {
    bool over = false;
    assert_int_equal(log_store_remove_replica(f->store, 2, replica, set_flag, &over), 0);
    assert_false(over);
    while (!over)
        stored_run_a_while(f);
}

static void write_some(struct stored_logs *f) {
    stored_append(f, 1, 300);
    stored_settle(f, 1);
    partition_log_commit(f->logs[1], 1);
    write_behind_sync(f->logs[1], 1);
}

/* A replica that left is removed, and nobody else's files are; then another one of the group begins
 * with nothing. */
static void test_store_removes_replicas(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    replica_id found;
    assert_int_equal(open_as(f, 0), 0);
    write_some(f);
    assert_int_equal(log_store_remove_replica(f->store, 2, 0, NULL, NULL), ERR_BUSY);
    close_log(f);
    remove_as(f, 9); /* not here */
    assert_true(stored_group_exists(f, 2, ""));
    stored_close(f);
    stored_open(f);
    assert_int_equal(open_as(f, 9), ERR_BUSY); /* nor is it taken for that one */
    while (f->store->jobs + f->store->staging_jobs > 0)
        stored_run_a_while(f);
    remove_as(f, 0);
    assert_false(stored_group_exists(f, 2, ""));
    assert_false(journal_recovered_is_gone(log_store_journal(f->store), 2));
    assert_int_equal(open_as(f, 9), 0);
    assert_true(replica_here(f, &found));
    assert_int_equal(found, 9);
    assert_int_equal(partition_log_last_index(f->logs[1]), 0);
    write_some(f);
    close_log(f);
    remove_as(f, 0); /* the first one has gone already: a start hears of it again */
    assert_true(stored_group_exists(f, 2, ""));
    stored_close(f);
    stored_open(f);
    assert_int_equal(open_as(f, 0), ERR_BUSY);
    while (f->store->jobs + f->store->staging_jobs > 0)
        stored_run_a_while(f);
    assert_int_equal(open_as(f, 9), 0);
    assert_int_equal(partition_log_last_index(f->logs[1]), 1);
    close_log(f);
    remove_as(f, 9);
    assert_false(stored_group_exists(f, 2, ""));
    assert_false(replica_here(f, &found));
    stored_close(f);
    stored_open(f);
    assert_null(journal_recovered(log_store_journal(f->store), 2));
    stored_tear_down(f);
}

/* A stop before the journal forgets it: it is as it was, and goes with the next start. */
static void test_store_stops_before_it_forgets(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    bool over = false;
    assert_int_equal(open_as(f, 0), 0);
    write_some(f);
    close_log(f);
    assert_int_equal(log_store_remove_replica(f->store, 2, 0, set_flag, &over), 0);
    stored_close(f);
    stored_open(f);
    assert_true(stored_group_exists(f, 2, ""));
    remove_as(f, 0);
    assert_false(stored_group_exists(f, 2, ""));
    assert_false(over);
    stored_tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_removes_groups),
        cmocka_unit_test(test_store_removes_again),
        cmocka_unit_test(test_store_removes_replicas),
        cmocka_unit_test(test_store_stops_before_it_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
