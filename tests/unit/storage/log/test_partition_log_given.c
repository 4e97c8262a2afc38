/* The beginning of a log that is given away: what is listed and read is what lies on the disk, and
 * none of it goes meanwhile. */
#include <string.h>

#include "base/container_of.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/segment/prefix_source.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

enum { SEGMENTS_LEAST = 8 };

struct taker {
    struct log_model *model;
    struct prefix_source *source;
    bool over;
    int error;
    struct slice bytes;
};

static void on_ready(void *arg, int error) {
    struct taker *taker = arg;
    taker->over = true;
    taker->error = error;
}

static void on_done(void *arg, int error, struct slice bytes) {
    struct taker *taker = arg;
    taker->bytes = bytes;
    on_ready(arg, error);
}

static const struct prefix_source_events events = {on_ready, on_done};

static void wait(struct taker *taker) {
    while (!taker->over)
        log_model_run(taker->model);
    taker->over = false;
}

/* Sealed segments, all committed and synced; the first three are gone. */
static void fill(struct log_model *model, uint64_t seed) {
    log_model_open(model, seed);
    model->has_state = true;
    log_model_start(model);
    log_model_vote(model, 1, 1);
    log_model_append_one(model, ENTRY_CHANGE);
    while (model->log->segment_count < SEGMENTS_LEAST) {
        for (int i = 0; i < 8; i++)
            log_model_append_one(model, ENTRY_BATCHES);
        log_model_commit(model, model->last);
        log_model_settle(model);
        log_model_write_behind(model);
    }
    log_model_flush(model);
    const struct segment *third = model->log->segments[2];
    log_model_drop(model, third->end.offset, third->end.last_index);
    assert_int_equal(model->log->prefix.start.index, model->first - 1);
}

static void take(struct taker *taker, struct log_model *model) {
    *taker = (struct taker){.model = model, .source = partition_log_give_prefix(model->log)};
    assert_non_null(taker->source);
    prefix_source_begin(taker->source, &events, taker);
    wait(taker);
    assert_int_equal(taker->error, ERR_NONE);
}

static char *path_of(const struct log_model *model, const struct prefix_file *file) {
    return file->kind == PREFIX_STATE
               ? path_of_snapshot(model->log->path, file->last_index)
               : path_of_segment(model->log->path, file->base_offset, SEGMENT_FILE_LOG);
}

/* A whole one of that index. */
static void put_state(const struct log_model *model, log_index index) {
    uint8_t bytes[STATE_HEAD_SIZE + 5];
    struct state_head head = {.group = LOG_MODEL_GROUP, .index = index, .len = 5};
    state_head_encode(&head, bytes);
    memcpy(bytes + STATE_HEAD_SIZE, "state", 5);
    state_head_seal(bytes, crc32c(state_head_crc(bytes), bytes + STATE_HEAD_SIZE, 5));
    char *path = path_of_snapshot(model->log->path, index);
    file_put(path, bytes, sizeof bytes);
    mem_free(path);
}

/* Piece by piece; the pieces are odd. */
static void compare(struct taker *taker, size_t i) {
    const struct prefix_file *file = &prefix_source_files(taker->source)->files[i];
    char *path = path_of(taker->model, file);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    assert_true(len >= file->size_bytes);
    for (uint64_t at = 0; at < file->size_bytes; at += 1001) {
        uint64_t left = file->size_bytes - at;
        uint32_t wanted = left < 1001 ? (uint32_t)left : 1001;
        prefix_source_read(taker->source, i, at, wanted);
        wait(taker);
        assert_int_equal(taker->error, ERR_NONE);
        assert_int_equal(taker->bytes.len, wanted);
        assert_memory_equal(taker->bytes.data, bytes + at, wanted);
        slice_unref(&taker->bytes);
    }
    assert_int_equal(prefix_file_blocks(file->size_bytes), 1);
    assert_int_equal(file->block_crcs[0], crc32c(0, bytes, file->size_bytes));
    mem_free(bytes);
    mem_free(path);
}

/* The state, and every sealed segment that it covers, from where the log begins; also for the
 * second one who asks. */
static void test_given_is_what_there_is(void **state) {
    (void)state;
    struct log_model model;
    struct taker taker;
    fill(&model, 81);
    for (int round = 0; round < 2; round++) {
        take(&taker, &model);
        const struct prefix_files *list = prefix_source_files(taker.source);
        assert_int_equal(list->begins.index, model.first - 1);
        assert_int_equal(list->begins.file_offset, model.start_offset);
        assert_int_equal(list->begins.term, partition_log_term_at(model.log, model.first - 1));
        assert_int_equal(list->begins.change_index, 1);
        assert_int_equal(list->state_index, model.log->kept_index);
        assert_int_equal(list->count, model.log->segment_count);
        const struct segment *last = model.log->segments[list->count - 2];
        assert_int_equal(list->ends.index, last->end.last_index);
        assert_int_equal(list->ends.next_offset, last->end.offset);
        assert_int_equal(list->ends.term, partition_log_term_at(model.log, last->end.last_index));
        assert_true(list->state_index >= list->ends.index);
        for (size_t i = 0; i < list->count; i++)
            compare(&taker, i);
        struct slice bytes = prefix_files_encode(list);
        struct prefix_files found;
        assert_int_equal(prefix_files_decode(bytes.data, bytes.len, &found), ERR_NONE);
        prefix_files_free(&found);
        slice_unref(&bytes);
        partition_log_take_back(model.log, taker.source);
        assert_non_null(model.log->segments[0]->block_crcs);
    }
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* Nothing at the front goes while it is given away, and it goes then; its state may be replaced. */
static void test_given_stays(void **state) {
    (void)state;
    struct log_model model;
    struct taker taker;
    fill(&model, 82);
    take(&taker, &model);
    uint64_t first = model.first;
    const struct segment *second = model.log->segments[1];
    log_model_drop(&model, second->end.offset, second->end.last_index);
    assert_int_equal(model.log->first_index, first);
    char *state_path = path_of(&model, &prefix_source_files(taker.source)->files[0]);
    assert_int_equal(env_unlink(model.folder.env, state_path), ERR_NONE);
    mem_free(state_path);
    prefix_source_read(taker.source, 0, 0, 10);
    wait(&taker);
    assert_int_equal(taker.error, ERR_NONE);
    slice_unref(&taker.bytes);
    partition_log_take_back(model.log, taker.source);
    while (model.log->first_index == first)
        log_model_run(&model);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* A whole log is not given, nor one whose state is of no use; what lies behind a change of the
 * configuration is not, nor what the state does not cover. */
static void test_given_bounds(void **state) {
    (void)state;
    struct log_model model;
    struct taker taker;
    log_model_open(&model, 83);
    model.has_state = true;
    log_model_start(&model);
    log_model_append_one(&model, ENTRY_CHANGE);
    assert_null(partition_log_give_prefix(model.log));
    log_model_stop(&model, false);
    log_model_close(&model);

    fill(&model, 84);
    log_model_flush(&model);
    model.log->seal_wanted = NULL; /* a newer state would remove the one that is put there */
    uint64_t kept = model.log->kept_index;
    model.log->kept_index = model.first - 2;
    assert_null(partition_log_give_prefix(model.log));
    assert_int_equal(partition_log_prefix_refused(model.log), PREFIX_NO_STATE);
    model.log->kept_index = model.log->segments[1]->end.last_index - 1;
    struct prefix_source *source = partition_log_give_prefix(model.log);
    assert_non_null(source);
    partition_log_take_back(model.log, source); /* no job was begun */
    put_state(&model, model.log->kept_index);
    take(&taker, &model);
    assert_int_equal(prefix_source_files(taker.source)->ends.index,
                     model.log->segments[0]->end.last_index);
    partition_log_take_back(model.log, taker.source);
    model.log->kept_index = kept;
    partition_log_add_change(model.log, model.log->segments[2]->header.first_index);
    take(&taker, &model);
    assert_int_equal(prefix_source_files(taker.source)->ends.index,
                     model.log->segments[1]->end.last_index);
    partition_log_take_back(model.log, taker.source);
    model.log->change_count--;
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* It is taken back while the disk is asked, and the log is closed. */
static void test_given_taken_back_early(void **state) {
    (void)state;
    struct log_model model;
    struct taker taker = {0};
    fill(&model, 85);
    taker.source = partition_log_give_prefix(model.log);
    prefix_source_begin(taker.source, &events, &taker);
    partition_log_take_back(model.log, taker.source);
    take(&taker, &model);
    prefix_source_read(taker.source, 1, 0, 10);
    partition_log_take_back(model.log, taker.source);
    log_model_stop(&model, false);
    log_model_close(&model); /* nothing leaked */
    assert_false(taker.over);
}

/* Nobody reads the header of a segment that is open; who is given it would. */
static void test_given_meets_a_damaged_header(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 91);
    char *path = segment_path(model.log->segments[0], SEGMENT_FILE_LOG);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    bytes[8] ^= 1;
    file_put(path, bytes, len);
    struct taker taker = {.model = &model, .source = partition_log_give_prefix(model.log)};
    prefix_source_begin(taker.source, &events, &taker);
    wait(&taker);
    assert_int_equal(taker.error, ERR_CORRUPT);
    partition_log_take_back(model.log, taker.source);
    assert_int_equal(model.damages, 1);
    mem_free(bytes);
    mem_free(path);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* A segment in which a bit is another one, or that somebody cut, and a state that is gone. */
static void test_given_meets_damage(void **state) {
    (void)state;
    struct log_model model;
    struct taker taker;
    fill(&model, 86);
    char *path = segment_path(model.log->segments[1], SEGMENT_FILE_LOG);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    bytes[len / 2] ^= 1;
    file_put(path, bytes, len);
    taker = (struct taker){.model = &model, .source = partition_log_give_prefix(model.log)};
    prefix_source_begin(taker.source, &events, &taker);
    wait(&taker);
    assert_int_equal(taker.error, ERR_CORRUPT);
    assert_int_equal(model.damages, 0);
    partition_log_take_back(model.log, taker.source);
    assert_int_equal(model.damages, 1);
    assert_true(partition_log_is_damaged(model.log));
    mem_free(bytes);
    mem_free(path);
    take(&taker, &model); /* what comes before it is given */
    assert_int_equal(prefix_source_files(taker.source)->ends.index,
                     model.log->segments[0]->end.last_index);
    partition_log_take_back(model.log, taker.source);
    path = segment_path(model.log->segments[0], SEGMENT_FILE_LOG);
    mem_free(model.log->segments[0]->block_crcs);
    model.log->segments[0]->block_crcs = NULL;
    file_put(path, "x", 1);
    taker = (struct taker){.model = &model, .source = partition_log_give_prefix(model.log)};
    prefix_source_begin(taker.source, &events, &taker);
    wait(&taker);
    assert_int_equal(taker.error, ERR_CORRUPT);
    partition_log_take_back(model.log, taker.source);
    mem_free(path);
    path = path_of_snapshot(model.log->path, model.log->kept_index);
    assert_int_equal(env_unlink(model.folder.env, path), ERR_NONE);
    taker = (struct taker){.model = &model, .source = partition_log_give_prefix(model.log)};
    prefix_source_begin(taker.source, &events, &taker);
    wait(&taker);
    assert_int_equal(taker.error, ERR_NOT_FOUND);
    partition_log_take_back(model.log, taker.source);
    mem_free(path);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* A state that is damaged, wherever, is not given away: it is written anew, and that one is. */
static void test_given_damaged_state_is_written_anew(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct log_model model;
        struct taker taker;
        fill(&model, 88 + (uint64_t)i);
        char *path = path_of_snapshot(model.log->path, model.log->kept_index);
        size_t len;
        uint8_t *bytes = file_bytes(path, &len);
        const size_t places[] = {2, 20, 29, len - 1};
        bytes[places[i]] ^= 1;
        file_put(path, bytes, i == 3 ? len - 1 : len);
        taker = (struct taker){.model = &model, .source = partition_log_give_prefix(model.log)};
        assert_non_null(taker.source);
        prefix_source_begin(taker.source, &events, &taker);
        wait(&taker);
        assert_int_equal(taker.error, ERR_CORRUPT);
        partition_log_take_back(model.log, taker.source);
        assert_false(partition_log_is_damaged(model.log)); /* its segments are whole */
        while (model.log->kept_index == 0)
            log_model_run(&model);
        take(&taker, &model);
        partition_log_take_back(model.log, taker.source);
        mem_free(bytes);
        mem_free(path);
        log_model_stop(&model, false);
        log_model_close(&model);
    }
}

/* What was whole when it was summed may be damaged since: who was given something else says so, and
 * it is looked at anew. */
static void test_given_is_looked_at_anew(void **state) {
    (void)state;
    struct log_model model;
    struct taker taker;
    fill(&model, 87);
    take(&taker, &model);
    partition_log_take_back(model.log, taker.source);
    char *path = segment_path(model.log->segments[1], SEGMENT_FILE_LOG);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    bytes[len / 2] ^= 1;
    file_put(path, bytes, len);
    take(&taker, &model); /* as it was summed */
    prefix_source_distrust(taker.source);
    partition_log_take_back(model.log, taker.source);
    taker = (struct taker){.model = &model, .source = partition_log_give_prefix(model.log)};
    prefix_source_begin(taker.source, &events, &taker);
    wait(&taker);
    assert_int_equal(taker.error, ERR_CORRUPT);
    partition_log_take_back(model.log, taker.source);
    assert_true(partition_log_is_damaged(model.log));
    mem_free(bytes);
    mem_free(path);
    log_model_stop(&model, false);
    log_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_is_what_there_is),
        cmocka_unit_test(test_given_stays),
        cmocka_unit_test(test_given_bounds),
        cmocka_unit_test(test_given_taken_back_early),
        cmocka_unit_test(test_given_meets_damage),
        cmocka_unit_test(test_given_meets_a_damaged_header),
        cmocka_unit_test(test_given_is_looked_at_anew),
        cmocka_unit_test(test_given_damaged_state_is_written_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
