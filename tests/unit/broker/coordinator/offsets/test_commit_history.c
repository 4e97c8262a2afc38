/* How committed offsets moved: beside the offsets, within their part of the memory of groups. */
#include "broker/coordinator/offsets/commit_history.h"

#include <string.h>

#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "tests/unit/broker/coordinator/fixture_offsets.h"
#include "tests/unit/unit.h"

/* Places are given again, each has its own history, and all memory comes back. */
static void test_commit_histories_places(void **state) {
    (void)state;
    struct budget memory;
    budget_init(&memory, 1 << 20);
    struct commit_histories *histories = commit_histories_new(&memory);
    uint32_t places[100];
    for (int64_t i = 0; i < 100; i++) {
        places[i] = commit_history_move(histories, 0, 1000, i);
        assert_int_not_equal(places[i], 0);
        assert_int_equal(commit_history_move(histories, places[i], 2000, i + 5), places[i]);
    }
    for (int64_t i = 0; i < 100; i++) {
        const struct progress *history = commit_history(histories, places[i]);
        assert_int_equal(history->position, i + 5);
        assert_int_equal(history->moved_ms, 2000);
    }
    commit_history_drop(histories, places[7]);
    assert_int_equal(commit_history_move(histories, 0, 3000, 1), places[7]);
    assert_int_equal(commit_history(histories, places[7])->since_ms, 3000);
    for (int i = 0; i < 100; i++)
        commit_history_drop(histories, places[i]);
    assert_null(commit_history(histories, 0));
    assert_int_equal(memory.used, 0);
    commit_histories_free(histories);
}

/* Beyond an eighth of the memory of groups there is none, and that is no failure. */
static void test_commit_histories_limit(void **state) {
    (void)state;
    enum { MANY = 10000 };
    static uint32_t places[MANY];
    struct budget memory;
    budget_init(&memory, 800000);
    struct commit_histories *histories = commit_histories_new(&memory);
    size_t made = 0;
    for (int i = 0; i < MANY; i++) {
        places[i] = commit_history_move(histories, 0, 1000, i);
        if (places[i] != 0) commit_history_move(histories, places[i], 2000, i + 1);
        made += places[i] != 0;
    }
    assert_in_range(made, 500, 2000);
    assert_true(memory.used < 800000 / COMMIT_HISTORIES_PART * 3 / 2);
    for (int i = 0; i < MANY; i++)
        commit_history_drop(histories, places[i]);
    assert_int_equal(memory.used, 0);
    commit_histories_free(histories);
}

/* By the times in the records: a replay knows what was known, however fast it goes. */
static void test_commit_history_of_offsets(void **state) {
    (void)state;
    struct offsets_fixture offsets;
    offsets_open(&offsets);
    struct group_batch batch;
    for (int64_t i = 0; i <= 10; i++) {
        struct committed_offset offset = {.partition = 3,
                                          .offset = 10 * (i < 8 ? i : 8),
                                          .commit_time_ms = i * 1000,
                                          .leader_epoch = -1,
                                          .expire_time_ms = -1};
        group_batch_open(&batch);
        offset_record_put(&batch, kp_string_of("g"), kp_string_of("t"), &offset);
        fake_log_apply(&offsets.log, batch.records, batch.count);
        group_batch_close(&batch);
    }
    const struct group *group = group_find(&offsets.live.table, kp_string_of("g"));
    const struct committed_offset *last = offset_store_find(group, kp_string_of("t"), 3);
    const struct progress *history = offset_store_history(group, last);
    assert_int_equal(history->moved_ms, 8000);
    assert_int_equal(last->commit_time_ms, 10000);
    assert_int_equal(progress_rate(history, 10000, 5000), 6000); /* from 50 to 80 in 5 s */
    group_batch_open(&batch);
    offset_record_remove(&batch, kp_string_of("g"), kp_string_of("t"), 3);
    fake_log_apply(&offsets.log, batch.records, batch.count);
    group_batch_close(&batch);
    offsets_check_replay(&offsets);
    offsets_close(&offsets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit_histories_places),
        cmocka_unit_test(test_commit_histories_limit),
        cmocka_unit_test(test_commit_history_of_offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
