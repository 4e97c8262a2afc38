/* What is too old or too much at the front of a log, and segments that end by their age. */
#include "storage/log/log_internal.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

enum { SEGMENTS_LEAST = 6 };

static const struct log_limits none = {.age_ms = -1, .bytes = -1};

/* Sealed segments, all committed and in segments. */
static void fill(struct log_model *model, uint64_t seed) {
    log_model_open(model, seed);
    model->has_state = true;
    log_model_start(model);
    log_model_vote(model, 1, 1);
    while (model->log->segment_count < SEGMENTS_LEAST) {
        log_model_append(model, 8);
        log_model_commit(model, model->last);
        log_model_settle(model);
        log_model_write_behind(model);
    }
    log_model_flush(model);
}

static void finish(struct log_model *model) {
    log_model_stop(model, false);
    log_model_close(model);
}

static int64_t expired(struct log_model *model, int64_t age_ms, int64_t bytes, int64_t wall_ms) {
    struct log_limits limits = {.age_ms = age_ms, .bytes = bytes};
    return partition_log_expiry(model->log, &limits, wall_ms).offset;
}

/* A segment goes when its newest record is older than the limit, with all before it and nothing
 * behind it. */
static void test_expiry_by_age(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 91);
    struct segment **segments = model.log->segments;
    int64_t second = segments[1]->end.max_timestamp;
    assert_true(segments[0]->end.max_timestamp < second);
    assert_true(second < segments[2]->end.max_timestamp);
    assert_int_equal(partition_log_expiry(model.log, &none, INT64_MAX).offset, -1);
    assert_int_equal(expired(&model, 1000, -1, segments[0]->end.max_timestamp + 1000), -1);
    assert_int_equal(expired(&model, 1000, -1, second + 1000), segments[0]->end.offset);
    assert_int_equal(expired(&model, 1000, -1, second + 1001), segments[1]->end.offset);
    assert_int_equal(expired(&model, INT64_MAX, -1, INT64_MAX), -1);
    /* One with a timestamp in the future keeps all behind it. */
    segments[1]->end.max_timestamp = second + 1000000;
    struct log_limits limits = {.age_ms = 1000, .bytes = -1};
    struct log_expiry found = partition_log_expiry(model.log, &limits, second + 500000);
    assert_int_equal(found.offset, segments[0]->end.offset);
    assert_int_equal(found.future_ms, second + 1000000);
    finish(&model);
}

/* Records without timestamps are as old as the seal of their segment. */
static void test_expiry_without_timestamps(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 92);
    struct segment *first = model.log->segments[0];
    first->end.max_timestamp = -1;
    first->sealed_ms = 5000;
    model.log->segments[1]->end.max_timestamp = 1 << 30;
    assert_int_equal(expired(&model, 1000, -1, 6000), -1);
    assert_int_equal(expired(&model, 1000, -1, 6001), first->end.offset);
    first->sealed_ms = 0; /* of an earlier life: from now on */
    assert_int_equal(expired(&model, 1000, -1, 6001), -1);
    assert_int_equal(expired(&model, 1000, -1, 7001), -1);
    assert_int_equal(expired(&model, 1000, -1, 7002), first->end.offset);
    finish(&model);
}

/* The oldest goes while what stays without it is not below the limit; what was let go of before
 * does not count, though a member keeps it. */
static void test_expiry_by_bytes(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 93);
    struct segment **segments = model.log->segments;
    int64_t all = (int64_t)partition_log_size_bytes(model.log);
    int64_t first = (int64_t)segments[0]->end.position, second = (int64_t)segments[1]->end.position;
    assert_int_equal(expired(&model, -1, all, 0), -1);
    assert_int_equal(expired(&model, -1, all - first + 1, 0), -1);
    assert_int_equal(expired(&model, -1, all - first, 0), segments[0]->end.offset);
    assert_int_equal(expired(&model, -1, all - first - second, 0), segments[1]->end.offset);
    assert_int_equal(partition_log_below_bytes(model.log), 0);
    log_model_drop(&model, segments[0]->end.offset, 0);
    assert_int_equal(model.first, 1);
    assert_int_equal(partition_log_below_bytes(model.log), first);
    assert_int_equal(expired(&model, -1, all - first, 0), -1);
    assert_int_equal(expired(&model, -1, all - first - second, 0), segments[1]->end.offset);
    log_model_drop(&model, segments[1]->end.offset, segments[0]->end.last_index);
    assert_true(model.first > 1);
    assert_int_equal(partition_log_below_bytes(model.log), second);
    log_model_drop(&model, 0, model.log->segments[0]->end.last_index);
    assert_int_equal(partition_log_below_bytes(model.log), 0);
    log_model_check(&model);
    finish(&model);
}

/* All of it goes, also what is in no sealed segment, when all of that is old and has committed. */
static void test_expiry_of_all(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 94);
    log_model_append_one(&model, ENTRY_BATCHES);
    int64_t old = model.time + 100000;
    int64_t sealed = model.log->segments[model.log->segment_count - 2]->end.offset;
    assert_int_equal(expired(&model, 1000, -1, old), sealed);
    log_model_commit(&model, model.last);
    log_model_settle(&model);
    assert_true(model.log->written < model.log->last_index);
    assert_int_equal(expired(&model, 1000, -1, old), model.end_offset);
    assert_true(expired(&model, 1000, -1, model.time + 1) < model.end_offset);
    assert_int_equal(expired(&model, -1, 0, old), sealed); /* what is in memory has no size yet */
    log_model_flush(&model);
    assert_int_equal(expired(&model, -1, 0, old), model.end_offset);
    log_model_drop(&model, model.end_offset, model.last);
    assert_int_equal(expired(&model, 0, 0, INT64_MAX), -1);
    finish(&model);
}

/* ---- Ends by age ---- */

static bool all_is_sealed(const struct log_model *model) {
    const struct partition_log *log = model->log;
    const struct segment *last = log->segment_count > 0 ? log->segments[log->segment_count - 1]
                                                        : NULL;
    return last && !last->active && last->end.offset == model->end_offset;
}

static void run_until_sealed(struct log_model *model) {
    for (int turns = 0; turns < 2000 && !all_is_sealed(model); turns++)
        log_model_run(model);
    assert_true(all_is_sealed(model));
}

/* A record that nothing follows is written and sealed when it is old enough; then nothing waits any
 * more, and the next record begins anew. */
static void test_segment_age_seals_idle_logs(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 95);
    log_model_start(&model);
    log_model_vote(&model, 1, 1);
    partition_log_roll_at_age(model.log, 20, 0);
    log_model_append_one(&model, ENTRY_COMMAND);
    assert_int_equal(model.store->ages.count, 0);
    for (size_t n = 1; n <= 2; n++) {
        log_model_append_one(&model, ENTRY_BATCHES);
        assert_int_equal(model.store->ages.count, 1);
        log_model_commit(&model, model.last);
        log_model_settle(&model);
        run_until_sealed(&model);
        assert_int_equal(model.log->segment_count, n);
        assert_int_equal(model.store->ages.count, 0);
    }
    log_model_check(&model);
    finish(&model);
}

/* Behind an opening the age is what the timestamps say: a segment whose records are old is sealed
 * at once, a young one is not; and what is set anew holds for what is there. */
static void test_segment_age_after_opening(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 96);
    log_model_append_one(&model, ENTRY_BATCHES);
    log_model_commit(&model, model.last);
    log_model_settle(&model);
    log_model_stop(&model, false);
    log_model_start(&model);
    partition_log_roll_at_age(model.log, INT64_MAX, 1000);
    assert_int_equal(model.store->ages.count, 1);
    assert_true(model.log->age.due.at_ms > UINT64_C(1) << 60);
    assert_false(all_is_sealed(&model));
    partition_log_roll_at_age(model.log, 3600 * 1000, 0); /* the timestamps are of 2023 */
    run_until_sealed(&model);
    assert_int_equal(model.store->ages.count, 0);
    partition_log_roll_at_age(model.log, 0, 0);
    log_model_append_one(&model, ENTRY_BATCHES);
    assert_int_equal(model.store->ages.count, 0);
    finish(&model);
}

/* What is sealed is what was asked for, and not what is written behind it, too. */
static void test_one_roll_seals_once(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 98);
    partition_log_roll(model.log);
    log_model_flush(&model);
    partition_log_set_segment_bytes(model.log, 1 << 20);
    size_t before = model.log->segment_count;
    log_model_append(&model, 2);
    uint64_t first = model.last;
    log_model_append(&model, 2);
    log_model_settle(&model);
    log_model_commit(&model, first);
    while (model.log->job)
        log_model_run(&model);
    partition_log_roll(model.log);
    assert_non_null(model.log->job); /* with what had committed */
    log_model_commit(&model, model.last);
    log_model_flush(&model); /* the next job begins where that one ends */
    assert_int_equal(model.log->segment_count, before + 2);
    assert_non_null(partition_log_active(model.log));
    assert_int_equal(model.log->roll_to, 0);
    finish(&model);
}

/* What has not committed when it grows old is sealed later. */
static void test_sealed_when_committed(void **state) {
    (void)state;
    struct log_model model;
    fill(&model, 99);
    partition_log_roll(model.log);
    log_model_flush(&model);
    assert_null(partition_log_active(model.log));
    log_model_append(&model, 3);
    partition_log_roll_at_age(model.log, 20, 0);
    log_model_settle(&model);
    uint64_t until_ms = env_now_ms(model.folder.env) + 100;
    while (env_now_ms(model.folder.env) < until_ms)
        log_model_run(&model);
    log_model_commit(&model, model.last);
    until_ms += 10000;
    while (partition_log_active(model.log) || model.log->written < model.last) {
        log_model_run(&model);
        assert_true(env_now_ms(model.folder.env) < until_ms);
    }
    finish(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_roll_seals_once),
        cmocka_unit_test(test_sealed_when_committed),
        cmocka_unit_test(test_expiry_by_age),
        cmocka_unit_test(test_expiry_without_timestamps),
        cmocka_unit_test(test_expiry_by_bytes),
        cmocka_unit_test(test_expiry_of_all),
        cmocka_unit_test(test_segment_age_seals_idle_logs),
        cmocka_unit_test(test_segment_age_after_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
