/* The index file of a segment lacks a little of what is synced: it is written now and then, and a start scans the rest. */
#include <stdio.h>

#include "base/mem.h"
#include "storage/log/write_behind.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

enum { SEGMENT_BYTES = 64 << 10, LAG = SEGMENT_BYTES / 2 };

static void open_model(struct log_model *model, uint64_t seed) {
    log_model_open(model, seed);
    model->options.segment_bytes = SEGMENT_BYTES;
    model->value_max = 400;
    log_model_start(model);
    log_model_vote(model, 1, 1);
}

/* A few more entries, synced in the segment as if the journal had asked for their room. */
static void sync_some(struct log_model *model) {
    log_model_append(model, 4);
    log_model_settle(model);
    log_model_commit(model, model->last);
    write_behind_sync(model->log, model->last);
    log_model_write_behind(model);
    assert_int_equal(model->log->synced, model->last);
}

static uint64_t synced_bytes(const struct log_model *model) {
    return partition_log_active(model->log)->synced;
}

static char *index_path(const struct log_model *model) {
    return segment_path(model->log->segments[0], SEGMENT_FILE_INDEX);
}

static bool index_exists(const struct log_model *model) {
    char *path = index_path(model);
    enum env_kind kind;
    assert_int_equal(env_kind_of(model->folder.env, path, &kind), 0);
    mem_free(path);
    return kind != ENV_NOTHING;
}

static void crash_and_start(struct log_model *model) {
    log_model_stop(model, false);
    log_model_start(model);
    log_model_check(model);
}

/* Syncs make no index file until it would lack too much, and a start after any of them knows all that is synced. */
static void test_index_lags(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 61);
    unsigned without = 0;
    sync_some(&model);
    for (; synced_bytes(&model) - SEGMENT_HEADER_SIZE < LAG; without++) {
        assert_false(index_exists(&model));
        if (without % 2 == 0) crash_and_start(&model);
        sync_some(&model);
    }
    assert_in_range(without, 3, LAG / SEGMENT_BLOCK);
    assert_true(index_exists(&model));
    uint64_t told = partition_log_active(model.log)->index->saved_position;
    assert_int_equal(told, synced_bytes(&model));
    sync_some(&model);
    assert_int_equal(partition_log_active(model.log)->index->saved_position, told);
    crash_and_start(&model);
    assert_true(partition_log_active(model.log)->index->file_size > SEGMENT_HEADER_SIZE);
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* A clean stop leaves no scan to the next start. */
static void test_index_is_whole_after_a_flush(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 62);
    sync_some(&model);
    log_model_append(&model, 4);
    log_model_settle(&model);
    log_model_commit(&model, model.last);
    log_model_flush(&model);
    assert_true(index_exists(&model));
    assert_int_equal(partition_log_active(model.log)->index->saved_position, synced_bytes(&model));
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* A sealed segment has its whole index, however little was synced since it was written last. */
static void test_index_is_whole_when_sealed(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 63);
    while (model.log->segment_count < 2)
        sync_some(&model);
    struct segment *sealed = model.log->segments[0];
    struct segment_index index;
    char *path = index_path(&model);
    segment_index_init(&index, &sealed->header, model.options.index_interval_bytes);
    assert_int_equal(segment_index_load(model.folder.env, path, sealed->end.position, true, &index), 0);
    assert_int_equal(index.end.position, sealed->end.position);
    segment_index_close(&index);
    mem_free(path);
    crash_and_start(&model);
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* The power goes between a sync of the index and the round that says so: what the index has beyond is cut at the start, because the
 * segment goes on from there in other blocks, and is synced without the index being written. */
static void test_index_beyond_the_progress_is_cut(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 64);
    sync_some(&model);
    while (synced_bytes(&model) < LAG - 2 * SEGMENT_BLOCK)
        sync_some(&model);
    log_model_vote(&model, 2, 1); /* a round that takes the progress along */
    log_model_append(&model, 1);
    log_model_settle(&model);
    char journal[128], aside[128];
    snprintf(journal, sizeof journal, "%s/shard-0/journal", model.folder.path);
    snprintf(aside, sizeof aside, "%s/aside", model.folder.path);
    assert_int_equal(env_mkdir(model.folder.env, aside), 0);
    copy_files(journal, aside, ".journal");
    uint64_t last = model.last;
    log_model_commit(&model, model.last);
    log_model_flush(&model); /* writes the index */
    assert_true(index_exists(&model));
    char *path = index_path(&model);
    log_model_stop(&model, false);
    copy_files(aside, journal, ".journal");
    log_model_start(&model);
    assert_int_equal(model.last, last);
    size_t len;
    mem_free(file_bytes(path, &len));
    assert_int_equal(len, SEGMENT_HEADER_SIZE);
    sync_some(&model);
    crash_and_start(&model);
    log_model_stop(&model, true);
    mem_free(path);
    log_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_lags),
        cmocka_unit_test(test_index_is_whole_after_a_flush),
        cmocka_unit_test(test_index_is_whole_when_sealed),
        cmocka_unit_test(test_index_beyond_the_progress_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
