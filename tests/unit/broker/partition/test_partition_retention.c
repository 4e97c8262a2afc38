/* Records that are too old or too many, of partitions: what the leader deletes, and what stays. */
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { SEGMENT = 4096, KEPT = 16 * 1024 };

static void produce(struct fixture *fixture, int batches, int64_t timestamp) {
    struct record_batch_options options = record_batch_plain();
    struct partition *partition = fixture_leader(fixture)->partition;
    for (int i = 0; i < batches; i++) {
        struct sent sent;
        send_batch(partition, make_batch(&options, 20, 40, timestamp), &sent);
        run_until_over(fixture, &sent);
        assert_int_equal(sent.produce.error, KAFKA_NONE);
        sent_free(&sent);
    }
}

static void start(struct fixture *fixture, int nodes) {
    fixture->store_options.segment_bytes = SEGMENT;
    fixture->settings.store_lz4 = false;
    fixture->settings.cleanup_delete = true;
    fixture->settings.retention_ms = fixture->settings.retention_bytes = -1;
    fixture_start(fixture, nodes);
}

static struct partition_log *log_of(struct fixture *fixture) {
    return raft_group_log(partition_group(fixture->nodes[0].partition));
}

/* No file has a record. */
static bool nothing_is_left(struct fixture *fixture) {
    struct partition *partition = fixture->nodes[0].partition;
    return partition_start_offset(partition) == partition_high_watermark(partition) &&
           partition_log_start_offset(log_of(fixture)) == partition_high_watermark(partition);
}

/* With a limit of bytes the oldest segments go as new ones come, by themselves, and never more than
 * is beyond it. */
static void test_retention_bytes(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, 60, 1000);
    assert_int_equal(partition_start_offset(partition), 0);
    fixture->settings.retention_bytes = KEPT;
    partition_set_settings(partition, &fixture->settings);
    for (int i = 0; i < 60; i++) {
        produce(fixture, 1, 1000);
        int64_t start_offset = partition_start_offset(partition);
        struct log_limits twice = {.age_ms = -1, .bytes = 2 * KEPT};
        assert_true(partition_log_size_bytes(log_of(fixture)) >= KEPT);
        if (i > 20) assert_int_equal(partition_log_expiry(log_of(fixture), &twice, 0).offset, -1);
        if (i > 20) assert_true(start_offset > 0);
    }
}

/* With a limit of age nothing goes before somebody looks; then all goes that is old, and files with
 * it, also what was only in the journal. */
static void test_retention_ms(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, 30, 1000);
    partition_retain(partition);
    fixture->settings.retention_ms = 3600 * 1000;
    fixture->settings.cleanup_delete = false; /* compact, or nothing */
    partition_set_settings(partition, &fixture->settings);
    partition_retain(partition);
    run_ms(fixture, 20);
    assert_int_equal(partition_start_offset(partition), 0);
    fixture->settings.cleanup_delete = true;
    partition_set_settings(partition, &fixture->settings);
    partition_retain(partition);
    partition_retain(partition); /* under way: not once more */
    run_until(fixture, nothing_is_left);
    assert_int_equal(partition_start_offset(partition), 600);
    struct partition_size size;
    partition_size_get(partition, &size);
    assert_int_equal(size.pinned_bytes, 0);
    assert_int_equal(size.pinned_by, -1);
    int64_t now_ms = env_wall_ms(fixture->env);
    produce(fixture, 10, now_ms);
    partition_retain(partition);
    run_ms(fixture, 20);
    assert_int_equal(partition_start_offset(partition), 600);
}

/* A timestamp in the future keeps what is behind it, and the log is told once. */
static void test_retention_of_the_future(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    partition->settings.timestamp_after_max_ms = INT64_MAX;
    fixture->settings = partition->settings;
    produce(fixture, 10, env_wall_ms(fixture->env) + 3600 * 1000);
    produce(fixture, 30, 1000);
    fixture->settings.retention_ms = 1000;
    partition_set_settings(partition, &fixture->settings);
    partition_retain(partition);
    int64_t told_ms = partition->future_told_ms;
    assert_true(told_ms > 0);
    run_ms(fixture, 5);
    partition_retain(partition);
    assert_int_equal(partition->future_told_ms, told_ms);
    assert_int_equal(partition_start_offset(partition), 0);
}

/* Followers do not look; the next leader goes on. */
static bool all_begin_later(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++)
        if (partition_start_offset(fixture->nodes[i].partition) != 200) return false;
    return true;
}

static void test_retention_is_the_leaders(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 3);
    produce(fixture, 10, 1000);
    for (int i = 0; i < 3; i++) {
        struct partition *partition = fixture->nodes[i].partition;
        partition->settings.retention_ms = 1000;
        if (!partition_is_leading(partition)) partition_retain(partition);
    }
    run_ms(fixture, 50);
    for (int i = 0; i < 3; i++)
        assert_int_equal(partition_start_offset(fixture->nodes[i].partition), 0);
    partition_retain(fixture_leader(fixture)->partition);
    run_until(fixture, all_begin_later);
}

/* A start at the end, with the record below it in a segment that is not sealed: the next life seals
 * it. */
static bool leads(struct fixture *fixture) {
    return partition_is_leading(fixture->nodes[0].partition);
}

static void test_retention_of_all_goes_on_after_a_restart(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    struct fixture_node *node = &fixture->nodes[0];
    produce(fixture, 2, 1000);
    fixture->settings.retention_ms = 1000;
    partition_set_settings(node->partition, &fixture->settings);
    node->partition->log_start = partition_high_watermark(node->partition); /* and no roll yet */
    assert_true(partition_log_committed_bytes(log_of(fixture)) > 0);
    node_stop(node);
    node_open(node, false);
    run_until(fixture, leads);
    partition_retain(node->partition);
    run_until(fixture, nothing_is_left);
}

/* DeleteRecords of a topic that is only compacted is refused: what it keeps is the last value of
 * each key. */
static void never(struct partition_trim *trim) {
    (void)trim;
    fail();
}

static void test_retention_compacted_topics_are_not_trimmed(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, 2, 1000);
    partition->settings.cleanup_compact = true;
    struct partition_trim trim = {.done = never};
    partition->settings.cleanup_delete = false;
    assert_int_equal(partition_trim(partition, 5, &trim), DONE);
    assert_int_equal(trim.error, KAFKA_POLICY_VIOLATION);
    assert_int_equal(partition_start_offset(partition), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* ---- What groups that share it decide ---- */

static bool seals(struct fixture *fixture) {
    struct log_limits limits = {.age_ms = -1, .bytes = 0};
    return partition_log_expiry(log_of(fixture), &limits, 0).offset > 0;
}

/* Commands of groups that share it are kept no longer than records: where they alone fill segments
 * these are sealed all the same, behind what consumers pass over, and go. */
static void test_retention_of_commands(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    struct partition *partition = fixture_leader(fixture)->partition;
    struct shares *shares = partition_shares(partition);
    for (int i = 0; i < 400 && !seals(fixture); i++) {
        share_begin_anew(shares, kp_string_of("g"), 0, i, NULL);
        run_ms(fixture, 2);
    }
    assert_true(seals(fixture));
    assert_true(partition_high_watermark(partition) > 0);
    assert_true(partition_high_watermark(partition) < 20);
    assert_non_null(shares_find(shares, kp_string_of("g")));
    fixture->settings.retention_bytes = 0;
    partition_set_settings(partition, &fixture->settings);
    partition_retain(partition);
    run_until(fixture, nothing_is_left);
    assert_int_equal(shares_find(shares, kp_string_of("g"))->state.start,
                     partition_start_offset(partition));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_retention_bytes),
        TEST(test_retention_ms),
        TEST(test_retention_of_the_future),
        TEST(test_retention_is_the_leaders),
        TEST(test_retention_of_all_goes_on_after_a_restart),
        TEST(test_retention_compacted_topics_are_not_trimmed),
        TEST(test_retention_of_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
