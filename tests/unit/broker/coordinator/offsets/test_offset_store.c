/*
 * Committed offsets against a plain array, and against a replay of the log from zero, at every
 * step.
 */
#include "broker/coordinator/offsets/offset_store.h"

#include <string.h>

#include "base/error.h"
#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "protocol/coordinator_records/coordinator_record.h"
#include "tests/unit/broker/coordinator/fixture_offsets.h"
#include "tests/unit/unit.h"

enum { GROUPS = 4, TOPICS = 3, PARTITIONS = 12, STEPS = 1500 };
static const char *const group_names[GROUPS] = {"", "a", "payments", "\xc3\xbc"};
static const char *const topic_names[TOPICS] = {"orders", "t", "a"};

struct fixture {
    struct offsets_fixture offsets;
    int64_t model[GROUPS][TOPICS][PARTITIONS]; /* -1: none */
};
static struct fixture f;

static int setup(void **state) {
    *state = &f;
    memset(f.model, 0xff, sizeof f.model);
    offsets_open(&f.offsets);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    offsets_check_replay(&f.offsets);
    offsets_close(&f.offsets);
    return 0;
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static struct committed_offset an_offset(int32_t partition, int64_t offset) {
    static const char metadata[] = "some words of a client";
    struct committed_offset made = {.offset = offset,
                                    .commit_time_ms = 1000 + offset,
                                    .expire_time_ms = offset % 5 == 0 ? 5000 + offset : -1,
                                    .partition = partition,
                                    .leader_epoch = offset % 5 == 0 ? -1 : (int32_t)(offset % 9),
                                    .metadata = metadata,
                                    .metadata_len = (int32_t)(offset % 20)};
    if (offset % 5 != 0) made.topic_id.bytes[3] = (uint8_t)(offset % 3);
    return made;
}

static void apply(struct group_batch *batch) {
    fake_log_apply(&f.offsets.log, batch->records, batch->count);
    assert_int_equal(f.offsets.live.last_error, ERR_NONE);
    group_batch_close(batch);
}

static void check_offset(const struct committed_offset *found, int32_t partition,
                         int64_t expected) {
    if (expected < 0) {
        assert_null(found);
        return;
    }
    struct committed_offset made = an_offset(partition, expected);
    assert_non_null(found);
    assert_int_equal(found->offset, made.offset);
    assert_int_equal(found->commit_time_ms, made.commit_time_ms);
    assert_int_equal(found->expire_time_ms, made.expire_time_ms);
    assert_int_equal(found->leader_epoch, made.leader_epoch);
    assert_memory_equal(&found->topic_id, &made.topic_id, sizeof made.topic_id);
    assert_int_equal(found->metadata_len, made.metadata_len);
    if (made.metadata_len > 0)
        assert_memory_equal(found->metadata, made.metadata, (size_t)made.metadata_len);
}

static void check_model(const struct offsets_replica *replica) {
    size_t all = 0;
    for (int g = 0; g < GROUPS; g++) {
        const struct group *group = group_find(&replica->table, kp_string_of(group_names[g]));
        size_t count = 0;
        for (int t = 0; t < TOPICS; t++)
            for (int32_t p = 0; p < PARTITIONS; p++) {
                count += f.model[g][t][p] >= 0;
                if (group == NULL)
                    assert_int_equal(f.model[g][t][p], -1);
                else
                    check_offset(offset_store_find(group, kp_string_of(topic_names[t]), p), p,
                                 f.model[g][t][p]);
            }
        all += count;
        if (group != NULL) {
            assert_int_equal(offset_store_count_of(group), count);
            assert_int_equal(group_kind_of(group), GROUP_SIMPLE);
        }
    }
    assert_int_equal(offset_store_count(replica->store), all);
}

/* A row of a group exists while it has offsets, each offset is the last that was committed, and a
 * replay of the log makes the same, at every step. */
static void test_offset_store_is_an_array(void **state) {
    (void)state;
    uint32_t seed = 11;
    for (int64_t step = 0; step < STEPS; step++) {
        struct group_batch batch;
        group_batch_open(&batch);
        int g = (int)(next_random(&seed) % GROUPS);
        bool removes = step % 500 > 400 || next_random(&seed) % 3 == 0;
        for (uint32_t n = 1 + next_random(&seed) % 3; n > 0; n--) {
            int t = (int)(next_random(&seed) % TOPICS);
            int32_t p = (int32_t)(next_random(&seed) % PARTITIONS);
            struct committed_offset offset = an_offset(p, step);
            if (removes)
                offset_record_remove(&batch, kp_string_of(group_names[g]),
                                     kp_string_of(topic_names[t]), p);
            else
                offset_record_put(&batch, kp_string_of(group_names[g]),
                                  kp_string_of(topic_names[t]), &offset);
            f.model[g][t][p] = removes ? -1 : step;
        }
        apply(&batch);
        check_model(&f.offsets.live);
        if (step % 25 == 0 || step > STEPS - 20) offsets_check_replay(&f.offsets);
    }
}

/* A group that is deleted: tombstones of all of it in one batch, and the row is gone. */
static void test_offset_store_remove_all(void **state) {
    (void)state;
    struct group_batch batch;
    group_batch_open(&batch);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct committed_offset offset = an_offset(p, 100 + p);
        offset_record_put(&batch, kp_string_of("a"), kp_string_of(topic_names[p % TOPICS]),
                          &offset);
    }
    apply(&batch);
    group_batch_open(&batch);
    (void)offset_records_remove_all(&batch, group_find(&f.offsets.live.table, kp_string_of("a")));
    assert_int_equal(batch.count, PARTITIONS);
    apply(&batch);
    assert_null(group_find(&f.offsets.live.table, kp_string_of("a")));
    check_model(&f.offsets.live);
    offsets_check_replay(&f.offsets);
}

/* Bytes that are no offset, or one of a later version, change nothing; a tombstone of what is not
 * there neither. */
static void test_offset_store_odd_records(void **state) {
    (void)state;
    struct coordinator_record record = {.key = (const uint8_t *)"\0\1\0\1g\0\1t", .key_len = 8};
    fake_log_apply(&f.offsets.log, &record, 1);
    assert_int_equal(f.offsets.live.last_error, ERR_MALFORMED);
    record.key = (const uint8_t *)"\0\1\0\1g\0\1t\0\0\0\7";
    record.key_len = 12;
    record.value = (const uint8_t *)"\0\5";
    record.value_len = 2;
    fake_log_apply(&f.offsets.log, &record, 1);
    assert_int_equal(f.offsets.live.last_error, ERR_VERSION);
    record.value_len = 0;
    record.tombstone = true;
    fake_log_apply(&f.offsets.log, &record, 1);
    assert_int_equal(f.offsets.live.last_error, ERR_NONE);
    assert_int_equal(group_count(&f.offsets.live.table), 0);
    offsets_check_replay(&f.offsets);
}

/* The oldest form of a record (type 0) is an offset like any other, and a tombstone of either type
 * takes it back. */
static void test_offset_store_legacy_record(void **state) {
    (void)state;
    static const char value[] = "\0\0"
                                "\0\0\0\0\0\0\0\x2a"
                                "\0\2hi"
                                "\0\0\0\0\0\0\0\5";
    struct coordinator_record record = {.key = (const uint8_t *)"\0\0\0\1g\0\1t\0\0\0\7",
                                        .key_len = 12,
                                        .value = (const uint8_t *)value,
                                        .value_len = sizeof value - 1};
    fake_log_apply(&f.offsets.log, &record, 1);
    assert_int_equal(f.offsets.live.last_error, ERR_NONE);
    const struct committed_offset *found = offset_store_find(
        group_find(&f.offsets.live.table, kp_string_of("g")), kp_string_of("t"), 7);
    assert_int_equal(found->offset, 42);
    assert_int_equal(found->commit_time_ms, 5);
    assert_int_equal(found->expire_time_ms, -1);
    assert_int_equal(found->leader_epoch, -1);
    assert_int_equal(found->metadata_len, 2);
    offsets_check_replay(&f.offsets);
    record.tombstone = true;
    record.value_len = 0;
    fake_log_apply(&f.offsets.log, &record, 1);
    assert_int_equal(group_count(&f.offsets.live.table), 0);
    offsets_check_replay(&f.offsets);
}

/* ---- Cursors ---- */

static void change(const char *group, const char *topic, int32_t partition, bool removes) {
    struct group_batch batch;
    struct committed_offset offset = an_offset(partition, 1);
    group_batch_open(&batch);
    if (removes)
        offset_record_remove(&batch, kp_string_of(group), kp_string_of(topic), partition);
    else
        offset_record_put(&batch, kp_string_of(group), kp_string_of(topic), &offset);
    apply(&batch);
}

static void expect(struct offset_cursor *cursor, const char *group, const char *topic) {
    const struct topic_offsets *next = offset_cursor_next(cursor);
    if (group == NULL) {
        assert_null(next);
        return;
    }
    assert_non_null(next);
    assert_true(kp_string_is(topic_offsets_name(next), topic));
    assert_true(kp_string_is(topic_offsets_group(next)->id, group));
}

/* What stands where a cursor is to go on can be removed, also all of it, and nothing is given twice
 * or left out. */
static void test_offset_cursors_stay_valid(void **state) {
    (void)state;
    struct offset_cursor of_group, of_topic, of_all;
    for (int t = 0; t < TOPICS; t++)
        for (int g = 0; g < GROUPS; g++)
            change(group_names[g], topic_names[t], 0, false);
    offset_cursor_open_group(&of_group, f.offsets.live.store, kp_string_of("a"));
    offset_cursor_open_topic(&of_topic, f.offsets.live.store, kp_string_of("t"));
    offset_cursor_open_all(&of_all, f.offsets.live.store);
    expect(&of_group, "a", "orders");
    expect(&of_topic, "\xc3\xbc", "t"); /* the newest first */
    expect(&of_all, "", "orders");
    change("a", "t", 0, true); /* the next of the first, and further on in the others */
    change("payments", "t", 0, true);
    change("a", "orders", 0, true);
    expect(&of_group, "a", "a");
    expect(&of_group, NULL, NULL);
    expect(&of_topic, "", "t");
    expect(&of_topic, NULL, NULL);
    expect(&of_all, "payments", "orders");
    for (int t = 0; t < TOPICS; t++)
        for (int g = 0; g < GROUPS; g++)
            change(group_names[g], topic_names[t], 0, true);
    expect(&of_all, NULL, NULL);
    change("a", "t", 0, false);
    expect(&of_group, NULL, NULL);
    offset_cursor_close(&of_group);
    offset_cursor_close(&of_group);
    offset_cursor_close(&of_topic);
    offset_cursor_close(&of_all);
    offset_cursor_open_topic(&of_topic, f.offsets.live.store, kp_string_of("nobody reads it"));
    expect(&of_topic, NULL, NULL);
    offset_cursor_close(&of_topic);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offset_store_is_an_array, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_store_remove_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_store_odd_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_store_legacy_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_cursors_stay_valid, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
