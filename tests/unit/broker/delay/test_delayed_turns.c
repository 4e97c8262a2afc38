/* However much is pending or due, a call does no more than a turn of the loop has time for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/delay/delayed.h"
#include "protocol/record/held_batch.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

enum { RECORDS = 3000 };

static const struct delayed_most turn = {.records = 500, .headers = 2000, .bytes = 1 << 20};
static const struct delayed_most much = {SIZE_MAX, SIZE_MAX, 1 << 20};

/* RECORDS of them, each with one more header than `own`; due at 1000 and later. */
static struct slice batch_of(int64_t base, int own) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = base;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header headers[8] = {{0}};
    char text[32];
    uint8_t *bytes;
    size_t len;
    for (int i = 0; i < RECORDS; i++) {
        for (int k = 0; k < own; k++)
            headers[k] = (struct record_header){"own", 3, (const uint8_t *)"x", 1};
        headers[own] = (struct record_header){DELIVER_AT, sizeof DELIVER_AT - 1,
                                              (const uint8_t *)text, 0};
        headers[own].value_len = snprintf(text, sizeof text, "%d", 1000 + i * 7 % RECORDS);
        record_batch_builder_append(builder, 7, NULL, -1, NULL, -1, headers, own + 1);
    }
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    held_batch_make(bytes, len, 1);
    return slice_adopt(NULL, bytes, len);
}

static void hold(struct delayed *delayed, int64_t base, int own) {
    struct slice bytes = batch_of(base, own);
    struct record_batch batch;
    int32_t visible;
    assert_int_equal(record_batch_parse(bytes.data, bytes.len, &batch, NULL), ERR_NONE);
    assert_int_equal(delayed_hold(delayed, &batch, &visible), ERR_NONE);
    slice_unref(&bytes);
}

/* How many it delivers; `also` applies the same. */
static int32_t release(struct delayed *delayed, const struct delayed_most *most,
                       struct delayed *also) {
    struct slice bytes = delayed_take(delayed, INT64_MAX, INT64_MAX, most);
    struct record_batch batch;
    int64_t late;
    if (bytes.len == 0) return 0;
    assert_int_equal(record_batch_parse(bytes.data, bytes.len, &batch, NULL), ERR_NONE);
    int32_t count = batch.record_count;
    assert_int_equal(delayed_release(delayed, &batch, &late), ERR_NONE);
    assert_int_equal(delayed_release(also, &batch, &late), ERR_NONE);
    slice_unref(&bytes);
    return count;
}

static struct slice snapshot(struct delayed *delayed) {
    struct snapshot_bytes bytes = {0};
    struct delayed_walk *walk = delayed_walk_new(delayed);
    while (!delayed_walk_step(walk, &bytes))
        continue;
    delayed_walk_rest(walk, &bytes);
    return snapshot_bytes_whole(&bytes);
}

static void assert_equal_states(struct delayed *a, struct delayed *b) {
    struct slice of_a = snapshot(a), of_b = snapshot(b);
    assert_int_equal(of_a.len, of_b.len);
    assert_memory_equal(of_a.data, of_b.data, of_a.len);
    assert_int_equal(delayed_bytes(a), delayed_bytes(b));
    slice_unref(&of_a);
    slice_unref(&of_b);
}

/* A release ends at what is most; a leader that allows itself more, as those of before do, is
 * followed all the same. */
static void test_release_has_a_limit(void **state) {
    (void)state;
    struct delayed *led = delayed_new(), *followed = delayed_new();
    hold(led, 0, 0);
    hold(followed, 0, 0);
    assert_int_equal(release(led, &turn, followed), 500);
    hold(led, RECORDS, 7);
    hold(followed, RECORDS, 7);
    assert_int_equal(release(led, &turn, followed), 2000 / 7);
    int32_t sum = 500 + 2000 / 7, count;
    while (sum < RECORDS && (count = release(led, &turn, followed)) > 0) {
        assert_in_range(count, 2000 / 7, 500); /* of both kinds */
        assert_equal_states(led, followed);
        sum += count;
    }
    count = release(followed, &much, led); /* that one leads now */
    assert_in_range(count, 2 * 2000 / 7, 2 * RECORDS);
    assert_equal_states(led, followed);
    sum += count;
    while ((count = release(followed, &turn, led)) > 0)
        sum += count;
    assert_int_equal(sum, 2 * RECORDS);
    delayed_free(led);
    delayed_free(followed);
}

/* What is given back is what was taken, in its place, whatever of it was called off. */
static void test_given_back(void **state) {
    (void)state;
    struct delayed *delayed = delayed_new(), *other = delayed_new();
    hold(delayed, 0, 0);
    hold(other, 0, 0);
    struct slice taken = delayed_take(delayed, INT64_MAX, INT64_MAX, &turn);
    assert_int_equal(delayed_next_due(delayed), 1500);
    delayed_give_back(delayed);
    assert_int_equal(delayed_next_due(delayed), 1000);
    slice_unref(&taken);
    taken = delayed_take(delayed, INT64_MAX, INT64_MAX, &turn);
    slice_unref(&taken);
    /* others deliver half of it */
    const struct delayed_most half = {250, SIZE_MAX, 1 << 20};
    assert_int_equal(release(other, &half, delayed), 250);
    delayed_give_back(delayed);
    assert_int_equal(delayed_next_due(delayed), 1250);
    assert_int_equal(release(other, &much, delayed), RECORDS - 250);
    assert_int_equal(delayed_next_due(delayed), INT64_MAX);
    assert_int_equal(delayed_count(delayed), 0);
    delayed_give_back(delayed);
    delayed_free(delayed);
    delayed_free(other);
}

static void call_off(struct delayed *delayed, int64_t base, int count) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = base;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header header = {DELIVER_CANCEL, sizeof DELIVER_CANCEL - 1, NULL, 0};
    char text[32];
    uint8_t *bytes;
    size_t len;
    header.value = (const uint8_t *)text;
    for (int i = 0; i < count; i++) {
        header.value_len = snprintf(text, sizeof text, "%d", i);
        record_batch_builder_append(builder, 7, NULL, -1, NULL, -1, &header, 1);
    }
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    held_batch_make(bytes, len, 1);
    struct record_batch batch;
    int32_t visible;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(delayed_hold(delayed, &batch, &visible), ERR_NONE);
    mem_free(bytes);
}

/* A snapshot during which nearly all was called off or delivered is read in steps of some hundred
 * records, with what it says at last. */
static void test_restored_in_steps(void **state) {
    (void)state;
    struct delayed *delayed = delayed_new(), *restored = delayed_new(), *nobody = delayed_new();
    struct snapshot_bytes bytes = {0};
    hold(delayed, 0, 0);
    hold(nobody, 0, 0);
    struct delayed_walk *walk = delayed_walk_new(delayed);
    while (!delayed_walk_step(walk, &bytes))
        continue;
    call_off(delayed, RECORDS, 1200);
    call_off(nobody, RECORDS, 1200);
    while (delayed_count(delayed) > 300)
        release(delayed, &turn, nobody);
    delayed_walk_rest(walk, &bytes);
    struct slice whole = snapshot_bytes_whole(&bytes);
    size_t steps = 0, before = 0;
    for (size_t at = 0, took; at < whole.len; at += took, steps++) {
        assert_int_equal(delayed_decode(restored, whole.data + at, whole.len - at, &took),
                         ERR_NONE);
        assert_true(before < delayed_count(restored) + 550); /* of each kind */
        before = delayed_count(restored);
        assert_true(steps < 100);
    }
    assert_in_range(steps, 12, 40);
    assert_equal_states(delayed, restored);
    slice_unref(&whole);
    delayed_free(delayed);
    delayed_free(restored);
    delayed_free(nobody);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_release_has_a_limit),
        cmocka_unit_test(test_given_back),
        cmocka_unit_test(test_restored_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
