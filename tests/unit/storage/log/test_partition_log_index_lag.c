/* The index file of a segment lacks a little of what is synced: it is written now and then, and a
 * start scans the rest. */
#include <stdio.h>

#include "base/mem.h"
#include "storage/log/write_behind.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

enum {
    SEGMENT_BYTES = 64 << 10,
    LAG = SEGMENT_BYTES / 2,
    SAVED = LAG / 4
}; /* so much is saved by the start that scanned it */

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

/* Syncs make no index file until it would lack too much, and a start after any of them knows all
 * that is synced. */
static void test_index_lags(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 61);
    unsigned without = 0;
    sync_some(&model);
    for (; synced_bytes(&model) - SEGMENT_HEADER_SIZE < LAG; without++) {
        assert_false(index_exists(&model));
        if (synced_bytes(&model) - SEGMENT_HEADER_SIZE < SAVED) crash_and_start(&model);
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
    assert_int_equal(segment_index_load(model.folder.env, path, sealed->end.position, true, &index),
                     0);
    assert_int_equal(index.end.position, sealed->end.position);
    segment_index_close(&index);
    mem_free(path);
    crash_and_start(&model);
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* The power goes between a sync of the index and the round that says so: what the index has beyond
 * is cut at the start, because the segment goes on from there in other blocks, and is synced
 * without the index being written. */
static void test_index_beyond_the_progress_is_cut(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 64);
    sync_some(&model);
    assert_in_range(synced_bytes(&model), SEGMENT_BLOCK, SAVED); /* the start saves nothing of it */
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

/* The power goes before the directory of a new segment is synced: the name of its index is kept,
 * that of the segment is not. The segment that is made under this name later has its entries at
 * other places, and is synced without its index being written. */
static void test_index_of_a_lost_segment_is_not_believed(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 65);
    log_model_append(&model, 8);
    log_model_settle(&model);
    char journal[128], aside[128];
    snprintf(journal, sizeof journal, "%s/shard-0/journal", model.folder.path);
    snprintf(aside, sizeof aside, "%s/aside", model.folder.path);
    assert_int_equal(env_mkdir(model.folder.env, aside), 0);
    copy_files(journal, aside, ".journal");
    for (uint64_t index = 2; index <= 6; index += 2) {
        log_model_commit(&model, index);
        write_behind_sync(model.log, index);
        log_model_write_behind(&model);
    }
    log_model_commit(&model, 8);
    log_model_flush(&model);
    assert_true(index_exists(&model));
    uint64_t told = partition_log_active(model.log)->index->saved_position;
    char *lost = segment_path(model.log->segments[0], SEGMENT_FILE_LOG);
    log_model_stop(&model, false);
    copy_files(aside, journal, ".journal");
    assert_int_equal(env_unlink(model.folder.env, lost), 0);
    mem_free(lost);
    log_model_start(&model);
    assert_int_equal(model.last, 8);
    sync_some(&model);
    assert_false(index_exists(&model));
    do
        sync_some(&model);
    while (synced_bytes(&model) < told);
    assert_in_range(synced_bytes(&model), told, SEGMENT_HEADER_SIZE + LAG - 1);
    log_model_append(&model, 1);
    log_model_settle(&model); /* a round that takes the progress along */
    crash_and_start(&model);
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* The index tells of blocks that the segment had in another life, and is back all the same: that is
 * found out, and the segment scanned. */
static void test_index_of_other_blocks_is_not_believed(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 67);
    log_model_append(&model, 8);
    log_model_settle(&model);
    log_model_commit(&model, 2);
    write_behind_sync(model.log, 2);
    log_model_write_behind(&model);
    log_model_append(&model, 1); /* a round that takes the progress along */
    log_model_settle(&model);
    char journal[128], aside[128];
    snprintf(journal, sizeof journal, "%s/shard-0/journal", model.folder.path);
    snprintf(aside, sizeof aside, "%s/aside", model.folder.path);
    assert_int_equal(env_mkdir(model.folder.env, aside), 0);
    copy_files(journal, aside, ".journal");
    for (uint64_t index = 4; index <= 6; index += 2) {
        log_model_commit(&model, index);
        write_behind_sync(model.log, index);
        log_model_write_behind(&model);
    }
    log_model_commit(&model, 8);
    log_model_flush(&model);
    uint64_t told = partition_log_active(model.log)->index->saved_position;
    char *path = index_path(&model);
    size_t len;
    uint8_t *before = file_bytes(path, &len);
    log_model_stop(&model, false);
    copy_files(aside, journal, ".journal");
    log_model_start(&model); /* cuts it off the index */
    do
        sync_some(&model);
    while (synced_bytes(&model) < told);
    log_model_append(&model, 1);
    log_model_settle(&model);
    log_model_stop(&model, false);
    file_put(path, before, len);
    log_model_start(&model);
    log_model_check(&model);
    log_model_stop(&model, true);
    mem_free(before);
    mem_free(path);
    log_model_close(&model);
}

/* Writes the index of a segment as if its last entry were the one behind it. */
static void tell_one_more(struct log_model *model, const struct segment *segment) {
    struct segment_index index;
    char *path = segment_path(segment, SEGMENT_FILE_INDEX);
    segment_index_init(&index, &segment->header, model->options.index_interval_bytes);
    assert_int_equal(segment_index_load(model->folder.env, path, segment->synced, true, &index), 0);
    assert_int_equal(index.end.position, segment->synced);
    index.end.last_index++;
    index.end.offset++;
    index.saved_points = index.saved_terms = index.saved_changes = 0;
    index.saved_position = SEGMENT_HEADER_SIZE;
    index.file_size = 0;
    assert_int_equal(segment_index_save(model->folder.env, path, &index), 0);
    segment_index_close(&index);
    mem_free(path);
}

/* Each block of it is whole, but it ends elsewhere than the journal, or the next segment, says: the
 * segment is scanned, and the index made again. */
static void test_index_that_contradicts_is_not_believed(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 68);
    while (model.log->segment_count < 2)
        sync_some(&model);
    log_model_append(&model, 4);
    log_model_settle(&model);
    log_model_commit(&model, model.last);
    log_model_flush(&model);
    log_model_append(&model, 1); /* a round that takes the progress along */
    log_model_settle(&model);
    for (size_t i = 0; i < 2; i++) {
        tell_one_more(&model, model.log->segments[i]);
        crash_and_start(&model);
        assert_int_equal(model.log->segment_count, 2);
    }
    log_model_commit(&model, model.last);
    log_model_stop(&model, true);
    log_model_start(&model);
    assert_int_equal(partition_log_active(model.log)->index->saved_position, synced_bytes(&model));
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* A start that had to scan much saves what it found: the next one has not to, though nothing is
 * written meanwhile. */
static void test_index_is_saved_by_the_start_that_scanned(void **state) {
    (void)state;
    struct log_model model;
    open_model(&model, 66);
    for (bool much = false; !much;) {
        sync_some(&model);
        much = synced_bytes(&model) - SEGMENT_HEADER_SIZE >= SAVED;
        log_model_stop(&model, true);
        assert_int_equal(model.commit, model.last);
        log_model_start(&model);
        assert_int_equal(index_exists(&model), much);
    }
    const struct segment_index *index = partition_log_active(model.log)->index;
    assert_int_equal(index->saved_position, synced_bytes(&model));
    assert_true(index->file_size > SEGMENT_HEADER_SIZE);
    struct segment_index saved;
    char *path = index_path(&model);
    segment_index_init(&saved, &index->header, model.options.index_interval_bytes);
    assert_int_equal(segment_index_load(model.folder.env, path, synced_bytes(&model), true, &saved),
                     0);
    assert_int_equal(saved.end.position, synced_bytes(&model));
    assert_int_equal(saved.point_count, index->point_count);
    segment_index_close(&saved);
    mem_free(path);
    while (model.log->segment_count < 2) /* and it goes on from there */
        sync_some(&model);
    crash_and_start(&model);
    log_model_stop(&model, true);
    log_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_lags),
        cmocka_unit_test(test_index_is_whole_after_a_flush),
        cmocka_unit_test(test_index_is_whole_when_sealed),
        cmocka_unit_test(test_index_beyond_the_progress_is_cut),
        cmocka_unit_test(test_index_of_a_lost_segment_is_not_believed),
        cmocka_unit_test(test_index_of_other_blocks_is_not_believed),
        cmocka_unit_test(test_index_that_contradicts_is_not_believed),
        cmocka_unit_test(test_index_is_saved_by_the_start_that_scanned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
