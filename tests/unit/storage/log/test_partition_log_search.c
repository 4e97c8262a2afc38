/* A search by time while records go: it never says that there is none because it met the gap. */
#include "storage/log/log_internal.h"
#include "storage/log/log_reading.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

enum { SEGMENTS = 6, GONE = 3 };

struct asked {
    struct partition_log_search search; /* first */
    struct log_model *model;
    bool over;
    int error;
};

static void on_found(struct partition_log_search *search, int error) {
    struct asked *asked = (struct asked *)search;
    asked->over = true;
    asked->error = error;
}

/* Sealed segments whose files are closed, and nothing of them in memory. */
static void open_cold(struct log_model *model, uint64_t seed) {
    log_model_open(model, seed);
    model->has_state = true;
    model->options.tail_cache_bytes = 0;
    log_model_start(model);
    log_model_vote(model, 1, 1);
    while (model->log->segment_count < SEGMENTS) {
        log_model_append(model, 8);
        log_model_commit(model, model->last);
        log_model_settle(model);
        log_model_write_behind(model);
    }
    log_model_flush(model);
    segment_files_give_back(&model->store->files);
}

/* The search is held where it looks into the segments that then go. */
static void search_over_a_gap(struct log_model *model, int64_t timestamp, int64_t end,
                              struct asked *asked) {
    struct segment **segments = model->log->segments;
    const struct segment *last = segments[GONE - 1];
    int64_t gone_offset = last->end.offset;
    uint64_t gone_index = last->end.last_index;
    *asked = (struct asked){.search.done = on_found, .model = model};
    for (int i = 0; i < GONE; i++) {
        assert_null(segments[i]->file);
        segments[i]->moving = true;
    }
    assert_false(partition_log_search(model->log, timestamp, 0, end, &asked->search));
    assert_true(asked->search.reading->held_up);
    for (int i = 0; i < GONE; i++)
        segments[i]->moving = false;
    log_model_drop(model, gone_offset, gone_index);
    assert_int_equal(model->start_offset, gone_offset);
    log_readings_go_on(model->log);
    while (!asked->over)
        log_model_run(model);
}

/* All that lay below the end is gone; what came behind it may hold the answer. */
static void test_search_all_goes(void **state) {
    (void)state;
    for (int largest = 0; largest < 2; largest++) {
        struct log_model model;
        struct asked asked;
        open_cold(&model, 91);
        const struct segment *second = model.log->segments[1];
        search_over_a_gap(&model, largest ? -3 : second->end.max_timestamp, second->end.offset,
                          &asked);
        assert_int_equal(asked.error, ERR_AGAIN);
        assert_int_equal(asked.search.offset, -1);
        log_model_check_search(&model, largest ? -3 : model.time - 1, model.end_offset);
        log_model_stop(&model, true);
        log_model_close(&model);
    }
}

/* What is left has the answer: it is given. */
static void test_search_goes_on_behind_the_gap(void **state) {
    (void)state;
    struct log_model model;
    struct asked asked;
    open_cold(&model, 92);
    search_over_a_gap(&model, model.log->segments[1]->end.max_timestamp, model.end_offset, &asked);
    assert_int_equal(asked.error, ERR_NONE);
    assert_true(asked.search.offset >= model.start_offset);
    log_model_stop(&model, true);
    log_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_all_goes),
        cmocka_unit_test(test_search_goes_on_behind_the_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
