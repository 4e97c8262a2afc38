/* A log that a leader gives as files: how it comes in, how it takes the place of another one, and
 * what each crash leaves. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/journal/journal_internal.h"
#include "storage/segment/group_directory.h"
#include "storage/segment/prefix_source.h"
#include "storage/segment/staged_directory.h"
#include "tests/unit/storage/fixture_given.h"
#include "tests/unit/storage/fixture_keyed_log.h"
#include "tests/unit/unit.h"

/* Both: a list of the state alone, and one with segments. */
static const size_t segment_counts[] = {0, 2};

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

static bool has_staged(const struct given *given) {
    char *path = given_staged_path(given, "");
    bool there = exists(path);
    mem_free(path);
    return there;
}

/* Open again, at once or behind a clean end. */
static void member_restarts(struct given *given, bool clean) {
    if (given->staging != NULL) log_staging_close(given->staging);
    given->staging = NULL;
    log_model_stop(&given->member, clean);
    log_model_start(&given->member);
}

/* The log is the leader's from where the list begins; entries go on behind it, and a start finds
 * all of it. */
static void test_install_log_goes_on(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct given given;
        given_set_up(&given, segment_counts[i], 7);
        given_fetch(&given);
        given_install(&given);
        assert_false(has_staged(&given));
        log_model_check(&given.member);
        struct slice kept;
        uint64_t index;
        assert_true(partition_log_snapshot(given.member.log, &index, &kept));
        assert_int_equal(index, given.list.state_index);
        slice_unref(&kept);
        given_go_on(&given);
        log_model_check(&given.member);
        for (int clean = 0; clean < 2; clean++) {
            member_restarts(&given, clean);
            assert_int_equal(given.member.last, given.leader.last);
            log_model_check(&given.member);
        }
        given_tear_down(&given);
    }
}

/* It may be opened again before any of the entries has come that the state describes. */
static void test_install_state_is_ahead_of_the_log(void **state) {
    (void)state;
    struct given given;
    given_set_up(&given, 0, 8);
    assert_true(given.list.state_index > given.last_given);
    given_fetch(&given);
    given_install(&given);
    for (int clean = 0; clean < 2; clean++) {
        member_restarts(&given, clean);
        assert_int_equal(given.member.state_index, given.list.state_index);
        assert_int_equal(given.member.last, given.last_given);
        assert_int_equal(partition_log_commit_index(given.member.log), given.list.state_index);
    }
    given.member.commit = given.list.state_index;
    given_go_on(&given);
    log_model_check(&given.member);
    given_tear_down(&given);
}

static void spoil(uint8_t *bytes, size_t len) {
    bytes[len / 2] ^= 0x10;
}

/* What is not what the list says is asked for again from the beginning of its block. */
static void test_staging_wrong_pieces_are_asked_for_again(void **state) {
    (void)state;
    struct given given;
    struct log_staging_wanted wanted;
    given_set_up(&given, 2, 9);
    given_open(&given);
    given_put(&given, UINT32_MAX, NULL); /* the state */
    assert_int_equal(given.error, ERR_NONE);
    uint64_t size = given.list.files[1].size_bytes;
    given_put(&given, 1000, NULL);
    given_put(&given, 1000, spoil);
    assert_int_equal(given.error, ERR_NONE); /* its block is not over */
    given_put(&given, (uint32_t)size, NULL);
    assert_int_equal(given.error, ERR_CORRUPT);
    assert_true(log_staging_wanted(given.staging, 10, &wanted));
    assert_int_equal(wanted.file, 1);
    assert_int_equal(wanted.offset, 0);
    given_put_all(&given);
    given_prepare(&given);
    assert_int_equal(given.error, ERR_NONE);
    given_install(&given);
    given_go_on(&given);
    log_model_check(&given.member);
    given_tear_down(&given);
}

/* Whole files stay over a restart; what is not in the list, or not as it says, goes. */
static void test_staging_goes_on(void **state) {
    (void)state;
    struct given given;
    struct log_staging_wanted wanted;
    given_set_up(&given, 2, 10);
    given_open(&given);
    while (log_staging_wanted(given.staging, 500, &wanted) && wanted.file < 2)
        given_put(&given, 500, NULL);
    given_put(&given, 500, NULL);
    member_restarts(&given, false);
    log_model_check(&given.member); /* the old log */
    char *other = given_staged_path(&given, "00000000000000000042.log");
    file_put(other, "something", 9);
    given_open(&given);
    assert_true(log_staging_wanted(given.staging, 500, &wanted));
    assert_int_equal(wanted.file, 2);
    assert_int_equal(wanted.offset, 0);
    assert_false(exists(other));
    given_put_all(&given);
    log_staging_close(given.staging);
    /* Another list: the state is another one, the segments are the same. */
    given.list.files[0].block_crcs[0]++;
    given_open(&given);
    assert_true(log_staging_wanted(given.staging, 500, &wanted));
    assert_int_equal(wanted.file, 0);
    given.list.files[0].block_crcs[0]--;
    log_staging_close(given.staging);
    given_open(&given);
    assert_true(log_staging_wanted(given.staging, UINT32_MAX, &wanted));
    given_put(&given, UINT32_MAX, NULL);
    assert_false(log_staging_wanted(given.staging, 1, &wanted));
    mem_free(other);
    given_tear_down(&given);
}

/* Files that match their list, which is not a log: they are not believed. */
static void test_staging_not_a_log(void **state) {
    (void)state;
    struct given given;
    given_set_up(&given, 2, 11);
    given.list.ends.next_offset++;
    given.list.files[2].end_offset++;
    given_open(&given);
    given_put_all(&given);
    given_prepare(&given);
    assert_int_equal(given.error, ERR_CORRUPT);
    log_staging_close(given.staging);
    given.staging = NULL;
    log_staging_discard(given.member.log);
    while (given.member.store->jobs > 0 || given.member.store->staging_jobs > 0)
        log_model_run(&given.member);
    assert_false(has_staged(&given));
    log_model_check(&given.member);
    given_tear_down(&given);
}

/* ---- Crashes: the table of partition_log_install.c ---- */

/* Before the journal says anything the old log is in force, whole files beside it or not. */
static void test_install_crash_before_the_journal(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct given given;
        given_set_up(&given, segment_counts[i], 12);
        given_fetch(&given);
        member_restarts(&given, false);
        log_model_check(&given.member);
        log_model_append(&given.member, 3);
        log_model_settle(&given.member);
        member_restarts(&given, true);
        log_model_check(&given.member);
        assert_true(has_staged(&given));
        given_fetch(&given); /* nothing of it comes a second time */
        given_install(&given);
        given_go_on(&given);
        log_model_check(&given.member);
        given_tear_down(&given);
    }
}

static void say_that_it_begins(struct given *given) {
    log_model_flush(&given->member);
    struct staged_place end = staged_directory_end(&given->list);
    journal_log_begins(given->member.store->journal, LOG_MODEL_GROUP, end.index, end.segment,
                       end.position);
    given->member.version = partition_log_set_hard_state(given->member.log, given->member.term, 1);
    while (given->member.durable_version < given->member.version)
        log_model_run(&given->member);
}

static void restart_into_the_new_log(struct given *given, bool renamed) {
    log_staging_close(given->staging);
    given->staging = NULL;
    log_model_stop(&given->member, false);
    char *group = log_model_group_path(&given->member);
    if (renamed && exists(group)) {
        char *aside;
        assert_int_equal(group_directory_put_aside(given->member.folder.env, group, &aside),
                         ERR_NONE);
        mem_free(aside);
    }
    given_follow(given);
    log_model_start(&given->member);
    assert_false(has_staged(given));
    assert_int_equal(given->member.last, given->last_given);
    given->member.commit = given->list.state_index;
    given_go_on(given);
    log_model_check(&given->member);
    mem_free(group);
    member_restarts(given, false);
    log_model_check(&given->member);
}

/* When the journal says that the log begins anew, a start finishes the swap, with either rename
 * missing, and whether the old log had files or not. */
static void test_install_crash_before_the_swap(void **state) {
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct given given;
        given_set_up(&given, segment_counts[i & 1], 13 + i);
        if (i & 2) log_model_flush(&given.member);
        given_fetch(&given);
        say_that_it_begins(&given);
        restart_into_the_new_log(&given, i & 4);
        given_tear_down(&given);
    }
}

/* The journal names a place that no directory has. */
static void test_install_crash_that_fits_nothing(void **state) {
    (void)state;
    struct given given;
    struct error_text why;
    given_set_up(&given, 0, 30);
    log_model_flush(&given.member);
    given_fetch(&given);
    say_that_it_begins(&given);
    log_staging_close(given.staging);
    given.staging = NULL;
    log_model_stop(&given.member, false);
    char *list = given_staged_path(&given, "offer");
    assert_int_equal(unlink(list), 0);
    assert_false(log_model_try_start(&given.member, &why));
    assert_non_null(strstr(why.text, "journal"));
    given.member.log = NULL;
    mem_free(list);
    given_tear_down(&given);
}

/* ---- While it happens ---- */

static void slow_work(struct env_job *job) {
    (void)job;
    struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    nanosleep(&pause, NULL);
}

static void slow_done(struct env_job *job) {
    (void)job;
}

static void begins_durably(struct journal_waiter *waiter) {
    waiter->next = NULL;
    waiter->round = 0;
}

/* Nobody hears that it is installed, and nothing is renamed, before the journal has said so
 * durably, however slow it is. */
static void test_install_waits_for_the_journal(void **state) {
    (void)state;
    struct given given;
    given_set_up(&given, 0, 31);
    given_fetch(&given);
    struct env_job slow = {.work = slow_work, .done = slow_done};
    struct journal *journal = given.member.store->journal;
    env_lane_run(journal->lane, &slow);
    given_begin_install(&given);
    struct journal_waiter waiter = {.durable = begins_durably, .round = UINT64_MAX};
    journal_wait(journal, &waiter);
    while (waiter.round != 0 && given.member.installs == 0) {
        log_model_run(&given.member);
        if (waiter.round != 0) assert_int_equal(given.member.installs, 0);
    }
    if (given.member.installs == 0) folder_run(&given.member.folder);
    assert_int_equal(given.member.installs, 1);
    given_follow(&given);
    given_go_on(&given);
    log_model_check(&given.member);
    given_tear_down(&given);
}

struct late_read {
    struct partition_log_read read; /* first */
    bool done;
    int error;
};

static void late(struct partition_log_read *read, int error) {
    struct late_read *of = (struct late_read *)read;
    of->done = true;
    of->error = error;
    if (error == ERR_NONE) partition_log_read_release(read);
}

/* What the old log has under way ends without harm to the new one: reads, writes, a prefix that was
 * to go. */
static void test_install_what_is_under_way_ends(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct given given;
        struct log_model *member = &given.member;
        given_set_up(&given, segment_counts[i & 1], 40 + i);
        while (member->log->segment_count < 3) {
            log_model_append(member, 8);
            if (member->last + 16 >= given.last_given) break;
            log_model_commit(member, member->last);
            log_model_settle(member);
            log_model_write_behind(member);
        }
        given_fetch(&given);
        log_model_append(member, 2);
        struct late_read reading = {.read = {.done = late}};
        partition_log_read(member->log, 1, 3, 4096, &reading.read);
        if (i > 1) partition_log_drop_prefix(member->log, 1, 5, 60000);
        if (i > 3) log_store_flush(member->store, (void (*)(void *))folder_stop, &member->folder);
        given_install(&given);
        while (!reading.done)
            log_model_run(member);
        assert_int_equal(member->damages, 0);
        log_model_check(member);
        given_go_on(&given);
        log_model_check(member);
        member_restarts(&given, false);
        log_model_check(member);
        given_tear_down(&given);
    }
}

/* It is closed while it waits for the journal, or while the directories are swapped: the next start
 * has the old log or the new one. */
static void test_install_closed_meanwhile(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct given given;
        struct log_model *member = &given.member;
        given_set_up(&given, segment_counts[i & 1], 50 + i);
        uint64_t last = member->last;
        given_fetch(&given);
        given_begin_install(&given);
        for (unsigned turns = 0; turns < i / 2 && member->installs == 0; turns++)
            log_model_run(member);
        log_model_stop(member, false);
        struct error_text why = {0};
        if (!log_model_try_start(member, &why)) fail_msg("%s", why.text);
        member->version = member->durable_version = 0;
        if (partition_log_last_index(member->log) == last) {
            log_model_check(member);
        } else {
            given_follow(&given);
            given_go_on(&given);
            log_model_check(member);
        }
        given_tear_down(&given);
    }
}

/* ---- What was cleaned ---- */

static void on_summed(void *arg, int error) {
    assert_int_equal(error, ERR_NONE);
    *(bool *)arg = true;
}

/* The list, and the files, as the leader gives them. */
static void take_from(struct given *given, struct keyed_log *keyed) {
    static const struct prefix_source_events events = {.ready = on_summed};
    struct prefix_source *source = partition_log_give_prefix(keyed->model.log);
    bool summed = false;
    assert_non_null(source);
    prefix_source_begin(source, &events, &summed);
    while (!summed)
        log_model_run(&keyed->model);
    struct slice bytes = prefix_files_encode(prefix_source_files(source));
    assert_int_equal(prefix_files_decode(bytes.data, bytes.len, &given->list), ERR_NONE);
    slice_unref(&bytes);
    char *group = log_model_group_path(&keyed->model);
    for (size_t i = 0; i < given->list.count; i++) {
        char *path = staged_file_path(group, &given->list.files[i]);
        size_t len;
        given->bytes[i] = file_bytes(path, &len);
        mem_free(path);
    }
    mem_free(group);
    given->last_given = given->list.ends.index;
    partition_log_take_back(keyed->model.log, source);
}

/* What is read of the member is what may be read of the leader. */
static void check_member(const struct given *given, const struct keyed_log *keyed) {
    struct keyed_log twin = *keyed;
    twin.model.folder = given->member.folder;
    twin.model.store = given->member.store;
    twin.model.log = given->member.log;
    keyed_log_check(&twin, false);
}

/* A list that ends with a cleaned segment: the log goes on with a segment of its own, whatever a
 * crash leaves. */
static void test_install_cleaned_segments(void **state) {
    (void)state;
    struct given given = {0};
    struct keyed_log keyed;
    keyed_log_open(&keyed, 51, 100000);
    keyed_log_fill(&keyed, 6);
    assert_int_equal(keyed_log_clean(&keyed), 1);
    take_from(&given, &keyed);
    assert_true(given.list.count > 1);
    const struct segment *last = keyed.model.log->segments[given.list.count - 2];
    assert_true(segment_is_cleaned(&last->header));
    given_open_member(&given, 52);
    given.member.cleans = true;
    given.leader = keyed.model;
    given_fetch(&given);
    given_install(&given);
    for (int clean = 0; clean < 2; clean++) {
        struct log_clean_limits limits = {
            .index = UINT64_MAX, .young_ms = INT64_MAX, .stable = INT64_MAX};
        struct log_cleanable cleanable;
        member_restarts(&given, clean); /* before any entry has come */
        log_cleanable_look(given.member.log, &limits, &cleanable);
        assert_true(cleanable.last_index < given.last_given); /* one entry stays */
        assert_int_equal(partition_log_last_index(given.member.log), given.last_given);
        assert_int_equal(partition_log_first_index(given.member.log), given.list.begins.index + 1);
    }
    given_go_on(&given);
    check_member(&given, &keyed);
    for (int clean = 0; clean < 2; clean++) {
        member_restarts(&given, clean);
        check_member(&given, &keyed);
    }
    log_model_stop(&given.member, false);
    for (size_t i = 0; i < given.list.count; i++)
        mem_free(given.bytes[i]);
    prefix_files_free(&given.list);
    log_model_close(&given.member);
    log_model_stop(&keyed.model, false);
    keyed_log_close(&keyed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_install_log_goes_on),
        cmocka_unit_test(test_install_cleaned_segments),
        cmocka_unit_test(test_install_state_is_ahead_of_the_log),
        cmocka_unit_test(test_staging_wrong_pieces_are_asked_for_again),
        cmocka_unit_test(test_staging_goes_on),
        cmocka_unit_test(test_staging_not_a_log),
        cmocka_unit_test(test_install_crash_before_the_journal),
        cmocka_unit_test(test_install_crash_before_the_swap),
        cmocka_unit_test(test_install_crash_that_fits_nothing),
        cmocka_unit_test(test_install_waits_for_the_journal),
        cmocka_unit_test(test_install_what_is_under_way_ends),
        cmocka_unit_test(test_install_closed_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
