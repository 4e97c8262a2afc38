/* Cleaned logs: what stays, where readers go, and what each crash leaves. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/storage/fixture_keyed_log.h"
#include "tests/unit/unit.h"

enum { MANY_KEYS = 100000 };

static size_t files(const struct keyed_log *keyed, const char *suffix) {
    char names[256][64], *group = log_model_group_path(&keyed->model);
    size_t count = file_names(group, suffix, names, 256);
    mem_free(group);
    return count;
}

static char *in_group(const struct keyed_log *keyed, const char *name) {
    char *group = log_model_group_path(&keyed->model), *path = path_join(group, name);
    mem_free(group);
    return path;
}

static void run_removals(struct keyed_log *keyed) {
    struct paced_removal *removals = &keyed->model.store->removals;
    while (removals->first || removals->busy)
        log_model_run(&keyed->model);
}

static void reopen(struct keyed_log *keyed, bool clean) {
    log_model_stop(&keyed->model, clean);
    log_model_start(&keyed->model);
    run_removals(keyed);
}

static void end(struct keyed_log *keyed) {
    log_model_stop(&keyed->model, false);
    keyed_log_close(keyed);
}

/* The last record of each key stays, and what is not sealed; the log is smaller, and the same when
 * it is opened again; then it goes on, and is cleaned again. */
static void test_cleaned(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 1, MANY_KEYS);
    keyed_log_fill(&keyed, 8);
    uint64_t size = partition_log_size_bytes(keyed.model.log);
    struct log_cleanable cleanable = keyed_log_cleanable(&keyed);
    assert_int_equal(cleanable.clean_bytes, 0);
    assert_true(cleanable.dirty_bytes > 6 * 4096);
    assert_true(cleanable.dirty_since_ms > 0);
    assert_int_equal(keyed_log_clean(&keyed), 1);
    assert_int_equal(keyed_log_cleanable(&keyed).last_index, cleanable.last_index);
    assert_int_equal(partition_log_first_index(keyed.model.log), cleanable.last_index + 1);
    assert_int_equal(partition_log_start_offset(keyed.model.log), 0);
    assert_true(partition_log_size_bytes(keyed.model.log) < size / 2);
    assert_int_equal(keyed.cleaning.bytes_before, size);
    assert_int_equal(keyed.cleaning.bytes_after, partition_log_size_bytes(keyed.model.log));
    keyed_log_check(&keyed, true); /* nor does memory have more */
    for (int clean = 0; clean < 3; clean++) {
        reopen(&keyed, clean);
        log_model_check(&keyed.model);
        keyed_log_check(&keyed, true);
        keyed_log_check_places(&keyed);
    }
    keyed_log_fill(&keyed, keyed.model.log->segment_count + 4);
    assert_int_equal(keyed_log_clean(&keyed), 1);
    keyed_log_check(&keyed, false);
    reopen(&keyed, false);
    keyed_log_check(&keyed, true);
    log_model_check(&keyed.model);
    end(&keyed);
}

/* A map with room for a few keys: many rounds, each of which goes on where the one before ended,
 * also inside of a segment, and across restarts. */
static void test_cleaned_in_parts(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 2, 30);
    keyed.keys = 300;
    keyed_log_fill(&keyed, 4);
    unsigned rounds = 0;
    while (keyed_log_cleanable(&keyed).dirty_bytes > 0 && rounds < 500) {
        uint64_t dirty = keyed_log_cleanable(&keyed).dirty_bytes;
        keyed_log_begin(&keyed);
        keyed_log_finish(&keyed);
        assert_true(keyed_log_cleanable(&keyed).dirty_bytes <= dirty);
        keyed_log_check(&keyed, false);
        if (rounds++ % 7 == 3) reopen(&keyed, rounds % 2);
    }
    assert_in_range(rounds, 3, 60);
    keyed_log_check(&keyed, false);
    end(&keyed);
}

/* All keys are written again, all records but the last go: one file without any is left, which
 * tells where it ends. A consumer goes past it. */
static void test_cleaned_to_nothing(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 3, MANY_KEYS);
    keyed_log_append(&keyed, -1, 300);
    for (int i = 0; i < 2; i++) { /* what is small is merged by the second round */
        keyed_log_append(&keyed, 1, 1);
        partition_log_roll(keyed.model.log);
        keyed_log_append(&keyed, 1, 1);
        keyed_log_clean(&keyed);
    }
    for (int clean = 0; clean < 2; clean++) {
        reopen(&keyed, clean);
        keyed_log_check(&keyed, true);
        keyed_log_check_places(&keyed);
    }
    assert_in_range(files(&keyed, ".log"), 2, 3);
    end(&keyed);
}

/* Young segments, those above the limit and the last one stay as they are. */
static void test_limits(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 4, MANY_KEYS);
    keyed_log_fill(&keyed, 7);
    const struct segment *third = keyed.model.log->segments[2];
    struct log_clean_limits limits = {
        .index = third->end.last_index, .young_ms = INT64_MAX, .stable = INT64_MAX};
    struct log_cleanable cleanable;
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_int_equal(cleanable.last_index, third->end.last_index);
    limits.index--;
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_int_equal(cleanable.last_index, keyed.model.log->segments[1]->end.last_index);
    limits = (struct log_clean_limits){
        .index = UINT64_MAX, .young_ms = third->end.max_timestamp - 1, .stable = INT64_MAX};
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_int_equal(cleanable.last_index, keyed.model.log->segments[1]->end.last_index);
    limits.young_ms = INT64_MAX;
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_true(cleanable.last_index < keyed.model.last);
    limits.index = 0;
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_int_equal(cleanable.last_index, 0);
    end(&keyed);
}

/* A second round in the same store has to wait; one that is cancelled leaves the log as it was or
 * partly cleaned, and another one may begin. */
static void test_cancelled(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 5, MANY_KEYS);
    for (unsigned turns = 0; turns < 8; turns++) {
        keyed_log_fill(&keyed, keyed.model.log->segment_count + 2);
        keyed_log_begin(&keyed);
        struct log_clean_limits limits = {
            .index = keyed.model.commit, .young_ms = INT64_MAX, .stable = INT64_MAX};
        struct log_cleaning second;
        assert_int_equal(log_cleaning_begin(keyed.model.log, &limits, &keyed.options, &second),
                         ERR_BUSY);
        for (unsigned i = 0; i < turns && !keyed.over; i++)
            log_model_run(&keyed.model);
        log_cleaning_cancel(&keyed.cleaning);
        while (keyed.model.store->cleaning)
            log_model_run(&keyed.model);
        keyed_log_check(&keyed, false);
    }
    keyed_log_clean(&keyed);
    reopen(&keyed, false);
    keyed_log_check(&keyed, true);
    end(&keyed);
}

/* Closed at any moment, as by a crash. */
static void test_closed_meanwhile(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 6, MANY_KEYS);
    for (unsigned turns = 0; turns < 8; turns++) {
        keyed_log_fill(&keyed, keyed.model.log->segment_count + 2);
        keyed_log_begin(&keyed);
        for (unsigned i = 0; i < turns && !keyed.over; i++)
            log_model_run(&keyed.model);
        reopen(&keyed, false);
        assert_int_equal(files(&keyed, ".clean"), 0);
        keyed_log_check(&keyed, false);
        log_model_check(&keyed.model);
    }
    keyed_log_clean(&keyed);
    reopen(&keyed, false);
    keyed_log_check(&keyed, true);
    end(&keyed);
}

/* What was merged is found again beside what it was merged into: it is removed, and so is what a
 * round has not finished. An index of before is not believed. */
static void test_leftovers(void **state) {
    (void)state;
    struct keyed_log keyed;
    char names[64][64], *group, *kept, path[128];
    keyed_log_open(&keyed, 7, MANY_KEYS);
    keyed_log_fill(&keyed, 6);
    keyed_log_clean(&keyed);
    keyed_log_fill(&keyed, 9);
    run_removals(&keyed);
    group = log_model_group_path(&keyed.model);
    snprintf(path, sizeof path, "%s/kept", keyed.model.folder.path);
    assert_int_equal(env_mkdir(keyed.model.folder.env, path), 0);
    kept = mem_strdup(path);
    copy_files(group, kept, ".log");
    copy_files(group, kept, ".index");
    size_t before = file_names(kept, ".log", names, 64);
    keyed_log_clean(&keyed);
    run_removals(&keyed);
    size_t after = files(&keyed, ".log");
    assert_true(after < before);
    log_model_stop(&keyed.model, false);
    for (size_t i = 1; i + 1 < before; i++) { /* the last one was not cleaned */
        char *to = in_group(&keyed, names[i]), *from = path_join(kept, names[i]);
        if (access(to, F_OK) != 0) {
            size_t len;
            uint8_t *bytes = file_bytes(from, &len);
            file_put(to, bytes, len);
            mem_free(bytes);
        }
        mem_free(to);
        mem_free(from);
    }
    assert_int_equal(files(&keyed, ".log"), before);
    char *first = path_join(kept, "00000000000000000000.index");
    size_t len;
    uint8_t *bytes = file_bytes(first, &len);
    char *to = in_group(&keyed, "00000000000000000000.index");
    file_put(to, bytes, len);
    mem_free(to);
    to = in_group(&keyed, "00000000000000000000.clean");
    file_put(to, bytes, len);
    log_model_start(&keyed.model);
    run_removals(&keyed);
    assert_int_equal(files(&keyed, ".log"), after);
    assert_int_equal(files(&keyed, ".clean"), 0);
    keyed_log_check(&keyed, true);
    keyed_log_check_places(&keyed);
    log_model_check(&keyed.model);
    mem_free(to);
    mem_free(first);
    mem_free(bytes);
    mem_free(kept);
    mem_free(group);
    end(&keyed);
}

/* A cleaned segment without the `start` that says so: entries of it may be missing. */
static void test_cleaned_without_start(void **state) {
    (void)state;
    struct keyed_log keyed;
    struct error_text why;
    keyed_log_open(&keyed, 13, MANY_KEYS);
    keyed_log_fill(&keyed, 4);
    keyed_log_clean(&keyed);
    log_model_stop(&keyed.model, false);
    char *start = in_group(&keyed, "start");
    size_t len;
    uint8_t *bytes = file_bytes(start, &len);
    assert_int_equal(unlink(start), 0);
    assert_false(log_model_try_start(&keyed.model, &why));
    assert_non_null(strstr(why.text, "was cleaned"));
    file_put(start, bytes, len);
    log_model_start(&keyed.model);
    keyed_log_check(&keyed, true);
    mem_free(bytes);
    mem_free(start);
    end(&keyed);
}

/* A raw segment that begins inside of another raw one is no leftover: damage, as ever. */
static void test_raw_inside_raw(void **state) {
    (void)state;
    struct keyed_log keyed;
    struct error_text why;
    keyed_log_open(&keyed, 8, MANY_KEYS);
    keyed_log_fill(&keyed, 4);
    char *first = in_group(&keyed, "00000000000000000000.log"),
         *inside = in_group(&keyed, "00000000000000000001.log");
    log_model_stop(&keyed.model, false);
    size_t len;
    uint8_t *bytes = file_bytes(first, &len);
    file_put(inside, bytes, len);
    assert_false(log_model_try_start(&keyed.model, &why));
    assert_non_null(strstr(why.text, "00000000000000000001.log"));
    assert_int_equal(unlink(inside), 0);
    log_model_start(&keyed.model);
    keyed_log_check(&keyed, true);
    mem_free(bytes);
    mem_free(first);
    mem_free(inside);
    end(&keyed);
}

/* Segments are let go of while others are cleaned, and after it: whole ones below the offset. */
static void test_dropped_and_cleaned(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 9, MANY_KEYS);
    for (unsigned turns = 0; turns < 6; turns++) {
        keyed_log_fill(&keyed, keyed.model.log->segment_count + 5);
        keyed_log_begin(&keyed);
        for (unsigned i = 0; i < turns; i++)
            log_model_run(&keyed.model);
        const struct segment *second = keyed.model.log->segments[1];
        uint64_t index = second->end.last_index;
        int64_t offset = second->end.offset;
        log_model_drop(&keyed.model, offset, index);
        while (!keyed.over)
            log_model_run(&keyed.model);
        assert_int_equal(keyed.error, 0);
        assert_true(partition_log_start_offset(keyed.model.log) > 0);
        keyed_log_check(&keyed, false);
        log_model_check(&keyed.model);
        if (turns % 2) reopen(&keyed, false);
        keyed_log_check(&keyed, false);
    }
    end(&keyed);
}

/* A reader that is inside of a file when it is replaced reads on in it. */
static void test_reader_over_swap(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 10, MANY_KEYS);
    keyed_log_fill(&keyed, 8);
    struct segment *old = keyed.model.log->segments[1];
    segment_hold(old);
    assert_int_equal(segment_open_file(old), 0);
    keyed_log_clean(&keyed);
    assert_null(old->files);
    struct segment_index *index;
    assert_int_equal(segment_index_read(keyed.model.folder.env, old->file, NULL, &old->header,
                                        old->end.position, 100, true, &index, NULL),
                     0);
    assert_int_equal(index->end.last_index, old->end.last_index);
    segment_index_free(index);
    segment_let_go(old);
    reopen(&keyed, false);
    keyed_log_check(&keyed, true);
    end(&keyed);
}

/* One that was somewhere in a file goes on at another place of the one that replaced it. */
static void test_reader_goes_on_behind_swap(void **state) {
    (void)state;
    struct keyed_log keyed;
    int64_t at[READ_HINTS / 2];
    keyed_log_open(&keyed, 12, MANY_KEYS);
    keyed_log_fill(&keyed, 8);
    reopen(&keyed, false); /* nothing is in memory */
    for (size_t i = 0; i < READ_HINTS / 2; i++)
        at[i] = keyed_log_read_some(&keyed, keyed.model.log->segments[i]->header.base_offset, 900);
    keyed_log_clean(&keyed);
    for (size_t i = 0; i < READ_HINTS / 2; i++)
        assert_true(keyed_log_read_some(&keyed, at[i], 900) > at[i]);
    end(&keyed);
}

/* A log may have larger segments than others, or smaller ones, also when they are cleaned. */
static void test_segment_bytes(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 12, MANY_KEYS);
    partition_log_set_segment_bytes(keyed.model.log, 64 << 10);
    keyed.keys = 1000; /* so that much stays */
    while (partition_log_size_bytes(keyed.model.log) < 40 << 10) {
        keyed_log_append(&keyed, (int)dice_below(&keyed.model.dice, 1000), 50);
        assert_int_equal(keyed.model.log->segment_count, 1);
    }
    partition_log_set_segment_bytes(keyed.model.log, 8 << 10);
    keyed_log_append(&keyed, 1, 50);
    assert_int_equal(keyed.model.log->segment_count, 2);
    keyed_log_fill(&keyed, 4);
    assert_true(keyed.model.log->segments[1]->end.position > 8 << 10);
    keyed_log_clean(&keyed);
    reopen(&keyed, false);
    keyed_log_check(&keyed, true);
    end(&keyed);
}

/* Damage on the way ends the round, and is told: nothing is taken over, and no round reads there
 * again, but what lies before it is cleaned. */
static void test_damaged(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 11, MANY_KEYS);
    keyed_log_fill(&keyed, 6);
    char *path = segment_path(keyed.model.log->segments[2], SEGMENT_FILE_LOG);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    bytes[len / 2] ^= 1;
    file_put(path, bytes, len);
    keyed_log_begin(&keyed);
    while (!keyed.over)
        log_model_run(&keyed.model);
    assert_int_equal(keyed.error, ERR_CORRUPT);
    assert_int_equal(partition_log_first_index(keyed.model.log), 1);
    assert_int_equal(keyed.model.damages, 1);
    assert_true(partition_log_is_damaged(keyed.model.log));
    log_index before = keyed.model.log->segments[1]->end.last_index;
    keyed_log_clean(&keyed);
    assert_int_equal(partition_log_first_index(keyed.model.log), before + 1);
    bytes[len / 2] ^= 1;
    file_put(path, bytes, len);
    reopen(&keyed, false);
    keyed_log_clean(&keyed);
    reopen(&keyed, false);
    keyed_log_check(&keyed, true);
    mem_free(bytes);
    mem_free(path);
    end(&keyed);
}

/* A reader meets damage where the round has read already, what is whole now takes its place. */
static void test_damage_is_replaced(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 15, MANY_KEYS);
    keyed_log_fill(&keyed, 6);
    keyed_log_begin(&keyed);
    keyed.model.log->segments[0]->damaged = keyed.model.log->damaged = true;
    keyed_log_finish(&keyed);
    assert_false(partition_log_is_damaged(keyed.model.log));
    keyed_log_check(&keyed, false);
    end(&keyed);
}

/* What a round has left unfinished has the name of what the next one writes: it is gone before. */
static void test_unfinished_goes_first(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 14, MANY_KEYS);
    keyed_log_fill(&keyed, 6);
    char *left = in_group(&keyed, "00000000000000000000.clean");
    file_put(left, (const uint8_t *)"left", 4);
    dropped_segments_add_unfinished(&keyed.model.store->dropped, keyed.model.log->path, 0);
    struct log_clean_limits limits = {
        .index = keyed.model.commit, .young_ms = INT64_MAX, .stable = INT64_MAX};
    struct log_cleaning early = {0};
    assert_int_equal(log_cleaning_begin(keyed.model.log, &limits, &keyed.options, &early),
                     ERR_BUSY);
    run_removals(&keyed);
    assert_int_not_equal(access(left, F_OK), 0);
    keyed_log_clean(&keyed);
    reopen(&keyed, false);
    keyed_log_check(&keyed, true);
    mem_free(left);
    end(&keyed);
}

/* A file that was replaced is let go of at once, not at the end of the round. */
static void test_replaced_are_let_go(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 15, MANY_KEYS);
    keyed_log_fill(&keyed, 8);
    struct segment *first = keyed.model.log->segments[0];
    segment_hold(first);
    keyed_log_begin(&keyed);
    assert_int_equal(first->holders, 2);
    while (first->files)
        log_model_run(&keyed.model);
    assert_non_null(keyed.model.store->cleaning); /* others follow */
    assert_int_equal(first->holders, 1);
    segment_let_go(first);
    keyed_log_finish(&keyed);
    keyed_log_check(&keyed, false);
    end(&keyed);
}

/* Of an epoch nothing is left: it ends where the first one begins of which something is, not where
 * the log begins: a consumer that has read it would read all again. */
static void test_epoch_without_records(void **state) {
    (void)state;
    struct keyed_log keyed;
    uint32_t found;
    keyed_log_open(&keyed, 16, MANY_KEYS);
    keyed_log_append(&keyed, 1, 100);
    log_model_vote(&keyed.model, 2, 1);
    log_model_append_one(&keyed.model, ENTRY_BARRIER);
    keyed_log_append(&keyed, 1, 100);
    partition_log_roll(keyed.model.log);
    keyed_log_append(&keyed, 1, 1);
    assert_int_equal(partition_log_epoch_end(keyed.model.log, 1, &found), 100);
    keyed_log_clean(&keyed);
    reopen(&keyed, true);
    assert_true(partition_log_epoch_end(keyed.model.log, 1, &found) >= 100);
    assert_int_equal(found, 1);
    end(&keyed);
}

/* A segment of which nothing is left keeps no others that are too old. */
static void test_emptied_is_old(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 17, MANY_KEYS);
    keyed_log_append(&keyed, 1, 100);
    partition_log_roll(keyed.model.log);
    keyed_log_append(&keyed, 1, 1);
    partition_log_roll(keyed.model.log);
    keyed_log_append(&keyed, 1, 1);
    keyed_log_begin(&keyed);
    keyed_log_finish(&keyed);
    assert_int_equal(keyed.model.log->segments[0]->end.position, SEGMENT_HEADER_SIZE);
    int64_t wall_ms = keyed.model.time + 2000;
    struct log_limits limits = {.age_ms = 1000, .bytes = -1};
    struct log_expiry expiry = partition_log_expiry(keyed.model.log, &limits, wall_ms);
    assert_int_equal(expiry.offset, partition_log_end_offset(keyed.model.log));
    end(&keyed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cleaned),
        cmocka_unit_test(test_unfinished_goes_first),
        cmocka_unit_test(test_replaced_are_let_go),
        cmocka_unit_test(test_epoch_without_records),
        cmocka_unit_test(test_emptied_is_old),
        cmocka_unit_test(test_cleaned_in_parts),
        cmocka_unit_test(test_cleaned_to_nothing),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_closed_meanwhile),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_cleaned_without_start),
        cmocka_unit_test(test_raw_inside_raw),
        cmocka_unit_test(test_dropped_and_cleaned),
        cmocka_unit_test(test_reader_over_swap),
        cmocka_unit_test(test_reader_goes_on_behind_swap),
        cmocka_unit_test(test_segment_bytes),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_damage_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
