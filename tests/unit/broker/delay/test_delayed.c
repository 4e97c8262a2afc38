/* What is pending in a partition, beside a list that is searched from the start each time. */
#include "broker/delay/delayed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "protocol/record/held_batch.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

enum { MODEL_MOST = 4000, STEPS = 1500 };

/* ---- The list ---- */

struct model {
    struct {
        int64_t due, offset;
    } pending[MODEL_MOST];
    size_t count;
    int64_t released; /* the greatest due time that was */
};

static size_t first_of(const struct model *model) {
    size_t first = 0;
    for (size_t i = 1; i < model->count; i++)
        if (model->pending[i].due < model->pending[first].due) first = i;
    return first;
}

static void take_out(struct model *model, size_t i) {
    memmove(&model->pending[i], &model->pending[i + 1],
            (model->count - i - 1) * sizeof model->pending[0]);
    model->count--;
}

/* ---- Batches ---- */

static void add(struct record_batch_builder *builder, const char *name, int64_t number) {
    char text[32];
    struct record_header headers[] = {{"own", 3, (const uint8_t *)"x", 1}, {name, 0, NULL, 0}};
    headers[1].key_len = (int32_t)strlen(name);
    headers[1].value = (const uint8_t *)text;
    headers[1].value_len = snprintf(text, sizeof text, "%" PRId64, number);
    record_batch_builder_append(builder, 7, "key", 3, NULL, -1, headers, name[0] == '\0' ? 1 : 2);
}

/* As a leader stores it at `now`. */
static struct slice held(struct record_batch_builder *builder, int64_t now) {
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    held_batch_make(bytes, len, now);
    return slice_adopt(NULL, bytes, len);
}

static struct record_batch parsed(const struct slice *bytes) {
    struct record_batch batch;
    assert_int_equal(record_batch_parse(bytes->data, bytes->len, &batch, NULL), ERR_NONE);
    return batch;
}

/* ---- The walk of a snapshot ---- */

static void compare(struct delayed *delayed, const struct model *model) {
    assert_int_equal(delayed_count(delayed), model->count);
    int64_t due = model->count == 0 ? INT64_MAX : model->pending[first_of(model)].due;
    assert_int_equal(delayed_next_due(delayed), due);
}

static struct slice whole_walk(struct delayed *delayed) {
    struct snapshot_bytes bytes = {0};
    struct delayed_walk *walk = delayed_walk_new(delayed);
    while (!delayed_walk_step(walk, &bytes))
        continue;
    delayed_walk_rest(walk, &bytes);
    return snapshot_bytes_whole(&bytes);
}

static struct delayed *restored(const struct slice *bytes) {
    struct delayed *delayed = delayed_new();
    for (size_t at = 0, took; at < bytes->len; at += took) {
        assert_int_equal(delayed_decode(delayed, bytes->data + at, bytes->len - at, &took),
                         ERR_NONE);
    }
    return delayed;
}

/* What a walk that was begun long ago brings is what a new one does. */
static void check_walk(struct delayed *delayed, struct delayed_walk *walk,
                       struct snapshot_bytes *old) {
    while (!delayed_walk_step(walk, old))
        continue;
    delayed_walk_rest(walk, old);
    struct slice slow = snapshot_bytes_whole(old), fast = whole_walk(delayed);
    struct delayed *a = restored(&slow), *b = restored(&fast);
    struct slice of_a = whole_walk(a), of_b = whole_walk(b);
    assert_int_equal(of_a.len, of_b.len);
    if (of_a.len > 0) assert_memory_equal(of_a.data, of_b.data, of_a.len);
    assert_int_equal(of_b.len, fast.len);
    assert_int_equal(delayed_bytes(a), delayed_bytes(delayed));
    assert_int_equal(delayed_end(a), delayed_end(delayed));
    slice_unref(&slow);
    slice_unref(&fast);
    slice_unref(&of_a);
    slice_unref(&of_b);
    delayed_free(a);
    delayed_free(b);
}

/* ---- Steps ---- */

struct trial {
    struct delayed *delayed;
    struct model model;
    int64_t now, next_offset;
};

/* Records with times near and far, some that call off what is there, or what is not. */
static void hold_some(struct trial *trial) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = trial->next_offset;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    int count = 1 + rand() % 5, visible = 0;
    struct model *model = &trial->model;
    for (int i = 0; i < count; i++) {
        int64_t offset = trial->next_offset++, due = trial->now + rand() % 40 - 3;
        int what = rand() % 8;
        if (what == 0) {
            add(builder, "", 0);
            visible++;
        } else if (what == 1 && offset > 0) {
            int64_t off = rand() % (int)offset;
            add(builder, DELIVER_CANCEL, off);
            for (size_t k = 0; k < model->count; k++)
                if (model->pending[k].offset == off) take_out(model, k--);
        } else {
            if (due < 0) due = 0;
            add(builder, DELIVER_AT, due);
            bool later = due > trial->now;
            visible += !later;
            if (due < model->released) due = model->released;
            if (later && model->count < MODEL_MOST) {
                model->pending[model->count].due = due;
                model->pending[model->count++].offset = offset;
            }
        }
    }
    struct slice bytes = held(builder, trial->now);
    struct record_batch batch = parsed(&bytes);
    int32_t seen;
    assert_int_equal(delayed_hold(trial->delayed, &batch, &seen), ERR_NONE);
    assert_int_equal(seen, visible);
    slice_unref(&bytes);
}

/* Each record of a release is the first of what is pending, and says where it was. */
static void check_released(struct trial *trial, const struct record_batch *batch) {
    struct record_iterator records;
    struct record record;
    struct record_header header;
    struct model *model = &trial->model;
    assert_int_equal(record_iterator_open(&records, batch, 1 << 20), ERR_NONE);
    while (record_iterator_next(&records, &record) == ERR_NONE) {
        char text[32];
        size_t first = first_of(model);
        assert_true(model->count > 0 && model->pending[first].due <= trial->now);
        assert_int_equal(record.timestamp_ms, trial->now);
        assert_int_equal(record.value_len, -1);
        assert_memory_equal(record.key, "key", 3);
        assert_int_equal(record_header_next(&record, &header), ERR_NONE);
        assert_memory_equal(header.key, "own", 3);
        assert_int_equal(record_header_next(&record, &header), ERR_NONE);
        assert_memory_equal(header.key, DELAYED_TIMESTAMP, strlen(DELAYED_TIMESTAMP));
        assert_memory_equal(header.value, "7", 1);
        assert_int_equal(record_header_next(&record, &header), ERR_NONE);
        int len = snprintf(text, sizeof text, "%" PRId64, model->pending[first].offset);
        assert_int_equal(header.value_len, len);
        assert_memory_equal(header.value, text, (size_t)len);
        assert_int_equal(record_header_next(&record, &header), ERR_EOF);
        model->released = model->pending[first].due;
        take_out(model, first);
    }
    record_iterator_close(&records);
}

static void release_some(struct trial *trial) {
    struct delayed_most most = {.records = 1 + (size_t)rand() % 30,
                                .headers = (size_t)rand() % 60,
                                .bytes = 200 + (size_t)rand() % 3000};
    struct slice bytes = delayed_take(trial->delayed, trial->now, INT64_MAX, &most);
    const struct model *model = &trial->model;
    bool due = model->count > 0 && model->pending[first_of(model)].due <= trial->now;
    assert_true((bytes.len > 0) == due);
    if (bytes.len == 0) return;
    struct record_batch batch = parsed(&bytes);
    int64_t late;
    if (rand() % 4 == 0) { /* nothing came of it */
        delayed_give_back(trial->delayed);
    } else {
        check_released(trial, &batch);
        assert_int_equal(delayed_release(trial->delayed, &batch, &late), ERR_NONE);
        assert_true(late >= 0);
        assert_int_equal(delayed_release(trial->delayed, &batch, &late), ERR_MALFORMED);
    }
    slice_unref(&bytes);
}

static void test_delayed_beside_a_list(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct trial trial = {.delayed = delayed_new(), .now = 1000, .model.released = INT64_MIN};
        struct snapshot_bytes old = {0};
        struct delayed_walk *walk = NULL;
        srand(seed);
        for (int i = 0; i < STEPS / 5; i++) {
            if (rand() % 3 > 0)
                hold_some(&trial);
            else
                release_some(&trial);
            trial.now += rand() % 15 == 0 ? -30 : rand() % 5; /* clocks are set */
            compare(trial.delayed, &trial.model);
            if (walk == NULL) walk = delayed_walk_new(trial.delayed);
            if (rand() % 5 == 0) delayed_walk_step(walk, &old);
            if (rand() % 30 == 0) {
                check_walk(trial.delayed, walk, &old);
                walk = NULL;
            }
        }
        if (walk != NULL) delayed_walk_stop(walk);
        snapshot_bytes_drop(&old);
        delayed_free(trial.delayed);
    }
}

/* Offsets 0 to 4, each due at 100 ms and as many more. */
static void hold_five(struct delayed *delayed) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < 5; i++)
        add(builder, DELIVER_AT, 100 + i);
    struct slice bytes = held(builder, 10);
    struct record_batch batch = parsed(&bytes);
    int32_t seen;
    assert_int_equal(delayed_hold(delayed, &batch, &seen), ERR_NONE);
    slice_unref(&bytes);
}

static const struct delayed_most much = {SIZE_MAX, SIZE_MAX, 1 << 20}, one = {0};

/* Nothing is released that lies behind a time that is on its way. */
static void test_taken_up_to_a_time(void **state) {
    (void)state;
    struct trial trial = {.delayed = delayed_new(), .now = 10};
    struct slice bytes;
    hold_five(trial.delayed);
    assert_int_equal(delayed_end(trial.delayed), 5);
    assert_int_equal(delayed_take(trial.delayed, 200, 99, &much).len, 0);
    bytes = delayed_take(trial.delayed, 200, 102, &much);
    assert_int_equal(parsed(&bytes).record_count, 3);
    assert_int_equal(delayed_next_due(trial.delayed), 103);
    slice_unref(&bytes);
    delayed_give_back(trial.delayed);
    assert_int_equal(delayed_next_due(trial.delayed), 100);
    bytes = delayed_take(trial.delayed, 200, INT64_MAX, &one); /* at least one */
    assert_int_equal(parsed(&bytes).record_count, 1);
    slice_unref(&bytes);
    delayed_free(trial.delayed);
}

static int64_t taken_first(struct delayed *delayed, struct slice *bytes) {
    *bytes = delayed_take(delayed, 200, INT64_MAX, &one);
    struct record_batch batch = parsed(bytes);
    struct record_iterator records;
    struct record record;
    struct record_header header = {0};
    assert_int_equal(record_iterator_open(&records, &batch, 1 << 20), ERR_NONE);
    assert_int_equal(record_iterator_next(&records, &record), ERR_NONE);
    while (record_header_next(&record, &header) == ERR_NONE)
        continue;
    int64_t offset = header.value[0] - '0';
    record_iterator_close(&records);
    return offset;
}

/* What is being called off is not taken, as long as anything calls it off; others are. */
static void test_set_aside(void **state) {
    (void)state;
    struct delayed *delayed = delayed_new();
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < 3; i++)
        add(builder, DELIVER_AT, 100 + i);
    struct slice bytes = held(builder, 10), release;
    struct record_batch batch = parsed(&bytes);
    int32_t seen;
    delayed_set_aside(delayed, 0); /* before it is pending */
    assert_int_equal(delayed_hold(delayed, &batch, &seen), ERR_NONE);
    slice_unref(&bytes);
    assert_int_equal(delayed_next_due(delayed), 101);
    delayed_set_aside(delayed, 0);
    assert_int_equal(taken_first(delayed, &release), 1);
    slice_unref(&release);
    delayed_set_aside(delayed, 1); /* it is on its way */
    delayed_aside_over(delayed, 0);
    assert_int_equal(delayed_next_due(delayed), 102);
    delayed_give_back(delayed);
    assert_int_equal(delayed_next_due(delayed), 102);
    delayed_aside_over(delayed, 0);
    assert_int_equal(taken_first(delayed, &release), 0);
    slice_unref(&release);
    delayed_aside_over(delayed, 1);
    delayed_set_aside(delayed, 0);
    delayed_aside_over(delayed, 0); /* it is still on its way */
    assert_int_equal(delayed_next_due(delayed), 101);
    delayed_give_back(delayed);
    assert_int_equal(delayed_next_due(delayed), 100);
    assert_int_equal(delayed_count(delayed), 3);
    delayed_free(delayed);
}

static void expect_seen(struct delayed_look *look, int64_t offset) {
    struct delayed_seen seen;
    assert_true(delayed_look_next(look, &seen));
    assert_int_equal(seen.offset, offset);
    assert_int_equal(seen.due_ms, 100 + offset);
    assert_int_equal(seen.timestamp_ms, 7);
    assert_int_equal(seen.key_len, 3);
    assert_memory_equal(seen.key, "key", 3);
    assert_int_equal(seen.value_len, -1);
}

/* A look goes on in order over what goes meanwhile, and ends with what is looked at; it begins
 * behind what is pending, or else at the first. */
static void test_look(void **state) {
    (void)state;
    struct delayed *delayed = delayed_new();
    struct delayed_look look, other, third;
    struct delayed_seen seen;
    hold_five(delayed);
    delayed_look_begin(&look, delayed, -1);
    delayed_look_begin(&other, delayed, 1);
    expect_seen(&look, 0);
    struct slice release = delayed_take(delayed, 101, INT64_MAX, &much); /* 0 and 1 */
    struct record_batch batch = parsed(&release);
    int64_t late;
    assert_int_equal(delayed_release(delayed, &batch, &late), ERR_NONE);
    slice_unref(&release);
    expect_seen(&look, 2);
    expect_seen(&other, 2);
    delayed_look_begin(&third, delayed, 1); /* which is gone */
    expect_seen(&third, 2);
    delayed_look_end(&third);
    for (int64_t offset = 3; offset < 5; offset++)
        expect_seen(&look, offset);
    assert_false(delayed_look_next(&look, &seen));
    assert_false(delayed_look_is_lost(&look));
    delayed_look_end(&look);
    delayed_free(delayed);
    assert_true(delayed_look_is_lost(&other));
    assert_false(delayed_look_next(&other, &seen));
    delayed_look_end(&other);
}

static uint64_t cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* However much is pending, it is set aside in a moment, and what a walk had not passed is over. */
static void test_clear_of_many(void **state) {
    (void)state;
    enum { BATCHES = 30, RECORDS = 9000 };
    struct delayed *delayed = delayed_new();
    int32_t seen;
    for (int b = 0; b < BATCHES; b++) {
        struct record_batch_options options = record_batch_plain();
        options.base_offset = b * RECORDS;
        struct record_batch_builder *builder = record_batch_builder_new(&options);
        for (int i = 0; i < RECORDS; i++)
            add(builder, DELIVER_AT, 100 + i);
        struct slice bytes = held(builder, 10);
        struct record_batch batch = parsed(&bytes);
        assert_int_equal(delayed_hold(delayed, &batch, &seen), ERR_NONE);
        slice_unref(&bytes);
    }
    assert_int_equal(delayed_count(delayed), BATCHES * RECORDS);
    struct snapshot_bytes bytes = {0};
    struct delayed_walk *walk = delayed_walk_new(delayed);
    delayed_walk_step(walk, &bytes);
    uint64_t began = cpu_us();
    struct delayed_rest *rest = delayed_clear(delayed);
    assert_true(cpu_us() - began < 5000);
    assert_non_null(rest);
    assert_int_equal(delayed_count(delayed), 0);
    assert_int_equal(delayed_bytes(delayed), 0);
    assert_int_equal(delayed_next_due(delayed), INT64_MAX);
    assert_true(delayed_walk_step(walk, &bytes));
    delayed_walk_stop(walk);
    snapshot_bytes_drop(&bytes);
    delayed_rest_free(rest);
    struct trial trial = {.delayed = delayed, .now = 10};
    hold_some(&trial); /* it goes on */
    assert_null(delayed_clear(delayed));
    delayed_free(delayed);
}

/* Any byte of a snapshot that is cut off, or changed, ends nothing but the restoring. */
static void test_damaged_snapshot(void **state) {
    (void)state;
    struct trial trial = {.delayed = delayed_new(), .now = 10};
    srand(5);
    for (int i = 0; i < 10; i++)
        hold_some(&trial);
    struct slice bytes = whole_walk(trial.delayed);
    uint8_t *copy = mem_alloc(bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        struct delayed *into = delayed_new();
        size_t took;
        delayed_decode(into, bytes.data, i, &took);
        delayed_reset(into);
        memcpy(copy, bytes.data, bytes.len);
        copy[i] ^= (uint8_t)(1u << i % 8);
        delayed_decode(into, copy, bytes.len, &took);
        delayed_free(into);
    }
    mem_free(copy);
    slice_unref(&bytes);
    delayed_free(trial.delayed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delayed_beside_a_list),
        cmocka_unit_test(test_taken_up_to_a_time),
        cmocka_unit_test(test_set_aside),
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_clear_of_many),
        cmocka_unit_test(test_damaged_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
