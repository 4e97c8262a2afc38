/* Compacted partitions: when they are dirty, how far each replica may clean, what consumers get,
 * and records without a key. */
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { KEYS = 10, TIME = 1000 };

static const struct log_clean_options options = {.map_bytes = 1 << 20,
                                                 .bytes_per_second = UINT64_MAX,
                                                 .unfolded_max = 1 << 20};

static int compact_setup(void **state) {
    if (fixture_setup(state) != 0) return -1;
    struct fixture *fixture = *state;
    fixture->settings.cleanup_compact = true;
    fixture->settings.min_cleanable_ratio = 0.5;
    fixture->settings.max_compaction_lag_ms = INT64_MAX;
    fixture->store_options.segment_bytes = 4096;
    fixture->store_options.tail_cache_bytes = 0; /* what is in memory is not cleaned */
    return 0;
}

/* Records of all keys, each with the number of its round. */
static void produce_round(struct fixture *fixture, struct partition *partition, uint32_t round) {
    struct record_batch_options plain = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&plain);
    struct sent sent;
    for (int i = 0; i < KEYS; i++) {
        char key[16], value[100] = {0};
        memcpy(value, &round, sizeof round);
        record_batch_builder_append(builder, TIME, key, snprintf(key, sizeof key, "key-%d", i),
                                    value, sizeof value, NULL, 0);
    }
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    send_batch(partition, slice_adopt(NULL, bytes, len), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

static void produce_rounds(struct fixture *fixture, struct partition *partition, uint32_t from,
                           uint32_t to) {
    for (uint32_t round = from; round < to; round++)
        produce_round(fixture, partition, round);
}

static bool all_have_it(struct fixture *fixture) {
    const struct partition *leader = fixture_leader(fixture)->partition;
    for (int i = 0; i < fixture->node_count; i++) {
        const struct fixture_node *node = &fixture->nodes[i];
        if (node->open && node->partition->applied != leader->applied) return false;
    }
    return raft_group_everywhere(leader->group) >= leader->applied;
}

static bool somebody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

static void flushed(void *arg) {
    env_uv_stop(arg);
}

static void flush_all(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++) {
        if (!fixture->nodes[i].open) continue;
        log_store_flush(fixture->nodes[i].store, flushed, fixture->env);
        env_uv_run(fixture->env);
    }
}

struct round {
    struct log_cleaning cleaning; /* first */
    bool over;
    int error;
};

static void cleaned(struct log_cleaning *cleaning, int error) {
    struct round *round = (struct round *)cleaning;
    round->error = error;
    round->over = true;
}

static bool round_is_over(struct fixture *fixture) {
    return ((struct round *)fixture->until_arg)->over;
}

static void clean(struct fixture *fixture, struct partition *partition) {
    struct round round = {.cleaning.done = cleaned};
    assert_int_equal(partition_clean(partition, &options, &round.cleaning), ERR_NONE);
    fixture->until_arg = &round;
    run_until(fixture, round_is_over);
    assert_int_equal(round.error, ERR_NONE);
}

/* Reads all that a consumer gets: the rounds of the last records of each key are as given, and
 * returns how many records there are. */
static unsigned consume(struct fixture *fixture, struct partition *partition, uint32_t last_round) {
    int64_t offset = partition_start_offset(partition), end = partition_high_watermark(partition);
    uint32_t rounds[KEYS] = {0};
    unsigned records = 0;
    while (offset < end) {
        struct got got;
        read_from(fixture, partition, offset, 3000, &got);
        assert_int_equal(got.read.error, KAFKA_NONE);
        assert_true(got.read.fetch.count > 0);
        uint8_t *bytes = got_bytes(&got);
        size_t at = 0;
        struct record_batch batch;
        while (record_batch_next(bytes, got.read.fetch.bytes, &at, &batch, NULL) == 0) {
            struct record_iterator iterator;
            struct record record;
            assert_int_equal(record_iterator_open(&iterator, &batch, 1 << 20), 0);
            while (record_iterator_next(&iterator, &record) == 0) {
                uint32_t round;
                memcpy(&round, record.value, sizeof round);
                rounds[record.key[record.key_len - 1] - '0'] = round;
                records++;
            }
            record_iterator_close(&iterator);
            offset = record_batch_last_offset(&batch) + 1;
        }
        mem_free(bytes);
        partition_read_release(&got.read);
    }
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(rounds[i], last_round);
    return records;
}

static bool told_everywhere(struct fixture *fixture) {
    struct partition_dirt dirt;
    for (int i = 0; i < fixture->node_count; i++)
        if (!partition_is_dirty(fixture->nodes[i].partition, &dirt)) return false;
    return true;
}

/* The leader tells how far the log is everywhere, and each replica cleans for itself; what they
 * have then is what a consumer gets, whoever leads, also behind a restart. */
static void test_clean_on_each_replica(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 3);
    struct partition *leader = fixture_leader(fixture)->partition;
    struct partition_dirt dirt;
    assert_false(partition_is_dirty(leader, &dirt));
    produce_rounds(fixture, leader, 0, 40);
    run_until(fixture, all_have_it);
    flush_all(fixture);
    run_until(fixture, told_everywhere);
    for (int i = 0; i < 3; i++)
        clean(fixture, fixture->nodes[i].partition);
    for (int i = 0; i < 3; i++) {
        assert_false(partition_is_dirty(fixture->nodes[i].partition, &dirt));
        assert_true(partition_log_first_index(
                        raft_group_log(partition_group(fixture->nodes[i].partition))) > 1);
    }
    leader = fixture_leader(fixture)->partition;
    assert_true(consume(fixture, leader, 39) < 20 * KEYS);
    for (int i = 0; i < 3; i++)
        i % 2 ? node_stop(&fixture->nodes[i]) : node_close(&fixture->nodes[i]);
    for (int i = 0; i < 3; i++)
        node_open(&fixture->nodes[i], false);
    run_until(fixture, somebody_leads);
    leader = fixture_leader(fixture)->partition;
    produce_rounds(fixture, leader, 40, 41);
    consume(fixture, leader, 40);
}

/* What a member that is away lacks is not cleaned by anybody. */
static void test_clean_waits_for_all(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 3);
    struct fixture_node *leader = fixture_leader(fixture);
    produce_round(fixture, leader->partition, 0);
    run_until(fixture, all_have_it);
    struct fixture_node *gone = leader == &fixture->nodes[0] ? &fixture->nodes[1]
                                                             : &fixture->nodes[0];
    node_close(gone);
    produce_rounds(fixture, leader->partition, 1, 30);
    flush_all(fixture);
    struct partition_dirt dirt;
    struct log_cleaning cleaning;
    assert_false(partition_is_dirty(leader->partition, &dirt));
    run_ms(fixture, 50);
    assert_false(partition_is_dirty(leader->partition, &dirt));
    assert_int_equal(partition_clean(leader->partition, &options, &cleaning), ERR_AGAIN);
    node_open(gone, false);
    run_until(fixture, all_have_it);
    flush_all(fixture);
    run_until(fixture, told_everywhere);
}

/* One that cannot be cleaned leaves the others their turn, longer each time. */
static void test_clean_fails(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    struct partition_dirt dirt;
    produce_rounds(fixture, partition, 0, 40);
    flush_all(fixture);
    run_until(fixture, told_everywhere);
    partition_was_cleaned(partition, ERR_IO, 5);
    run_until(fixture, told_everywhere);
    for (int i = 0; i < 20; i++) /* 5 ms, doubled so often, are the hour */
        partition_was_cleaned(partition, ERR_IO, 5);
    assert_false(partition_is_dirty(partition, &dirt));
    run_ms(fixture, 10);
    assert_false(partition_is_dirty(partition, &dirt));
    partition_was_cleaned(partition, ERR_NONE, 5);
    assert_true(partition_is_dirty(partition, &dirt));
    partition_was_cleaned(partition, ERR_IO, 5); /* it begins anew */
    run_until(fixture, told_everywhere);
}

static void produce_tombstones(struct fixture *fixture, struct partition *partition) {
    struct record_batch_options plain = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&plain);
    struct sent sent;
    for (int i = 0; i < KEYS; i++) {
        char key[16];
        record_batch_builder_append(builder, TIME, key, snprintf(key, sizeof key, "gone-%d", i),
                                    NULL, -1, NULL, 0);
    }
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    send_batch(partition, slice_adopt(NULL, bytes, len), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

/* What a consumer gets of those keys. */
static unsigned tombstones_in(struct fixture *fixture, struct partition *partition) {
    unsigned count = 0;
    for (int64_t offset = 0, end = partition_high_watermark(partition); offset < end;) {
        struct got got;
        size_t at = 0;
        struct record_batch batch;
        read_from(fixture, partition, offset, 3000, &got);
        uint8_t *bytes = got_bytes(&got);
        while (record_batch_next(bytes, got.read.fetch.bytes, &at, &batch, NULL) == 0) {
            struct record_iterator iterator;
            struct record record;
            assert_int_equal(record_iterator_open(&iterator, &batch, 1 << 20), 0);
            while (record_iterator_next(&iterator, &record) == 0)
                count += record.value_len < 0;
            record_iterator_close(&iterator);
            offset = record_batch_last_offset(&batch) + 1;
        }
        mem_free(bytes);
        partition_read_release(&got.read);
    }
    return count;
}

static bool marked_everywhere(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++)
        if (tombstone_marks_last(&fixture->nodes[i].partition->tombstones).offset == 0)
            return false;
    return true;
}

static void make_dirty(struct fixture *fixture, struct partition *partition, uint32_t from) {
    produce_rounds(fixture, partition, from, from + 40);
    run_until(fixture, all_have_it);
    flush_all(fixture);
    run_until(fixture, told_everywhere);
}

/* Tombstones stay until they are marked and their time is over; a mark is of all replicas, also of
 * one that comes again. */
static void test_tombstones(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.delete_retention_ms = 1000 * 1000;
    fixture_start(fixture, 3);
    struct partition *leader = fixture_leader(fixture)->partition;
    produce_tombstones(fixture, leader);
    make_dirty(fixture, leader, 0);
    assert_int_equal(partition_wants_mark(leader), 0);
    for (int i = 0; i < 3; i++)
        clean(fixture, fixture->nodes[i].partition);
    leader = fixture_leader(fixture)->partition;
    kafka_offset clean_to = partition_clean_to(leader);
    assert_true(clean_to > KEYS);
    assert_int_equal(partition_wants_mark(leader), clean_to);
    partition_mark_tombstones(leader, clean_to + 1); /* it is not so clean itself */
    partition_mark_tombstones(leader, clean_to);
    run_until(fixture, marked_everywhere);
    assert_int_equal(partition_wants_mark(leader), 0);
    assert_int_equal(partition_tombstones_below(leader), 0);
    make_dirty(fixture, leader, 40);
    clean(fixture, leader);
    assert_int_equal(tombstones_in(fixture, leader), KEYS); /* it is not time */
    struct partition_settings settings = fixture->settings;
    settings.delete_retention_ms = 0;
    for (int i = 0; i < 3; i++)
        partition_set_settings(fixture->nodes[i].partition, &settings);
    assert_int_equal(partition_tombstones_below(leader), clean_to);
    make_dirty(fixture, leader, 80);
    clean(fixture, leader);
    assert_int_equal(tombstones_in(fixture, leader), 0);
    consume(fixture, leader, 119);
    for (int i = 0; i < 3; i++)
        i % 2 ? node_stop(&fixture->nodes[i]) : node_close(&fixture->nodes[i]);
    for (int i = 0; i < 3; i++)
        node_open(&fixture->nodes[i], false);
    run_until(fixture, somebody_leads);
    run_until(fixture, marked_everywhere);
}

/* The share that is dirty, the age of it, how young it may be, and the policy. */
static void test_clean_when(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    struct partition_settings settings = fixture->settings;
    struct partition_dirt dirt;
    produce_rounds(fixture, partition, 0, 40);
    flush_all(fixture);
    run_until(fixture, told_everywhere);
    settings.min_compaction_lag_ms = INT64_MAX / 2;
    partition_set_settings(partition, &settings);
    assert_false(partition_is_dirty(partition, &dirt));
    settings.min_compaction_lag_ms = 0;
    settings.cleanup_compact = false;
    partition_set_settings(partition, &settings);
    assert_false(partition_is_dirty(partition, &dirt));
    partition_set_settings(partition, &fixture->settings);
    clean(fixture, partition);
    produce_rounds(fixture, partition, 40, 46);
    flush_all(fixture);
    settings = fixture->settings;
    settings.min_cleanable_ratio = 0.99;
    partition_set_settings(partition, &settings);
    assert_false(partition_is_dirty(partition, &dirt));
    settings.max_compaction_lag_ms = 1000; /* the records are of 1970 */
    partition_set_settings(partition, &settings);
    run_until(fixture, told_everywhere);
    assert_true(partition_is_dirty(partition, &dirt));
    assert_true(dirt.overdue);
    assert_false(dirt.internal);
    assert_true(dirt.ratio > 0 && dirt.ratio < 0.99);
    clean(fixture, partition);
    consume(fixture, partition, 45);
}

/* A record without a key is refused, and named; without compaction it is not. */
static void test_keys_are_needed(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    struct record_batch_options plain = record_batch_plain();
    struct sent sent;
    send_batch(partition, make_batch(&plain, 20, 10, env_wall_ms(fixture->env)), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_INVALID_RECORD);
    assert_int_equal(sent.refusal.reject_count, RECORD_REJECTS_MAX);
    for (size_t i = 0; i < sent.refusal.reject_count; i++) {
        assert_true(sent.refusal.rejects[i].keyless);
        assert_int_equal(sent.refusal.rejects[i].place, i);
    }
    assert_non_null(strstr(sent.refusal.why.text, "20"));
    sent_free(&sent);
    struct partition_settings settings = fixture->settings;
    settings.cleanup_compact = false;
    partition_set_settings(partition, &settings);
    send_batch(partition, make_batch(&plain, 3, 10, 1000), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, compact_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_clean_on_each_replica),
        TEST(test_clean_waits_for_all),
        TEST(test_clean_fails),
        TEST(test_clean_when),
        TEST(test_tombstones),
        TEST(test_keys_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
