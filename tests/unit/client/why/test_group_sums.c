/* How far behind a group is, by topic and by member. */
#include <stdlib.h>
#include <string.h>

#include "client/why/group_sums.h"
#include "tests/unit/unit.h"

static struct group_offset offsets[] = {
    {.topic = "a", .partition = 0, .lag_records = 5, .lag_seconds = 1.5, .member = "m"},
    {.topic = "a", .partition = 1, .lag_records = -1, .lag_seconds = -1, .member = "n"},
    {.topic = "b", .partition = 0, .lag_records = 0, .lag_seconds = 0, .member = "m"},
    {.topic = "b", .partition = 1, .lag_records = 7, .lag_seconds = 9, .member = NULL},
    {.topic = "c", .partition = 0, .lag_records = -1, .lag_seconds = -1, .member = NULL},
};
static const struct group_view view = {.offsets = offsets,
                                       .offset_count = sizeof(offsets) / sizeof(offsets[0])};

static void expect_sum(const struct group_sum *sum, const char *name, size_t partitions,
                       int64_t records, double seconds) {
    const char *own = sum->topic ? sum->topic : sum->member;
    if (name) {
        assert_string_equal(own, name);
    } else {
        assert_null(own);
    }
    assert_int_equal(sum->partitions, partitions);
    assert_int_equal(sum->lag_records, records);
    assert_true(sum->lag_seconds == seconds);
}

/* What is known is added up; what is not known is not taken for 0 where it is all there is. */
static void test_by_topic_and_member(void **state) {
    (void)state;
    struct kp_arena arena;
    size_t count;
    kp_arena_init(&arena, 1 << 20);
    struct group_sum *sums = group_sums(&view, SUM_BY_TOPIC, &arena, &count);
    assert_int_equal(count, 3);
    expect_sum(&sums[0], "a", 2, 5, 1.5);
    expect_sum(&sums[1], "b", 2, 7, 9);
    expect_sum(&sums[2], "c", 1, -1, -1);
    sums = group_sums(&view, SUM_BY_MEMBER, &arena, &count);
    assert_int_equal(count, 3);
    expect_sum(&sums[0], "m", 2, 5, 1.5);
    expect_sum(&sums[1], "n", 1, -1, -1);
    expect_sum(&sums[2], NULL, 2, 7, 9);
    kp_arena_close(&arena);
}

/* A group without offsets has no sums; unknown is null. */
static void test_json(void **state) {
    (void)state;
    const struct group_view empty = {.offset_count = 0};
    struct kp_arena arena;
    size_t count;
    kp_arena_init(&arena, 1 << 20);
    assert_non_null(group_sums(&empty, SUM_BY_TOPIC, &arena, &count));
    assert_int_equal(count, 0);
    struct group_sum *sums = group_sums(&view, SUM_BY_MEMBER, &arena, &count);
    json_t *list = group_sums_json(sums, SUM_BY_MEMBER, count);
    char *text = json_dumps(list, JSON_COMPACT);
    assert_string_equal(
        text, "[{\"member\":\"m\",\"partitions\":2,\"lag_records\":5,\"lag_seconds\":1.5},"
              "{\"member\":\"n\",\"partitions\":1,\"lag_records\":null,\"lag_seconds\":null},"
              "{\"member\":null,\"partitions\":2,\"lag_records\":7,\"lag_seconds\":9.0}]");
    free(text);
    json_decref(list);
    kp_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_topic_and_member),
                                       cmocka_unit_test(test_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
