/* Segments at the front that go: what stays, what readers meet, and what each crash leaves. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/log/log_internal.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

enum { SEGMENTS_LEAST = 6 };

/* Sealed segments, all committed and synced, with configurations among their entries. */
static void fill(struct log_model *model, uint64_t seed) {
    log_model_open(model, seed);
    model->has_state = true;
    log_model_start(model);
    log_model_vote(model, 1, 1);
    log_model_append_one(model, ENTRY_CHANGE);
    while (model->log->segment_count < SEGMENTS_LEAST) {
        log_model_append(model, 8);
        log_model_commit(model, model->last);
        log_model_settle(model);
        log_model_write_behind(model);
        if (model->last % 50 < 8) log_model_vote(model, model->term + 1, 1);
    }
    log_model_flush(model);
}

static size_t files(const struct log_model *model, const char *suffix) {
    char names[64][64];
    char *group = log_model_group_path(model);
    size_t count = file_names(group, suffix, names, 64);
    mem_free(group);
    return count;
}

static char *in_group(const struct log_model *model, const char *name) {
    char *group = log_model_group_path(model), *path = path_join(group, name);
    mem_free(group);
    return path;
}

static bool removals_over(struct log_model *model) {
    return model->store->removals.first == NULL && !model->store->removals.busy;
}

static void run_removals(struct log_model *model) {
    while (!removals_over(model))
        log_model_run(model);
}

/* The middle of the log: the end of its third segment. */
static void drop_three(struct log_model *model) {
    const struct segment *third = model->log->segments[2];
    int64_t offset = third->end.offset;
    uint64_t index = third->end.last_index;
    log_model_drop(model, offset, index);
    assert_int_equal(model->first, index + 1);
    assert_int_equal(model->start_offset, offset);
}

/* What lies below is gone, from the tables and from the disk; what lies above is as it was, also
 * when the log is opened again, and it goes on. Damage in what is gone is gone. */
static void test_prefix_goes(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 71);
    uint64_t size = partition_log_size_bytes(model.log), before = files(&model, ".log");
    struct partition_log_read read;
    struct partition_log_fetch fetch;
    model.log->segments[1]->damaged = model.log->damaged = true;
    drop_three(&model);
    assert_false(partition_log_is_damaged(model.log));
    log_model_check(&model);
    assert_true(partition_log_size_bytes(model.log) + 3 * 4096 <= size);
    log_model_read(&model, model.first - 1, model.last, 100, &read);
    assert_int_equal(model.error, ERR_NOT_FOUND);
    log_model_fetch(&model, model.start_offset - 1, model.end_offset, 100, &fetch);
    assert_int_equal(model.error, ERR_NOT_FOUND);
    run_removals(&model);
    assert_int_equal(files(&model, ".log"), before - 3);
    for (int clean = 0; clean < 2; clean++) {
        log_model_stop(&model, clean);
        log_model_start(&model);
        log_model_check(&model);
        log_model_append(&model, 8);
        log_model_commit(&model, model.last);
        log_model_settle(&model);
    }
    log_model_check_search(&model, -3, model.end_offset);
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* What lies behind an index: all of it behind the beginning, nothing behind the end, less and less
 * in between, over segments and memory. */
static void test_bytes_behind(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 76);
    log_model_append(&model, 8);
    assert_true(partition_log_segments(model.log) > 3);
    uint64_t all = partition_log_bytes_behind(model.log, model.first - 1);
    assert_in_range(
        all,
        partition_log_committed_bytes(model.log) + partition_log_uncommitted_bytes(model.log) - 100,
        partition_log_committed_bytes(model.log) + partition_log_uncommitted_bytes(model.log));
    for (uint64_t index = model.first - 1; index < model.last; index++)
        assert_true(partition_log_bytes_behind(model.log, index) >
                    partition_log_bytes_behind(model.log, index + 1));
    const struct segment *first = model.log->segments[0];
    assert_int_equal(partition_log_bytes_behind(model.log, first->end.last_index),
                     all - first->end.position);
    assert_int_equal(partition_log_bytes_behind(model.log, model.last), 0);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* Neither by offset nor by index does a segment go before all of it may; the active one stays; and
 * nothing goes without a state that reaches as far. */
static void test_prefix_waits(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 72);
    const struct segment *first = model.log->segments[0];
    log_model_drop(&model, first->end.offset - 1, first->end.last_index - 1);
    assert_int_equal(partition_log_waiting_prefix(model.log), 0);
    log_model_drop(&model, first->end.offset, first->end.last_index - 1);
    assert_int_equal(model.first, 1);
    assert_int_equal(partition_log_waiting_prefix(model.log), first->end.last_index);
    log_model_drop(&model, first->end.offset, first->end.last_index);
    assert_int_equal(partition_log_waiting_prefix(model.log), 0);
    uint64_t gone = model.first;
    assert_true(gone > 1);
    partition_log_on_seal(model.log, 2000, NULL, NULL);
    model.log->kept_index = gone - 1; /* as if no state had been kept since */
    log_model_drop(&model, model.end_offset, model.last);
    assert_int_equal(model.first, gone);
    log_model_stop(&model, false);
    log_model_start(&model);
    log_model_drop(&model, model.end_offset, model.last);
    assert_true(model.first > gone);
    assert_int_equal(model.first, partition_log_active(model.log)->header.first_index);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* All that has a record may go when it is sealed for that; a segment without one is not sealed. */
static void test_prefix_all(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 73);
    partition_log_roll(model.log);
    log_model_append_one(&model, ENTRY_COMMAND);
    log_model_commit(&model, model.last);
    log_model_settle(&model);
    log_model_drop(&model, model.end_offset, model.last - 1);
    assert_int_equal(model.first, model.last);
    partition_log_roll(model.log);
    log_model_flush(&model);
    log_model_append_one(&model, ENTRY_COMMAND);
    log_model_drop(&model, model.end_offset, model.last);
    assert_int_equal(model.first, model.last - 1);
    for (int clean = 0; clean < 2; clean++) {
        log_model_stop(&model, clean);
        log_model_start(&model);
        log_model_check(&model);
    }
    log_model_append(&model, 8);
    log_model_commit(&model, model.last);
    log_model_stop(&model, true);
    log_model_start(&model);
    log_model_check(&model);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* Files stay for their delay, unless the disk is short of room. */
static void test_prefix_delay(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 74);
    size_t before = files(&model, ".log");
    const struct segment *third = model.log->segments[2];
    partition_log_drop_prefix(model.log, third->end.offset, third->end.last_index, 3600 * 1000);
    while (model.first == 1)
        log_model_run(&model);
    assert_int_equal(files(&model, ".log"), before);
    dropped_segments_hurry(&model.store->dropped, true);
    while (!removals_over(&model))
        log_model_run(&model);
    assert_int_equal(files(&model, ".log"), before - 3);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* ---- Crashes ---- */

/* Copies of the segments as they were before the drop. */
static char *keep_copies(const struct log_model *model) {
    char *copies = path_join(model->folder.path, "copies"), *group = log_model_group_path(model);
    env_mkdir(model->folder.env, copies);
    copy_files(group, copies, ".log");
    copy_files(group, copies, ".index");
    mem_free(group);
    return copies;
}

static void put_back(const struct log_model *model, char *copies) {
    char *group = log_model_group_path(model);
    copy_files(copies, group, ".log");
    copy_files(copies, group, ".index");
    mem_free(group);
    mem_free(copies);
}

/* `start` was renamed, and files below it are there, whole or cut: they go. */
static void test_prefix_crash_before_unlink(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 75);
    char *copies = keep_copies(&model);
    size_t before = files(&model, ".log");
    drop_three(&model);
    run_removals(&model);
    uint64_t first = model.first;
    log_model_stop(&model, true);
    put_back(&model, copies);
    char *cut = in_group(&model, "00000000000000000000.log");
    file_put(cut, "x", 1);
    mem_free(cut);
    assert_true(files(&model, ".log") >= before);
    log_model_start(&model);
    assert_int_equal(model.first, first);
    log_model_check(&model);
    while (!removals_over(&model))
        log_model_run(&model);
    assert_true(files(&model, ".log") <= before - 3 + 1);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* It was not renamed, whatever is in the new file: the log is as before, and the step is taken
 * again. */
static void test_prefix_crash_before_rename(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 76);
    char *copies = keep_copies(&model);
    drop_three(&model);
    run_removals(&model);
    log_model_stop(&model, false);
    put_back(&model, copies);
    char *start = in_group(&model, "start"), *unfinished = in_group(&model, "start.new");
    file_put(unfinished, "torn", 4);
    assert_int_equal(unlink(start), 0);
    model.first = 1;
    model.start_offset = 0;
    log_model_start(&model);
    assert_int_equal(model.first, 1);
    log_model_check(&model);
    drop_three(&model);
    log_model_check(&model);
    log_model_stop(&model, false);
    mem_free(start), mem_free(unfinished);
    log_model_close(&model);
}

static void refused(struct log_model *model, const char *part) {
    struct error_text why = {0};
    assert_false(log_model_try_start(model, &why));
    if (strstr(why.text, part) == NULL) fail_msg("no \"%s\" in: %s", part, why.text);
}

/* One torn copy of `start` is made good by the other; without both, or without the file, what is
 * there is no log that could be believed. */
static void test_prefix_start_is_damaged(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 77);
    drop_three(&model);
    run_removals(&model);
    log_model_stop(&model, false);
    char *path = in_group(&model, "start");
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    for (size_t at = 0; at < 52; at += 3) {
        for (int copies = 1; copies <= 2; copies++) {
            bool second = at % 2 != 0;
            if (copies == 2 || !second) bytes[at] ^= 0x40;
            if (copies == 2 || second) bytes[len / 2 + at] ^= 0x40;
            file_put(path, bytes, len);
            if (copies == 2 || !second) bytes[at] ^= 0x40;
            if (copies == 2 || second) bytes[len / 2 + at] ^= 0x40;
            if (copies == 1) {
                log_model_start(&model);
                log_model_stop(&model, false);
            } else {
                refused(&model, "start");
            }
        }
    }
    file_put(path, bytes, len - 4096);
    refused(&model, "is not whole");
    assert_int_equal(unlink(path), 0);
    refused(&model, "00000000000000000000.log is missing");
    file_put(path, bytes, len);
    log_model_start(&model);
    log_model_check(&model);
    log_model_stop(&model, false);
    mem_free(bytes);
    mem_free(path);
    log_model_close(&model);
}

/* A byte of each file with such a name. */
static void damage_all(const struct log_model *model, const char *suffix) {
    char names[16][64];
    char *group = log_model_group_path(model);
    size_t count = file_names(group, suffix, names, 16);
    assert_true(count > 0);
    for (size_t i = count; i-- > 0;) {
        char *path = path_join(group, names[i]);
        size_t len;
        uint8_t *bytes = file_bytes(path, &len);
        bytes[len - 1] ^= 1;
        file_put(path, bytes, len);
        mem_free(bytes);
        mem_free(path);
    }
    mem_free(group);
}

/* Without a whole state that reaches as far, what was made from what is gone is not known; its
 * copies are enough. */
static void test_prefix_state_is_missing(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 78);
    log_model_drop(&model, model.end_offset, model.last);
    run_removals(&model);
    log_model_stop(&model, false);
    damage_all(&model, ".snapshot");
    log_model_start(&model);
    log_model_check(&model);
    log_model_stop(&model, false);
    damage_all(&model, ".copy");
    refused(&model, "no whole snapshot");
    log_model_close(&model);
}

/* ---- Readers ---- */

static void test_prefix_readers_end_well(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 79);
    /* The cache of the kernel has it: a reader on the loop is over at once; one in the pool is
     * under way when the segment goes. */
    for (int way = 0; way < 3; way++) {
        int64_t offset = model.start_offset;
        struct partition_log_fetch fetch;
        struct partition_log_read read;
        const struct segment *segment = model.log->segments[0];
        partition_log_drop_prefix(model.log, segment->end.offset, segment->end.last_index, 0);
        if (way == 0) {
            log_model_fetch(&model, offset, model.end_offset, 1 << 20, &fetch);
            assert_true(model.error == ERR_NONE || model.error == ERR_NOT_FOUND);
            if (model.error == ERR_NONE) partition_log_fetch_release(&fetch);
        } else if (way == 1) {
            log_model_read(&model, model.first, model.last, 1 << 20, &read);
            assert_true(model.error == ERR_NONE || model.error == ERR_NOT_FOUND);
            if (model.error == ERR_NONE) partition_log_read_release(&read);
        } else {
            struct partition_log_search search;
            log_model_search(&model, model.time - 1000, model.end_offset, &search);
            assert_int_equal(model.error, ERR_NONE);
        }
        log_model_drop(&model, 0, 0);
        assert_true(model.start_offset > offset);
    }
    assert_int_equal(model.damages, 0);
    assert_false(partition_log_is_damaged(model.log));
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* A segment that somebody reads keeps its bytes until he lets go. */
static void test_prefix_read_files_stay(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 80);
    struct segment *first = model.log->segments[0];
    segment_hold(first);
    assert_int_equal(segment_open_file(first), ERR_NONE);
    uint64_t size = first->end.position, got_size = 0;
    log_model_drop(&model, first->end.offset, first->end.last_index);
    assert_true(model.first > 1);
    for (int i = 0; i < 50; i++)
        log_model_run(&model);
    assert_int_equal(env_file_size(first->file, &got_size), ERR_NONE);
    assert_true(got_size >= size);
    segment_let_go(first);
    dropped_segments_hurry(&model.store->dropped, true);
    run_removals(&model);
    char *path = in_group(&model, "00000000000000000000.log");
    assert_int_not_equal(access(path, F_OK), 0);
    mem_free(path);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* ---- What is in the way ---- */

/* A state that cannot be kept, because no file can be opened, is tried again a second later and not
 * at once; then the segments go. */
static void test_prefix_state_cannot_be_kept(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 81);
    const struct segment *third = model.log->segments[2];
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    assert_true(next > 0);
    close(next);
    few = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    model.log->kept_index = 0; /* as if none had been kept */
    log_model_drop(&model, third->end.offset, third->end.last_index);
    assert_int_equal(model.first, 1);
    assert_true(model.log->prefix.pausing);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (model.first == 1)
        log_model_run(&model);
    log_model_check(&model);
    log_model_stop(&model, false);
    log_model_close(&model);
}

static void note_wanted(void *arg) {
    ++*(int *)arg;
}

static bool state_is_given(struct log_model *model, log_index least) {
    log_index index;
    struct prefix_source *source = partition_log_give_state(model->log, least, &index);
    if (source == NULL) return false;
    assert_true(index >= least);
    partition_log_take_state_back(model->log, source);
    return true;
}

/* What is kept does not reach as far as another replica needs it, and nothing would be written that
 * makes it: it is kept anew, once; not of what has not committed, nor where this log is damaged,
 * too. */
static void test_prefix_keeps_a_state_for_others(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 84);
    int asked = 0;
    partition_log_on_seal(model.log, 64 << 20, note_wanted, &asked);
    log_index kept = model.log->kept_index;
    assert_in_range(kept, 1, model.last);
    assert_true(state_is_given(&model, kept));
    assert_false(state_is_given(&model, model.last + 1));
    assert_int_equal(asked, 0);
    model.log->kept_index = kept - 1; /* as if it had been kept before */
    model.log->damaged = true;
    assert_false(state_is_given(&model, kept));
    assert_int_equal(asked, 0);
    model.log->damaged = false;
    for (int i = 0; i < 3; i++) {
        assert_false(state_is_given(&model, kept));
        assert_int_equal(asked, 1);
    }
    log_model_keep(&model);
    while (!state_is_given(&model, kept))
        log_model_run(&model);
    assert_int_equal(asked, 1);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* Nothing goes while the state is still put together, for which the applier is asked once. */
static void test_prefix_waits_for_a_state_that_takes_its_time(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 83);
    const struct segment *third = model.log->segments[2];
    int asked = 0;
    partition_log_on_seal(model.log, 64 << 20, note_wanted, &asked);
    model.log->kept_index = 0; /* as if none had been kept */
    for (int i = 0; i < 3; i++) {
        partition_log_drop_prefix(model.log, third->end.offset, third->end.last_index, 0);
        log_model_run(&model);
        assert_int_equal(asked, 1);
        assert_int_equal(model.first, 1);
    }
    log_model_keep(&model);
    while (model.first == 1)
        log_model_run(&model);
    log_model_check(&model);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* Where the configuration is damaged nothing goes, and the damage is read once for each start that
 * is asked for. */
static void test_prefix_configuration_is_damaged(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 82);
    const struct segment *first = model.log->segments[0];
    char *path = in_group(&model, "00000000000000000000.log");
    char *index = in_group(&model, "00000000000000000000.index");
    /* So that each look is a job of its own. */
    while (first->file)
        segment_files_give_back(&model.store->files);
    assert_int_equal(unlink(index), 0);
    mem_free(index);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    memset(bytes + SEGMENT_HEADER_SIZE, 0x55, len - SEGMENT_HEADER_SIZE);
    file_put(path, bytes, len);
    for (int i = 0; i < 2; i++) {
        partition_log_drop_prefix(model.log, first->end.offset, first->end.last_index, 0);
        for (int turns = 0; turns < 2000 && model.log->prefix.look; turns++)
            log_model_run(&model);
        assert_null(model.log->prefix.look);
        assert_false(model.log->prefix.reading);
        assert_int_equal(model.damages, 1);
        assert_int_equal(model.first, 1);
        partition_log_look_prefix(model.log);
        assert_false(model.log->prefix.reading);
    }
    log_model_stop(&model, false);
    mem_free(bytes);
    mem_free(path);
    log_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_goes),
        cmocka_unit_test(test_bytes_behind),
        cmocka_unit_test(test_prefix_waits),
        cmocka_unit_test(test_prefix_all),
        cmocka_unit_test(test_prefix_delay),
        cmocka_unit_test(test_prefix_crash_before_unlink),
        cmocka_unit_test(test_prefix_crash_before_rename),
        cmocka_unit_test(test_prefix_start_is_damaged),
        cmocka_unit_test(test_prefix_state_is_missing),
        cmocka_unit_test(test_prefix_readers_end_well),
        cmocka_unit_test(test_prefix_read_files_stay),
        cmocka_unit_test(test_prefix_state_cannot_be_kept),
        cmocka_unit_test(test_prefix_keeps_a_state_for_others),
        cmocka_unit_test(test_prefix_waits_for_a_state_that_takes_its_time),
        cmocka_unit_test(test_prefix_configuration_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
