/* A log that comes in as files, when others have to do with its directory: its log is closed and
 * removed, or what is staged is not where it was. */
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/segment/group_directory.h"
#include "storage/segment/staged_directory.h"
#include "tests/unit/storage/fixture_given.h"
#include "tests/unit/unit.h"

enum { HELD_MOST_MS = 20 * 1000 };

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

static bool has_staged(const struct given *given) {
    char *path = given_staged_path(given, "");
    bool there = exists(path);
    mem_free(path);
    return there;
}

/* ---- A lane that does nothing until it is let go ---- */

static atomic_bool held;

static void hold_work(struct env_job *job) {
    (void)job;
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    for (int i = 0; i < HELD_MOST_MS && atomic_load(&held); i++)
        nanosleep(&pause, NULL);
}

static void ignore(struct env_job *job) {
    (void)job;
}

static void hold_staging(struct given *given) {
    static struct env_job job;
    job = (struct env_job){.work = hold_work, .done = ignore};
    atomic_store(&held, true);
    env_lane_run(given->member.store->staging_lane, &job);
}

static void let_go(void) {
    atomic_store(&held, false);
}

static bool passed;

static void pass(struct env_job *job) {
    (void)job;
    passed = true;
}

/* All that is in the lane of the group by now is done. */
static void run_lane_of_group(struct given *given) {
    static struct env_job job;
    struct log_store *store = given->member.store;
    job = (struct env_job){.work = ignore, .done = pass};
    passed = false;
    env_lane_run(log_store_lane(store, LOG_MODEL_GROUP), &job);
    while (!passed)
        log_model_run(&given->member);
}

/* ---- Tests ---- */

static void begin_first_block(struct given *given) {
    struct log_staging_wanted wanted;
    assert_true(log_staging_wanted(given->staging, UINT32_MAX, &wanted));
    assert_int_equal(wanted.offset, 0);
    struct slice piece = slice_copy(NULL, given->bytes[wanted.file], wanted.length);
    log_staging_put(given->staging, &wanted, piece);
    slice_unref(&piece);
}

static void never_moved(void *arg, int error) {
    (void)arg, (void)error;
    fail_msg("a staging that is closed has moved");
}

static void open_without_waiting(struct given *given) {
    struct slice bytes = prefix_files_encode(&given->list);
    struct prefix_files copy;
    assert_int_equal(prefix_files_decode(bytes.data, bytes.len, &copy), ERR_NONE);
    slice_unref(&bytes);
    given->staging = log_staging_open(given->member.log, &copy, never_moved, NULL);
}

static void set_flag(void *flag) {
    *(bool *)flag = true;
}

static void remove_group(struct given *given, bool of_replica, bool *over) {
    struct log_model *member = &given->member;
    *over = !of_replica;
    int error = of_replica
                    ? log_store_remove_replica(member->store, LOG_MODEL_GROUP, 0, set_flag, over)
                    : log_store_remove_group(member->store, LOG_MODEL_GROUP);
    assert_int_equal(error, ERR_NONE);
}

/* The group is removed while the staging has a job that will open the next file, or that has not
 * begun: neither finds that its directory has gone, nor makes it again. */
static void test_staging_removed_meanwhile(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct given given;
        struct log_model *member = &given.member;
        given_set_up(&given, 2, 60 + i);
        if (i & 1) {
            given_open(&given);
            given_put(&given, UINT32_MAX, NULL); /* the state */
            assert_int_equal(given.error, ERR_NONE);
        }
        hold_staging(&given);
        if (i & 1)
            begin_first_block(&given); /* all of the file: it opens the next one */
        else
            open_without_waiting(&given);
        log_staging_close(given.staging);
        given.staging = NULL;
        partition_log_close(member->log);
        member->log = NULL;
        bool over;
        remove_group(&given, i & 2, &over);
        for (int steps = 0; steps < 3; steps++)
            run_lane_of_group(&given);
        let_go();
        while (member->store->jobs > 0 || member->store->staging_jobs > 0 || !over)
            log_model_run(member);
        assert_false(has_staged(&given));
        log_store_close(member->store);
        folder_run_out(&member->folder);
        given_tear_down(&given);
    }
}

/* Nothing is put in place, nor taken for it, but what ends where it should. */
static void test_staged_swap_looks_what_is_there(void **state) {
    (void)state;
    struct given given;
    given_set_up(&given, 2, 70);
    log_model_flush(&given.member);
    given_fetch(&given);
    struct env *env = given.member.folder.env;
    struct staged_place end = staged_directory_end(&given.list), other = end;
    const char *groups = given.member.store->groups_path;
    char *group = log_model_group_path(&given.member), *staged = staged_directory_path(group),
         *aside, *away = path_join(groups, "away");
    other.index++;
    assert_int_equal(env_rename(env, staged, away), ERR_NONE);
    assert_int_equal(staged_directory_swap(env, groups, group, LOG_MODEL_GROUP, &end, &aside),
                     ERR_NOT_FOUND);
    assert_true(exists(group));
    assert_int_equal(group_directory_put_aside(env, group, &aside), ERR_NONE);
    mem_free(aside);
    assert_int_equal(env_rename(env, away, group), ERR_NONE);
    assert_int_equal(staged_directory_swap(env, groups, group, LOG_MODEL_GROUP, &other, &aside),
                     ERR_NOT_FOUND);
    assert_int_equal(staged_directory_swap(env, groups, group, LOG_MODEL_GROUP, &end, &aside),
                     ERR_NONE); /* an earlier call had come so far */
    assert_null(aside);
    mem_free(away);
    mem_free(staged);
    mem_free(group);
    given_tear_down(&given);
}

/* ---- The room ---- */

static uint64_t promised(const struct given *given) {
    struct disk_space_facts facts;
    disk_space_facts_get(log_store_room(given->member.store), &facts);
    return facts.promised_bytes;
}

static void restart(struct given *given) {
    if (given->staging != NULL) log_staging_close(given->staging);
    given->staging = NULL;
    log_model_stop(&given->member, true);
    log_model_start(&given->member);
}

/* What is missing is spoken for, byte by byte less, until it is there or given up: whoever stages
 * at the same time does not count on the same room. */
static void test_staging_promises_what_is_missing(void **state) {
    (void)state;
    struct given given;
    struct log_staging_wanted wanted;
    given_set_up(&given, 2, 80);
    log_model_flush(&given.member);
    uint64_t before = promised(&given), missing = prefix_files_bytes(&given.list);
    given_open(&given);
    assert_int_equal(given.error, ERR_NONE);
    assert_int_equal(promised(&given), before + missing);
    while (log_staging_wanted(given.staging, 300, &wanted) && wanted.file < 2) {
        given_put(&given, 300, NULL);
        missing -= wanted.length;
        assert_int_equal(promised(&given), before + missing);
    }
    log_staging_close(given.staging);
    given.staging = NULL;
    assert_int_equal(promised(&given), before);
    given_open(&given);
    assert_int_equal(promised(&given), before + missing);
    given_put_all(&given);
    assert_int_equal(promised(&given), before);
    given_tear_down(&given);
}

/* A disk without room takes up what it has already, and nothing more; what came stays there. */
static void test_staging_asks_for_what_is_missing_only(void **state) {
    (void)state;
    struct given given;
    struct log_staging_wanted wanted;
    given_set_up(&given, 2, 81);
    struct disk_space *room = log_store_room(given.member.store);
    given_open(&given);
    while (log_staging_wanted(given.staging, 300, &wanted) && wanted.file < 2)
        given_put(&given, 300, NULL);
    log_staging_close(given.staging);
    disk_space_set_min_free(room, UINT64_MAX);
    given_open(&given);
    assert_int_equal(given.error, ERR_NO_SPACE);
    log_staging_close(given.staging);
    disk_space_set_min_free(room, 0);
    given_open(&given);
    assert_int_equal(given.error, ERR_NONE);
    assert_true(log_staging_wanted(given.staging, 300, &wanted));
    assert_int_equal(wanted.file, 2);
    given_put_all(&given);
    log_staging_close(given.staging);
    disk_space_set_min_free(room, UINT64_MAX);
    given_open(&given);
    assert_int_equal(given.error, ERR_NONE);
    assert_false(log_staging_wanted(given.staging, 300, &wanted));
    disk_space_set_min_free(room, 0);
    given_tear_down(&given);
}

/* ---- What an earlier process has left ---- */

static void make_old(const char *path) {
    const struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
}

static bool is_old(const char *path) {
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    return found.st_mtime == 1000;
}

/* It reads well, and may not be on the disk all the same: the sync that would have said so failed.
 * So it is written again, and synced; what this process has written itself is not. */
static void test_staging_writes_again_what_was_left(void **state) {
    (void)state;
    struct given given;
    given_set_up(&given, 2, 82);
    char *file = staged_file_path("", &given.list.files[1]),
         *path = given_staged_path(&given, file + 1);
    given_open(&given);
    given_put_all(&given);
    log_staging_close(given.staging);
    make_old(path);
    given_open(&given);
    assert_true(is_old(path)); /* this process has synced it */
    restart(&given);
    make_old(path);
    given_fetch(&given);
    assert_false(is_old(path));
    given_install(&given);
    given_go_on(&given);
    log_model_check(&given.member);
    given_open(&given); /* another one */
    given_put_all(&given);
    log_staging_close(given.staging);
    make_old(path);
    given_open(&given);
    assert_true(is_old(path));
    mem_free(path);
    mem_free(file);
    given_tear_down(&given);
}

/* ---- Stopping ---- */

static void stop_loop(void *arg) {
    folder_stop(arg);
}

/* A flush does not wait for what a staging reads or writes, and one that is closed does nothing any
 * more. */
static void test_staging_holds_no_stop(void **state) {
    (void)state;
    struct given given;
    given_set_up(&given, 2, 83);
    hold_staging(&given);
    open_without_waiting(&given);
    log_store_flush(given.member.store, stop_loop, &given.member.folder);
    folder_run(&given.member.folder);
    log_staging_close(given.staging);
    given.staging = NULL;
    let_go();
    while (given.member.store->staging_jobs > 0)
        log_model_run(&given.member);
    assert_false(has_staged(&given));
    given_tear_down(&given);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_staging_removed_meanwhile),
        cmocka_unit_test(test_staged_swap_looks_what_is_there),
        cmocka_unit_test(test_staging_promises_what_is_missing),
        cmocka_unit_test(test_staging_asks_for_what_is_missing_only),
        cmocka_unit_test(test_staging_writes_again_what_was_left),
        cmocka_unit_test(test_staging_holds_no_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
