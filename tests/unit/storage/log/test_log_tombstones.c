/* Tombstones in a log that is cleaned: those that may go do, and how far the log is clean. */
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "storage/log/log_reading.h"
#include "tests/unit/storage/fixture_keyed_log.h"
#include "tests/unit/unit.h"

enum { MANY_KEYS = 100000, AT_FLAGS = 32 };

static void reopen(struct keyed_log *keyed, bool clean) {
    log_model_stop(&keyed->model, clean);
    log_model_start(&keyed->model);
}

static void end(struct keyed_log *keyed) {
    log_model_stop(&keyed->model, false);
    keyed_log_close(keyed);
}

/* A clean log is so up to where the cleaning read, also when it is opened again. What may go goes
 * with the next round, and no other tombstone. */
static void test_tombstones_go(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 21, MANY_KEYS);
    keyed_log_fill(&keyed, 8);
    assert_int_equal(log_clean_to(keyed.model.log), 0);
    keyed_log_clean(&keyed);
    kafka_offset clean_to = log_clean_to(keyed.model.log);
    assert_int_equal(clean_to, keyed.model.log->prefix.start.next_offset);
    keyed_log_check(&keyed, true);
    for (int part = 2; part >= 1; part--) {
        keyed.options.tombstones_below = clean_to / part;
        keyed_log_fill(&keyed, keyed.model.log->segment_count + 3);
        keyed_log_clean(&keyed);
        keyed_log_check(&keyed, true);
    }
    assert_true(log_clean_to(keyed.model.log) > clean_to);
    clean_to = log_clean_to(keyed.model.log);
    reopen(&keyed, true);
    assert_int_equal(log_clean_to(keyed.model.log), clean_to);
    keyed_log_check(&keyed, true);
    log_model_check(&keyed.model);
    end(&keyed);
}

/* A map that is full: the log is clean up to where it was. */
static void test_clean_in_parts(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 22, 30);
    keyed.keys = 300;
    keyed_log_fill(&keyed, 5);
    kafka_offset clean_to = 0;
    unsigned inside = 0;
    while (keyed_log_cleanable(&keyed).dirty_bytes > 0) {
        keyed_log_begin(&keyed);
        keyed_log_finish(&keyed);
        assert_true(log_clean_to(keyed.model.log) > clean_to);
        clean_to = log_clean_to(keyed.model.log);
        inside += clean_to < keyed.model.log->prefix.start.next_offset;
        keyed_log_check(&keyed, false);
    }
    assert_int_equal(clean_to, keyed.model.log->prefix.start.next_offset);
    assert_true(inside > 2);
    end(&keyed);
}

/* The header of the first segment as a version wrote it that did not note what stays. */
static void make_old(struct keyed_log *keyed) {
    size_t len;
    char *group = log_model_group_path(&keyed->model),
         *path = path_of_segment(group, 0, SEGMENT_FILE_LOG);
    uint8_t *bytes = file_bytes(path, &len);
    assert_int_equal(le_get_u32(bytes + AT_FLAGS), 3);
    le_put_u32(bytes + AT_FLAGS, 1);
    le_put_u32(bytes + SEGMENT_HEADER_SIZE - 4, crc32c(0, bytes, SEGMENT_HEADER_SIZE - 4));
    file_put(path, bytes, len);
    mem_free(bytes);
    mem_free(path);
    mem_free(group);
}

/* What an older version cleaned counts as not read: it is cleaned again. */
static void test_cleaned_by_an_older_version(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 23, MANY_KEYS);
    keyed_log_fill(&keyed, 5);
    keyed_log_clean(&keyed);
    kafka_offset clean_to = log_clean_to(keyed.model.log);
    assert_true(clean_to > 0);
    log_model_stop(&keyed.model, true);
    make_old(&keyed);
    log_model_start(&keyed.model);
    assert_int_equal(log_clean_to(keyed.model.log), 0);
    assert_true(keyed_log_cleanable(&keyed).dirty_bytes > 0);
    keyed_log_clean(&keyed);
    assert_true(log_clean_to(keyed.model.log) >= clean_to);
    keyed_log_check(&keyed, true);
    end(&keyed);
}

/* In force: the swap that comes next waits for what is given away. */
static void give_away(void *arg) {
    struct keyed_log *keyed = arg;
    keyed->model.log->events.start_moved = keyed->told;
    keyed->given = partition_log_give_prefix(keyed->model.log);
    keyed->told(arg);
}

/* A cleaning that is about to replace the first segment, which is not open: the swap is in its
 * lane, and ends on the loop. */
static void begin_swap(struct keyed_log *keyed) {
    struct partition_log *log = keyed->model.log;
    struct segment_files *files = &keyed->model.store->files;
    while (files->idle.oldest)
        segment_files_give_back(files);
    keyed->told = log->events.start_moved;
    log->events.start_moved = give_away;
    keyed_log_begin(keyed);
    while (!log->prefix.idle && !keyed->over)
        log_model_run(&keyed->model);
    assert_non_null(keyed->given);
    partition_log_take_back(log, keyed->given);
    assert_true(log->segments[0]->moving);
    assert_null(log->segments[0]->file);
}

static void assert_reader_waits(struct keyed_log *keyed) {
    struct partition_log *log = keyed->model.log;
    struct partition_log_fetch fetch = {.done = NULL}; /* it is not told: it leaves */
    assert_false(partition_log_fetch(log, log->segments[0]->header.base_offset,
                                     log_model_watermark(&keyed->model), 1, &fetch));
    assert_true(fetch.reading->held_up);
    partition_log_fetch_cancel(&fetch);
}

/* Whoever wants to read a segment that is being replaced, and is not open, waits, and reads what is
 * there then: opened by its name it might be either. */
static void test_readers_wait_for_a_swap(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 24, MANY_KEYS);
    for (int round = 0; round < 10; round++) {
        keyed_log_fill(&keyed, keyed.model.log->segment_count + 3);
        begin_swap(&keyed);
        assert_reader_waits(&keyed);
        keyed_log_check(&keyed, false);
        keyed_log_finish(&keyed);
        keyed_log_check(&keyed, true);
    }
    end(&keyed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tombstones_go),
        cmocka_unit_test(test_clean_in_parts),
        cmocka_unit_test(test_cleaned_by_an_older_version),
        cmocka_unit_test(test_readers_wait_for_a_swap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
