/* Damage in segments is found, and mended with what is given, so that the files are byte for byte
 * what they were. */
#include "storage/log/log_healing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "storage/heal/wound.h"
#include "tests/unit/storage/fixture_stored_logs.h"
#include "tests/unit/unit.h"

enum { ENTRIES = 400, SEGMENTS_MOST = 64 };

struct file {
    char name[64];
    uint8_t *bytes;
    size_t len;
};

struct healing_test {
    struct stored_logs *logs;
    struct log_healing healing;
    struct entry *entries[ENTRIES + 1];
    char directory[128];
    struct file files[SEGMENTS_MOST];
    size_t count;
    unsigned asked;
    bool gives, wrong; /* the second: another entry than the one that is lacking */
    bool over;
    int error;
};

static void lacks(struct log_healing *healing, const struct log_lack *lack) {
    struct healing_test *test = CONTAINER_OF(healing, struct healing_test, healing);
    test->asked++;
    assert_true(lack->index > 0 && lack->index <= ENTRIES);
    struct entry *entry = test->entries[lack->index];
    assert_int_equal(lack->term, entry->term);
    assert_int_equal(lack->base_offset, entry->base_offset);
    if (test->wrong) {
        size_t other = lack->index > 1 ? lack->index - 1 : 2;
        assert_int_equal(log_healing_give(healing, test->entries[other]), ERR_CORRUPT);
    }
    if (test->gives)
        assert_int_equal(log_healing_give(healing, entry), 0);
    else
        log_healing_give_up(healing);
}

static void done(struct log_healing *healing, int error) {
    struct healing_test *test = CONTAINER_OF(healing, struct healing_test, healing);
    test->over = true;
    test->error = error;
    folder_stop(&test->logs->folder);
}

static void heal(struct healing_test *test, bool all) {
    struct log_healing_options options = {
        .all = all, .bytes_per_second = UINT64_MAX, .bytes = UINT64_MAX};
    test->over = false;
    test->healing.lacks = lacks;
    test->healing.done = done;
    assert_int_equal(log_healing_begin(test->logs->logs[0], &options, &test->healing), 0);
    while (!test->over)
        folder_run(&test->logs->folder);
}

static void take_files(struct healing_test *test) {
    char names[SEGMENTS_MOST][64], path[256];
    test->count = file_names(test->directory, ".log", names, SEGMENTS_MOST);
    assert_true(test->count > 4);
    for (size_t i = 0; i < test->count; i++) {
        struct file *file = &test->files[i];
        snprintf(file->name, sizeof file->name, "%s", names[i]);
        snprintf(path, sizeof path, "%s/%s", test->directory, names[i]);
        file->bytes = file_bytes(path, &file->len);
    }
}

static void assert_as_before(const struct healing_test *test) {
    char path[256], names[2][64];
    for (size_t i = 0; i < test->count; i++) {
        const struct file *file = &test->files[i];
        size_t len;
        snprintf(path, sizeof path, "%s/%s", test->directory, file->name);
        uint8_t *bytes = file_bytes(path, &len);
        assert_int_equal(len, file->len);
        assert_memory_equal(bytes, file->bytes, len);
        mem_free(bytes);
    }
    assert_int_equal(file_names(test->directory, ".mend", names, 2), 0);
}

static void set_up(struct healing_test *test, size_t value_max) {
    memset(test, 0, sizeof *test);
    struct stored_logs *f = test->logs = stored_set_up();
    stored_close(f);
    f->options.segment_bytes = 16 << 10;
    stored_open(f);
    stored_open_logs(f, 1);
    struct partition_log *log = f->logs[0];
    partition_log_set_hard_state(log, 1 + ENTRIES / 100, 0);
    for (unsigned i = 1; i <= ENTRIES; i++) {
        struct entry *entry = entry_of_batches(&f->dice, 1, i, 1 + i / 100,
                                               partition_log_end_offset(log), 1, 3, value_max,
                                               1700000000000);
        partition_log_append(log, &entry, 1);
        test->entries[i] = entry;
        if (i % 7 != 0) continue;
        stored_settle(f, 0);
        partition_log_commit(log, i);
        if (i % 3 == 0) stored_flush(f); /* zeros up to the end of a block */
    }
    stored_settle(f, 0);
    partition_log_commit(log, ENTRIES);
    stored_flush(f);
    snprintf(test->directory, sizeof test->directory, "%s", log->path);
    test->gives = true;
    take_files(test);
}

static void tear_down(struct healing_test *test) {
    for (unsigned i = 1; i <= ENTRIES; i++)
        entry_unref(test->entries[i]);
    for (size_t i = 0; i < test->count; i++)
        mem_free(test->files[i].bytes);
    stored_tear_down(test->logs);
}

/* ---- Damage ---- */

static void put(const struct healing_test *test, size_t i, size_t at, const void *bytes,
                size_t len) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", test->directory, test->files[i].name);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
    close(fd);
}

static void flip(const struct healing_test *test, size_t i, size_t at, unsigned bit) {
    uint8_t byte = (uint8_t)(test->files[i].bytes[at] ^ 1u << bit);
    put(test, i, at, &byte, 1);
}

static void cut(const struct healing_test *test, size_t i, size_t to) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", test->directory, test->files[i].name);
    assert_int_equal(truncate(path, (off_t)to), 0);
}

static void put_back(const struct healing_test *test) {
    for (size_t i = 0; i < test->count; i++)
        put(test, i, 0, test->files[i].bytes, test->files[i].len);
}

/* Some bytes of a file, at random: a bit, a run of bytes, blocks of zeros, its end. */
static void damage(struct healing_test *test) {
    struct dice *dice = &test->logs->dice;
    size_t i = (size_t)dice_below(dice, test->count);
    const struct file *file = &test->files[i];
    size_t at = (size_t)dice_below(dice, file->len);
    uint8_t bytes[3 * 4096];
    switch (dice_below(dice, 6)) {
    case 0:
    case 1: flip(test, i, at, (unsigned)dice_below(dice, 8)); return;
    case 2: flip(test, i, at % 200, (unsigned)dice_below(dice, 8)); return;
    case 3: cut(test, i, at); return;
    case 4: memset(bytes, 0, sizeof bytes); break;
    default:
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)dice_next(dice);
    }
    size_t len = 1 + (size_t)dice_below(dice, sizeof bytes);
    if (dice_below(dice, 2) == 0) { /* as a disk loses it */
        at = at / 4096 * 4096;
        len = (len + 4095) / 4096 * 4096;
    }
    if (len > file->len - at) len = file->len - at;
    put(test, i, at, bytes, len);
}

struct index_read {
    struct partition_log_read read;
    struct healing_test *test;
    int error;
    bool over;
};

static void on_read(struct partition_log_read *read, int error) {
    struct index_read *one = CONTAINER_OF(read, struct index_read, read);
    one->over = true;
    one->error = error;
    folder_stop(&one->test->logs->folder);
}

/* Every entry is found, wherever who looks for it begins. */
static void assert_all_are_found(struct healing_test *test) {
    for (unsigned i = ENTRIES; i >= 1; i--) {
        struct index_read one = {.read = {.done = on_read}, .test = test};
        partition_log_read(test->logs->logs[0], i, i, 1, &one.read);
        while (!one.over)
            folder_run(&test->logs->folder);
        assert_int_equal(one.error, 0);
        assert_memory_equal(one.read.entries[0]->header, test->entries[i]->header,
                            ENTRY_HEADER_SIZE);
        partition_log_read_release(&one.read);
    }
}

/* Where much was gone the zeros between entries may be elsewhere now. Returns whether they are. */
static bool take_again(struct healing_test *test) {
    struct file before[SEGMENTS_MOST];
    bool same = true;
    memcpy(before, test->files, sizeof before);
    size_t count = test->count;
    take_files(test);
    assert_int_equal(count, test->count);
    for (size_t i = 0; i < count; i++) {
        same = same && before[i].len == test->files[i].len &&
               memcmp(before[i].bytes, test->files[i].bytes, before[i].len) == 0;
        mem_free(before[i].bytes);
    }
    return !same;
}

static void check_places(size_t value_max, int rounds) {
    struct healing_test test;
    int others = 0;
    set_up(&test, value_max);
    struct partition_log *log = test.logs->logs[0];
    for (int round = 0; round < rounds; round++) {
        for (uint64_t n = 1 + dice_below(&test.logs->dice, 3); n > 0; n--)
            damage(&test);
        heal(&test, true);
        assert_int_equal(test.error, 0);
        assert_false(partition_log_is_damaged(log));
        others += take_again(&test);
        assert_all_are_found(&test);
        assert_false(partition_log_is_damaged(log));
    }
    print_message("%d of %d times the zeros are elsewhere\n", others, rounds);
    assert_in_range(others, 0, rounds / 5);
    assert_true(test.asked > 0);
    tear_down(&test);
}

/* Wherever the damage is, and whatever there is in its place. */
static void test_any_place(void **state) {
    (void)state;
    check_places(300, 300);
}

/* The same where many entries share a block. */
static void test_small_entries(void **state) {
    (void)state;
    check_places(4, 100);
}

/* What is given is compared with what the log knows; another entry replaces nothing. */
static void test_wrong_entry(void **state) {
    (void)state;
    struct healing_test test;
    set_up(&test, 300);
    flip(&test, 1, 100, 3);
    test.wrong = true;
    heal(&test, true);
    assert_as_before(&test);
    tear_down(&test);
}

/* An entry with another body under the same index and term: the header that is still there says no,
 * and nothing is changed. */
static void test_other_entry_of_the_index(void **state) {
    (void)state;
    struct healing_test test;
    set_up(&test, 300);
    size_t len;
    char path[256];
    struct segment *segment = test.logs->logs[0]->segments[1];
    struct entry *there = test.entries[segment->header.first_index];
    struct entry *other = entry_of_batches(&test.logs->dice, 1, there->index, there->term,
                                           there->base_offset, 1, 3, 300, 1800000000000);
    flip(&test, 1, SEGMENT_HEADER_SIZE + ENTRY_HEADER_SIZE + 5, 3);
    snprintf(path, sizeof path, "%s/%s", test.directory, test.files[1].name);
    uint8_t *before = file_bytes(path, &len);
    test.entries[there->index] = other;
    heal(&test, true);
    uint8_t *after = file_bytes(path, &len);
    assert_int_equal(len, test.files[1].len);
    assert_memory_equal(before, after, len);
    assert_true(partition_log_is_damaged(test.logs->logs[0]));
    mem_free(before);
    mem_free(after);
    entry_unref(other);
    test.entries[there->index] = there;
    tear_down(&test);
}

/* Nobody has it: the segment stays damaged, those behind it are mended; put back, it is whole. */
static void test_nobody_has_it(void **state) {
    (void)state;
    struct healing_test test;
    set_up(&test, 300);
    struct partition_log *log = test.logs->logs[0];
    test.gives = false;
    flip(&test, 1, 100, 3);
    flip(&test, 3, 100, 3);
    heal(&test, true);
    assert_int_equal(test.error, 0);
    assert_int_equal(test.asked, 2);
    assert_true(log->segments[1]->damaged && log->segments[3]->damaged);
    assert_int_equal(test.healing.mended_places, 0);
    put_back(&test);
    heal(&test, false);
    assert_int_equal(test.asked, 2);
    assert_false(partition_log_is_damaged(log));
    assert_as_before(&test);
    tear_down(&test);
}

/* A log that is closed ends its round. */
static void test_closed(void **state) {
    (void)state;
    struct healing_test test;
    set_up(&test, 300);
    struct log_healing_options options = {.all = true, .bytes_per_second = 1, .bytes = UINT64_MAX};
    test.healing.lacks = lacks;
    test.healing.done = done;
    assert_int_equal(log_healing_begin(test.logs->logs[0], &options, &test.healing), 0);
    assert_int_equal(log_healing_begin(test.logs->logs[0], &options, &test.healing), ERR_BUSY);
    stored_run_a_while(test.logs);
    stored_close(test.logs);
    assert_true(test.over);
    assert_int_equal(test.error, ERR_CANCELED);
    stored_open(test.logs);
    stored_open_logs(test.logs, 1);
    heal(&test, true);
    log_healing_cancel(&test.healing);
    tear_down(&test);
}

/* ---- At a start ---- */

struct closed_log {
    struct healing_test *test;
    struct wound_mending *mending;
    const char *goes_to; /* the directory, when an entry is asked for; NULL: it stays */
    bool over;
    int error;
    uint64_t entries;
};

static void wound_lacks(void *arg, log_index index) {
    struct closed_log *closed = arg;
    struct healing_test *test = closed->test;
    test->asked++;
    if (closed->goes_to != NULL) assert_int_equal(rename(test->directory, closed->goes_to), 0);
    assert_int_equal(wound_mending_give(closed->mending, test->entries[index % ENTRIES + 1]),
                     ERR_CORRUPT);
    if (test->gives)
        assert_int_equal(wound_mending_give(closed->mending, test->entries[index]), 0);
    else
        wound_mending_give_up(closed->mending);
}

static void wound_done(void *arg, int error, uint64_t entries) {
    struct closed_log *closed = arg;
    closed->over = true;
    closed->error = error;
    closed->entries = entries;
    folder_stop(&closed->test->logs->folder);
}

static int open_again(struct healing_test *test) {
    struct error_text why;
    struct stored_logs *f = test->logs;
    return partition_log_open(f->store, 1, "topic-1", &stored_events, f, &f->logs[0], &why);
}

static void mend_wound(struct healing_test *test, struct closed_log *closed) {
    static const struct wound_mending_events events = {
        .lacks = wound_lacks, .done = wound_done, .lacks_range = NULL};
    struct wound wound;
    *closed = (struct closed_log){.test = test, .goes_to = closed->goes_to};
    assert_true(log_store_take_wound(test->logs->store, &wound));
    closed->mending = wound_mending_begin(test->logs->folder.env, &wound, &events, closed);
    while (!closed->over)
        folder_run(&test->logs->folder);
}

/* A start that has to scan a segment cannot read past the header of a damaged entry: the log stays
 * closed until the segment is mended. */
static void test_closed_by_damage(void **state) {
    (void)state;
    struct healing_test test;
    struct closed_log closed = {0};
    char path[256];
    set_up(&test, 300);
    stored_close(test.logs);
    for (size_t i = 1; i < test.count; i += 2) { /* the last one is active, or not */
        snprintf(path, sizeof path, "%s/%s", test.directory, test.files[i].name);
        memcpy(strrchr(path, '.'), ".index", sizeof ".index");
        unlink(path);
        flip(&test, i, SEGMENT_HEADER_SIZE + 17, 3);
        flip(&test, i, test.files[i].len / 2, 3);
    }
    stored_open(test.logs);
    test.gives = false;
    assert_int_equal(open_again(&test), ERR_CORRUPT);
    mend_wound(&test, &closed);
    assert_int_equal(closed.error, ERR_NOT_FOUND);
    stored_close(test.logs);
    stored_open(test.logs);
    test.gives = true;
    while (open_again(&test) == ERR_CORRUPT) {
        mend_wound(&test, &closed);
        assert_int_equal(closed.error, 0);
        assert_true(closed.entries > 0);
    }
    heal(&test, true);
    assert_as_before(&test);
    tear_down(&test);
}

/* The group is deleted while an entry is on its way: its files go, and nothing else happens. */
static void test_closed_log_goes(void **state) {
    (void)state;
    struct healing_test test;
    char path[256], gone[160];
    set_up(&test, 300);
    stored_close(test.logs);
    snprintf(path, sizeof path, "%s/%s", test.directory, test.files[1].name);
    memcpy(strrchr(path, '.'), ".index", sizeof ".index");
    unlink(path);
    flip(&test, 1, SEGMENT_HEADER_SIZE + 17, 3);
    stored_open(test.logs);
    assert_int_equal(open_again(&test), ERR_CORRUPT);
    snprintf(gone, sizeof gone, "%s.gone", test.directory);
    struct closed_log closed = {.goes_to = gone};
    mend_wound(&test, &closed);
    assert_int_equal(closed.error, ERR_NOT_FOUND);
    assert_int_equal(rename(gone, test.directory), 0);
    closed.goes_to = NULL;
    assert_int_equal(open_again(&test), ERR_CORRUPT);
    mend_wound(&test, &closed);
    assert_int_equal(closed.error, 0);
    assert_int_equal(open_again(&test), 0);
    assert_as_before(&test);
    tear_down(&test);
}

/* The header of a segment: the log opens, and knows that it is damaged. */
static void test_header_at_a_start(void **state) {
    (void)state;
    struct healing_test test;
    set_up(&test, 300);
    stored_close(test.logs);
    for (size_t i = 0; i < test.count; i += 2)
        flip(&test, i, 8 * i % SEGMENT_HEADER_SIZE, 3);
    stored_open(test.logs);
    assert_int_equal(open_again(&test), 0);
    assert_true(partition_log_is_damaged(test.logs->logs[0]));
    heal(&test, false);
    assert_false(partition_log_is_damaged(test.logs->logs[0]));
    assert_int_equal(test.asked, 0);
    assert_as_before(&test);
    tear_down(&test);
}

/* A whole header that is another segment's, or another group's: a write went to a wrong place. */
static void test_header_of_another(void **state) {
    (void)state;
    struct healing_test test;
    set_up(&test, 300);
    stored_close(test.logs);
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct segment_header other;
    put(&test, 0, 0, test.files[1].bytes, SEGMENT_HEADER_SIZE);
    assert_int_equal(segment_header_decode(test.files[2].bytes, SEGMENT_FILE_LOG, &other), 0);
    other.group++;
    segment_header_encode(&other, SEGMENT_FILE_LOG, bytes);
    put(&test, 2, 0, bytes, sizeof bytes);
    stored_open(test.logs);
    assert_int_equal(open_again(&test), 0);
    assert_true(partition_log_is_damaged(test.logs->logs[0]));
    heal(&test, false);
    assert_false(partition_log_is_damaged(test.logs->logs[0]));
    assert_as_before(&test);
    tear_down(&test);
}

/* The copy beside a segment, as it is when a crash comes before the segment is written: that cannot
 * be written here. */
static void leave_copy(struct healing_test *test, size_t i, const char *path) {
    struct env *env = test->logs->folder.env;
    struct partition_log *log = test->logs->logs[0];
    struct segment *segment = log->segments[i];
    struct check_place at = {SEGMENT_HEADER_SIZE, segment->header.first_index,
                             segment->header.base_offset};
    struct env_file *file;
    struct segment_mend mend;
    bool sync_failed;
    assert_int_equal(env_file_open(env, path, ENV_READ, &file), 0);
    struct mend_points points = {0};
    segment_mend_open(&mend, env, log->path, file, &segment->header, &segment->end, &at, &points);
    assert_int_equal(segment_mend_take(&mend, test->entries[at.index]), 0);
    assert_int_not_equal(segment_mend_write(&mend, &sync_failed), 0);
    assert_false(sync_failed);
    segment_mend_close(&mend);
    env_file_close(file);
}

/* What a crash leaves of a mending: a part of the copy, which is removed; or all of it and any
 * bytes in what shares blocks with the damage, which is written again; or that of another segment.
 */
static void test_crashes(void **state) {
    (void)state;
    struct healing_test test;
    char path[256], aside[256];
    uint8_t torn[4096];
    bool sync_failed;
    size_t len, now_len;
    set_up(&test, 300);
    struct env *env = test.logs->folder.env;
    struct partition_log *log = test.logs->logs[0];
    kafka_offset base = log->segments[2]->header.base_offset;
    snprintf(path, sizeof path, "%s/%s", test.directory, test.files[2].name);
    snprintf(aside, sizeof aside, "%s", path);
    memcpy(strrchr(aside, '.'), ".mend", sizeof ".mend");
    flip(&test, 2, SEGMENT_HEADER_SIZE + 17, 3);
    leave_copy(&test, 2, path);
    uint8_t *copy = file_bytes(aside, &len), *damaged = file_bytes(path, &now_len);
    assert_true(len > sizeof torn);
    for (size_t cut_to = 0; cut_to < len; cut_to += 97) {
        file_put(aside, copy, cut_to);
        assert_int_equal(segment_mend_finish(env, log->path, 1, base, &sync_failed), 0);
        uint8_t *bytes = file_bytes(path, &now_len);
        assert_memory_equal(bytes, damaged, now_len);
        mem_free(bytes);
    }
    for (int round = 0; round < 4; round++) { /* the header of the segment is among them */
        memset(torn, round * 77, sizeof torn);
        put(&test, 2, 0, torn, sizeof torn - (size_t)round * 1000);
        file_put(aside, copy, len);
        assert_int_equal(segment_mend_finish(env, log->path, 1, base, &sync_failed), 0);
        assert_as_before(&test);
    }
    file_put(aside, copy, len); /* of another group: not believed */
    flip(&test, 2, SEGMENT_HEADER_SIZE + 17, 3);
    assert_int_equal(segment_mend_finish(env, log->path, 2, base, &sync_failed), 0);
    uint8_t *bytes = file_bytes(path, &now_len);
    assert_memory_equal(bytes, damaged, now_len);
    put_back(&test);
    assert_as_before(&test);
    mem_free(bytes);
    mem_free(copy);
    mem_free(damaged);
    tear_down(&test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_place),         cmocka_unit_test(test_small_entries),
        cmocka_unit_test(test_wrong_entry),       cmocka_unit_test(test_other_entry_of_the_index),
        cmocka_unit_test(test_nobody_has_it),     cmocka_unit_test(test_closed),
        cmocka_unit_test(test_closed_by_damage),  cmocka_unit_test(test_closed_log_goes),
        cmocka_unit_test(test_header_at_a_start), cmocka_unit_test(test_header_of_another),
        cmocka_unit_test(test_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
