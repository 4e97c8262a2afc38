/* What is said of acquired offsets: each once, whatever batches, gaps and takers there are. Through
 * a cluster: tests/integration/cli_share.py. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/sharing/share_records.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

enum { RUNS_MAX = 4 };

struct answer {
    struct kp_share_fetch_response_partition partition;
    struct kp_share_fetch_response_acquired runs[RUNS_MAX];
    uint8_t *bytes;
    size_t len;
    struct share_outcomes outcomes;
    char taken[256]; /* "5/1 6/2 ": offsets and deliveries */
    int takes;       /* so many records are taken; -1: all */
};

static void setup_answer(struct answer *a) {
    *a = (struct answer){.takes = -1};
    kp_set_fallbacks(&kp_share_fetch_response_partition_schema, &a->partition);
    a->partition.partition_index = 3;
    a->partition.acquired_records.items = a->runs;
}

static void teardown_answer(struct answer *a) {
    mem_free(a->bytes);
    share_outcomes_free(&a->outcomes);
}

static void add_run(struct answer *a, int64_t first, int64_t last, int16_t deliveries) {
    a->runs[a->partition.acquired_records.count++] = (struct kp_share_fetch_response_acquired){
        first, last, deliveries};
}

/* A batch of `count` records from `base` on. */
static void add_batch(struct answer *a, int64_t base, int count, bool control) {
    struct record_batch_options options = record_batch_plain();
    uint8_t *bytes;
    size_t len;
    options.base_offset = base;
    options.control = control;
    options.codec = RECORD_CODEC_GZIP;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < count; i++)
        record_batch_builder_append(builder, 7, "k", 1, "v", 1, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    a->bytes = mem_realloc(a->bytes, a->len + len);
    memcpy(a->bytes + a->len, bytes, len);
    a->len += len;
    mem_free(bytes);
}

static bool take(void *arg, const struct record_view *record) {
    struct answer *a = arg;
    if (a->takes == 0) return false;
    a->takes--;
    assert_string_equal(record->topic, "orders");
    assert_int_equal(record->partition, 3);
    size_t used = strlen(a->taken);
    snprintf(a->taken + used, sizeof(a->taken) - used, "%d/%d ", (int)record->offset,
             record->deliveries);
    return true;
}

/* "a5-9 " accepted, "r" released, "g" gaps. */
static void expect(struct answer *a, int error, const char *taken, const char *outcomes) {
    const struct share_taker taker = {take, a};
    const struct share_part part = {{{1}}, "orders", &a->partition};
    struct error_text why = {""};
    char text[256] = "";
    a->partition.records.data = a->bytes;
    a->partition.records.len = (int32_t)a->len;
    assert_int_equal(share_records_take(&part, &taker, &a->outcomes, &why), error);
    assert_string_equal(a->taken, taken);
    for (size_t i = 0; i < a->outcomes.count; i++) {
        const struct share_range *range = &a->outcomes.items[i];
        size_t used = strlen(text);
        assert_int_equal(range->partition, 3);
        assert_int_equal(range->topic.bytes[0], 1);
        snprintf(text + used, sizeof(text) - used, "%c%d-%d ", "gar"[range->outcome],
                 (int)range -> first, (int)range -> last);
    }
    assert_string_equal(text, outcomes);
}

/* Batches hold more than was acquired, before, between and behind. */
static void test_only_what_was_acquired_is_taken(void **state) {
    (void)state;
    struct answer a;
    setup_answer(&a);
    add_batch(&a, 0, 5, false);
    add_batch(&a, 5, 5, false);
    add_run(&a, 2, 3, 1);
    add_run(&a, 6, 7, 2);
    expect(&a, ERR_NONE, "2/1 3/1 6/2 7/2 ", "a2-3 a6-7 ");
    teardown_answer(&a);
}

/* Runs that touch are told as one range. */
static void test_neighbours_become_one(void **state) {
    (void)state;
    struct answer a;
    setup_answer(&a);
    add_batch(&a, 0, 5, false);
    add_run(&a, 0, 1, 2);
    add_run(&a, 2, 4, 1);
    expect(&a, ERR_NONE, "0/2 1/2 2/1 3/1 4/1 ", "a0-4 ");
    teardown_answer(&a);
}

/* Markers, and what is missing between, before and behind batches, has no record. */
static void test_offsets_without_a_record_are_gaps(void **state) {
    (void)state;
    struct answer a;
    setup_answer(&a);
    add_batch(&a, 2, 2, false);
    add_batch(&a, 4, 1, true);
    add_batch(&a, 8, 1, false);
    add_run(&a, 0, 6, 1);
    add_run(&a, 8, 10, 1);
    expect(&a, ERR_NONE, "2/1 3/1 8/1 ", "g0-1 a2-3 g4-6 a8-8 g9-10 ");
    assert_int_equal(share_outcomes_count(&a.outcomes, SHARE_ACCEPT), 3);
    teardown_answer(&a);
}

/* Nothing came of what was acquired: that is said, too. */
static void test_no_records_at_all(void **state) {
    (void)state;
    struct answer a;
    setup_answer(&a);
    add_run(&a, 4, 6, 1);
    expect(&a, ERR_NONE, "", "g4-6 ");
    teardown_answer(&a);
}

/* From the first that is not taken on, all is given back, in later runs and batches, too. */
static void test_what_is_not_taken_is_released(void **state) {
    (void)state;
    struct answer a;
    setup_answer(&a);
    add_batch(&a, 0, 4, false);
    add_batch(&a, 4, 4, false);
    add_run(&a, 0, 2, 1);
    add_run(&a, 4, 7, 1);
    a.takes = 2;
    expect(&a, ERR_NONE, "0/1 1/1 ", "a0-1 r2-2 r4-7 ");
    teardown_answer(&a);
}

/* A batch with a wrong checksum: what was before it stays accepted. */
static void test_what_cannot_be_read_is_released(void **state) {
    (void)state;
    struct answer a;
    setup_answer(&a);
    add_batch(&a, 0, 2, false);
    size_t second = a.len;
    add_batch(&a, 2, 2, false);
    add_batch(&a, 4, 2, false);
    a.bytes[second + RECORD_BATCH_HEADER] ^= 1;
    add_run(&a, 0, 5, 1);
    expect(&a, ERR_CORRUPT, "0/1 1/1 ", "a0-1 r2-5 ");
    teardown_answer(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_acquired_is_taken),
        cmocka_unit_test(test_neighbours_become_one),
        cmocka_unit_test(test_offsets_without_a_record_are_gaps),
        cmocka_unit_test(test_no_records_at_all),
        cmocka_unit_test(test_what_is_not_taken_is_released),
        cmocka_unit_test(test_what_cannot_be_read_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
