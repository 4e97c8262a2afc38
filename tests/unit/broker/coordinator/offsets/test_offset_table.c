/* The table of a topic's offsets against an array of all partitions. */
#include "broker/coordinator/offsets/offset_table.h"

#include <string.h>

#include "tests/unit/unit.h"

enum { PARTITIONS = 300, STEPS = 60000 };

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static struct committed_offset offset_of(int32_t partition, int64_t offset) {
    static const char text[] = "metadata of a commit";
    return (struct committed_offset){.offset = offset,
                                     .partition = partition,
                                     .metadata = text,
                                     .metadata_len = (int32_t)(offset % (int64_t)sizeof text)};
}

static void check_all(const struct offset_table *table, const int64_t *model) {
    uint32_t there = 0;
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        const struct committed_offset *found = offset_table_find(table, partition);
        if (model[partition] < 0) {
            assert_null(found);
            continue;
        }
        there++;
        struct committed_offset expected = offset_of(partition, model[partition]);
        assert_non_null(found);
        assert_int_equal(found->offset, model[partition]);
        assert_int_equal(found->metadata_len, expected.metadata_len);
        if (found->metadata_len > 0)
            assert_memory_equal(found->metadata, expected.metadata, (size_t)found->metadata_len);
    }
    assert_int_equal(table->count, there);
}

/* Random puts and removes, from nothing over a few to many and back, are as in an array. */
static void test_offset_table_is_an_array(void **state) {
    (void)state;
    struct offset_table table;
    offset_table_init(&table);
    int64_t model[PARTITIONS];
    memset(model, 0xff, sizeof model);
    uint32_t seed = 7;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t range = step / 6000 % 2 == 0 ? PARTITIONS : 6;
        int32_t partition = (int32_t)(next_random(&seed) % range);
        bool removes = step / 6000 % 5 == 4 || next_random(&seed) % 3 == 0;
        if (removes) {
            assert_int_equal(offset_table_remove(&table, partition), model[partition] >= 0);
            model[partition] = -1;
        } else {
            struct committed_offset offset = offset_of(partition, step);
            assert_int_equal(offset_table_put(&table, &offset), model[partition] < 0);
            model[partition] = step;
        }
        if (step % 97 == 0) check_all(&table, model);
    }
    check_all(&table, model);
    offset_table_close(&table);
}

/* Any number can name a partition, in a log that was imported. */
static void test_offset_table_of_odd_partitions(void **state) {
    (void)state;
    static const int32_t odd[] = {INT32_MIN, -1, 0, INT32_MAX, 1 << 30, -(1 << 30)};
    struct offset_table table;
    offset_table_init(&table);
    for (int32_t i = 0; i < 20; i++) {
        struct committed_offset offset = offset_of(i < 6 ? odd[i] : i * (1 << 26), i);
        assert_true(offset_table_put(&table, &offset) || i > 6);
    }
    for (int32_t i = 0; i < 6; i++) {
        assert_int_equal(offset_table_find(&table, odd[i])->partition, odd[i]);
        assert_true(offset_table_remove(&table, odd[i]));
        assert_null(offset_table_find(&table, odd[i]));
    }
    offset_table_close(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offset_table_is_an_array),
        cmocka_unit_test(test_offset_table_of_odd_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
