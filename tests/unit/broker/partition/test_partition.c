/* A partition with one voter: produce, fetch, list offsets, idempotence, restart. */
#include <string.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_layout.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

static struct partition *start_one(struct fixture *fixture) {
    fixture_start(fixture, 1);
    return fixture->nodes[0].partition;
}

/* What was produced comes back with its bytes, but for base offset and leader epoch; offsets are
 * dense from 0. */
static void test_partition_gives_back_what_was_produced(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct record_batch_options options = record_batch_plain();
    struct sent sent;
    int64_t next = 0;
    for (int i = 1; i < 6; i++) {
        struct slice batch = make_batch(&options, i, (size_t)i * 100, 5000);
        struct slice original = slice_copy(NULL, batch.data, batch.len);
        send_batch(partition, batch, &sent);
        run_until_over(fixture, &sent);
        assert_int_equal(sent.produce.error, KAFKA_NONE);
        assert_int_equal(sent.produce.base_offset, next);
        assert_int_equal(sent.produce.log_append_time_ms, -1);
        struct got got;
        read_from(fixture, partition, next, 1 << 20, &got);
        assert_int_equal(got.read.error, KAFKA_NONE);
        assert_int_equal(got.read.fetch.bytes, original.len);
        assert_int_equal(got.read.high_watermark, next + i);
        uint8_t *bytes = got_bytes(&got);
        struct record_batch header;
        assert_int_equal(record_batch_parse(bytes, original.len, &header, NULL), ERR_NONE);
        assert_int_equal(header.base_offset, next);
        assert_int_equal(header.leader_epoch, partition_leader_epoch(partition));
        assert_memory_equal(bytes + 16, original.data + 16, original.len - 16);
        mem_free(bytes);
        partition_read_release(&got.read);
        slice_unref(&original);
        sent_free(&sent);
        next += i;
    }
    assert_int_equal(partition_high_watermark(partition), next);
}

/* All batches of one turn are one entry of the log, acknowledged in order; a large one is an entry
 * of its own. */
static void test_partition_gathers_one_turn(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent sent[50];
    uint64_t before = partition_log_last_index(raft_group_log(partition_group(partition)));
    struct record_batch_options options = record_batch_plain();
    for (int i = 0; i < 50; i++)
        send_batch(partition, make_batch(&options, 2, i == 30 ? 200000 : 20, 1), &sent[i]);
    run_until_over(fixture, &sent[49]);
    for (int i = 0; i < 50; i++) {
        assert_true(sent[i].over);
        assert_int_equal(sent[i].produce.base_offset, 2 * i);
        sent_free(&sent[i]);
    }
    assert_int_equal(partition_log_last_index(raft_group_log(partition_group(partition))),
                     before + 3);
    struct got got;
    read_from(fixture, partition, 0, 1 << 20, &got);
    uint8_t *bytes = got_bytes(&got);
    size_t at = 0;
    struct record_batch header;
    int64_t next = 0;
    while (record_batch_next(bytes, got.read.fetch.bytes, &at, &header, NULL) == ERR_NONE) {
        assert_int_equal(header.base_offset, next);
        assert_int_equal(record_batch_check_crc(&header), ERR_NONE);
        next += 2;
    }
    assert_int_equal(next, 100);
    mem_free(bytes);
    partition_read_release(&got.read);
}

/* A compressed batch is opened: one that claims 2^31 - 1 records is refused, and takes no offset.
 */
static void test_partition_counts_what_batches_have(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct sent wrong, right;
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_GZIP;
    struct slice batch = make_batch(&options, 1, 20, 1);
    uint8_t *bytes = (uint8_t *)batch.data;
    store_big_endian(bytes + AT_LAST_OFFSET_DELTA, INT32_MAX - 1, 4);
    store_big_endian(bytes + AT_RECORD_COUNT, INT32_MAX, 4);
    record_batch_seal(bytes, batch.len);
    send_batch(partition, batch, &wrong);
    assert_true(wrong.at_once);
    assert_int_equal(wrong.produce.error, KAFKA_INVALID_RECORD);
    assert_non_null(strstr(wrong.refusal.why.text, "Record 1 of 2147483647"));
    send_batch(partition, make_batch(&options, 1, 20, 1), &right);
    run_until_over(fixture, &right);
    assert_int_equal(right.produce.base_offset, 0);
    assert_int_equal(partition_high_watermark(partition), 1);
    sent_free(&wrong), sent_free(&right);
}

/* Nothing is acknowledged in the turn in which it came, nor visible: only when it is on disk. */
static void test_partition_acknowledges_after_commit(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct sent sent;
    struct got got;
    send_plain(partition, &sent);
    assert_false(sent.over);
    read_from(fixture, partition, 0, 1000, &got);
    assert_int_equal(got.read.error, KAFKA_NONE);
    assert_int_equal(got.read.fetch.bytes, 0);
    assert_int_equal(got.read.high_watermark, 0);
    run_until_over(fixture, &sent);
    assert_int_equal(partition_high_watermark(partition), 1);
    sent_free(&sent);
}

/* A retry in flight is acknowledged with the first one, and not before it; a retry later gets the
 * first one's offset; neither is stored. */
static void test_partition_retries_are_recognised(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct sent first, retry, second, later;
    send_numbered(partition, 9, 0, 0, &first);
    send_numbered(partition, 9, 0, 0, &retry);
    assert_false(retry.over);
    send_numbered(partition, 9, 0, 1, &second);
    run_until_over(fixture, &second);
    assert_true(first.over && retry.over);
    assert_int_equal(first.produce.base_offset, 0);
    assert_int_equal(retry.produce.error, KAFKA_NONE);
    assert_int_equal(retry.produce.base_offset, 0);
    assert_int_equal(second.produce.base_offset, 1);
    send_numbered(partition, 9, 0, 0, &later);
    assert_true(later.at_once);
    assert_int_equal(later.produce.error, KAFKA_NONE);
    assert_int_equal(later.produce.base_offset, 0);
    assert_int_equal(partition_high_watermark(partition), 2);
    sent_free(&first), sent_free(&retry), sent_free(&second), sent_free(&later);
}

/* Sequences with a gap, old epochs and unknown producers get Kafka's errors, and no offset. */
static void test_partition_refuses_sequences(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    const struct {
        int64_t id;
        int16_t epoch;
        int32_t sequence;
        int16_t error;
    } cases[] = {
        {5, 1, 3, KAFKA_UNKNOWN_PRODUCER_ID},
        {5, 1, 0, KAFKA_NONE},
        {5, 1, 2, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER},
        {5, 0, 1, KAFKA_INVALID_PRODUCER_EPOCH},
        {5, 2, 1, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER},
        {6, 0, 4, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER},
        {5, 2, 0, KAFKA_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sent sent;
        send_numbered(partition, cases[i].id, cases[i].epoch, cases[i].sequence, &sent);
        if (!sent.over) run_until_over(fixture, &sent);
        assert_int_equal(sent.produce.error, cases[i].error);
        assert_int_equal(sent.produce.base_offset < 0, cases[i].error != KAFKA_NONE);
        sent_free(&sent);
    }
}

static unsigned moves, changes;
static uint64_t moved_bytes;

static void on_moved(struct partition_waiter *waiter, uint64_t bytes, bool changed) {
    (void)waiter;
    moves++;
    changes += changed;
    moved_bytes += bytes;
}

/* Who waits for the watermark is told once for all that commits together. */
static void test_partition_wakes_once_a_commit(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent sent[20];
    struct partition_waiter waiter = {.moved = on_moved};
    moves = changes = 0;
    moved_bytes = 0;
    partition_wait(partition, &waiter);
    size_t bytes = 0;
    for (int i = 0; i < 20; i++) {
        send_plain(partition, &sent[i]);
        bytes += sent[i].frame.len;
    }
    run_until_over(fixture, &sent[19]);
    assert_int_equal(moves, 1);
    assert_int_equal(changes, 0);
    assert_int_equal(moved_bytes, bytes);
    partition_wait_cancel(&waiter);
    for (int i = 0; i < 20; i++)
        sent_free(&sent[i]);
}

/* Reads before the start and behind the end are out of range; at the end there is nothing yet; a
 * max_bytes of 0 reads no batch. */
static void test_partition_reads_at_the_ends(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct sent sent;
    send_plain(partition, &sent);
    run_until_over(fixture, &sent);
    sent_free(&sent);
    struct got got;
    read_from(fixture, partition, 1, 100, &got);
    assert_int_equal(got.read.error, KAFKA_NONE);
    assert_int_equal(got.read.fetch.bytes, 0);
    read_from(fixture, partition, 2, 100, &got);
    assert_int_equal(got.read.error, KAFKA_OFFSET_OUT_OF_RANGE);
    assert_int_equal(got.read.high_watermark, -1);
    read_from(fixture, partition, -1, 100, &got);
    assert_int_equal(got.read.error, KAFKA_OFFSET_OUT_OF_RANGE);
    read_from(fixture, partition, 0, 0, &got);
    assert_int_equal(got.read.error, KAFKA_NONE);
    assert_int_equal(got.read.fetch.bytes, 0);
    read_from(fixture, partition, 0, 1, &got);
    assert_true(got.read.fetch.bytes > 60);
    partition_read_release(&got.read);
}

/* KIP-320: a client with another leader epoch learns that it, or this broker, is behind. */
static void test_partition_compares_leader_epochs(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    int32_t epoch = (int32_t)partition_leader_epoch(partition);
    struct got got = {0};
    assert_int_equal(partition_read(partition, 0, epoch, -1, 100, &got.read), DONE);
    assert_int_equal(got.read.error, KAFKA_NONE);
    assert_int_equal(partition_read(partition, 0, epoch - 1, -1, 100, &got.read), DONE);
    assert_int_equal(got.read.error, KAFKA_FENCED_LEADER_EPOCH);
    assert_int_equal(got.read.high_watermark, -1);
    assert_int_equal(partition_read(partition, 0, epoch + 1, -1, 100, &got.read), DONE);
    assert_int_equal(got.read.error, KAFKA_UNKNOWN_LEADER_EPOCH);
}

struct lookup {
    struct partition_lookup lookup;
    bool over;
};

static void on_looked_up(struct partition_lookup *lookup) {
    ((struct lookup *)lookup)->over = true;
}

static bool lookup_is_over(struct fixture *fixture) {
    return ((struct lookup *)fixture->until_arg)->over;
}

static struct partition_lookup look_up(struct fixture *fixture, struct partition *partition,
                                       int64_t timestamp) {
    struct lookup asked = {.lookup.done = on_looked_up};
    fixture->until_arg = &asked;
    if (partition_lookup(partition, timestamp, -1, &asked.lookup) == PENDING)
        run_until(fixture, lookup_is_over);
    assert_int_equal(asked.lookup.error, KAFKA_NONE);
    return asked.lookup;
}

/* ListOffsets: both ends, the first record at or behind a time, the record with the largest one. */
static void test_partition_looks_up_offsets(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    assert_int_equal(look_up(fixture, partition, PARTITION_LATEST).offset, 0);
    assert_int_equal(look_up(fixture, partition, 1000).offset, -1);
    static const int64_t times[] = {1000, 2000, 5000, 3000};
    struct record_batch_options options = record_batch_plain();
    for (size_t i = 0; i < 4; i++) {
        struct sent sent;
        send_batch(partition, make_batch(&options, 10, 10, times[i]), &sent);
        run_until_over(fixture, &sent);
        sent_free(&sent);
    }
    struct partition_lookup found = look_up(fixture, partition, PARTITION_LATEST);
    assert_int_equal(found.offset, 40);
    assert_int_equal(found.leader_epoch, partition_leader_epoch(partition));
    found = look_up(fixture, partition, PARTITION_EARLIEST);
    assert_int_equal(found.offset, 0);
    assert_int_equal(found.leader_epoch, partition_leader_epoch(partition));
    found = look_up(fixture, partition, 2005);
    assert_int_equal(found.offset, 15);
    assert_int_equal(found.timestamp, 2005);
    assert_int_equal(look_up(fixture, partition, 3000).offset, 20);
    assert_int_equal(look_up(fixture, partition, 6000).offset, -1);
    found = look_up(fixture, partition, PARTITION_MAX_TIMESTAMP);
    assert_int_equal(found.offset, 29);
    assert_int_equal(found.timestamp, 5009);
}

/* With LogAppendTime the leader's clock goes into batch and answer, and the checksum is right. */
static void test_partition_log_append_time(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.log_append_time = true;
    struct partition *partition = start_one(fixture);
    struct sent sent;
    int64_t before = env_wall_ms(fixture->env);
    send_plain(partition, &sent);
    run_until_over(fixture, &sent);
    assert_true(sent.produce.log_append_time_ms >= before);
    struct got got;
    read_from(fixture, partition, 0, 1000, &got);
    uint8_t *bytes = got_bytes(&got);
    struct record_batch header;
    assert_int_equal(record_batch_parse(bytes, got.read.fetch.bytes, &header, NULL), ERR_NONE);
    assert_true(record_batch_has_log_append_time(&header));
    assert_int_equal(header.max_timestamp, sent.produce.log_append_time_ms);
    assert_int_equal(record_batch_check_crc(&header), ERR_NONE);
    mem_free(bytes);
    partition_read_release(&got.read);
    sent_free(&sent);
}

static bool leads_again(struct fixture *fixture) {
    return partition_is_leading(fixture->nodes[0].partition);
}

/* After a stop and after a crash the watermark and the producers are as before, with segments that
 * end all the time. */
static void restart(struct fixture *fixture, bool clean) {
    struct partition *partition = start_one(fixture);
    struct record_batch_options options = options_of(3, 0, 0);
    enum { BATCHES = 60 };
    for (int i = 0; i < BATCHES; i++) {
        struct sent sent;
        options.base_sequence = i * 4;
        send_batch(partition, make_batch(&options, 4, 1000, 1), &sent);
        run_until_over(fixture, &sent);
        assert_int_equal(sent.produce.error, KAFKA_NONE);
        sent_free(&sent);
        if (i % 20 != 19) continue;
        if (clean)
            node_stop(&fixture->nodes[0]);
        else
            node_close(&fixture->nodes[0]);
        node_open(&fixture->nodes[0], false);
        run_until(fixture, leads_again);
        partition = fixture->nodes[0].partition;
        assert_int_equal(partition_high_watermark(partition), 4 * (i + 1));
        for (int back = 0; back < 5; back++) {
            options.base_sequence = (i - back) * 4;
            send_batch(partition, make_batch(&options, 4, 1000, 1), &sent);
            assert_true(sent.at_once);
            assert_int_equal(sent.produce.error, KAFKA_NONE);
            assert_int_equal(sent.produce.base_offset, 4 * (i - back));
            sent_free(&sent);
        }
    }
}

static void test_partition_restarts_after_stop(void **state) {
    restart(*state, true);
}

static void test_partition_restarts_after_crash(void **state) {
    restart(*state, false);
}

/* Closing ends everything that waits within the call: a deleted topic is unknown. */
static void test_partition_close_ends_what_waits(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct sent sent;
    struct partition_waiter waiter = {.moved = on_moved};
    struct lookup asked = {.lookup.done = on_looked_up};
    changes = 0;
    send_plain(partition, &sent);
    partition_wait(partition, &waiter);
    bool at_once = partition_lookup(partition, PARTITION_LATEST, -1, &asked.lookup) == DONE;
    struct fixture_node *node = &fixture->nodes[0];
    partition_close(node->partition, true);
    check_pool_free(node->checks);
    shard_close(node->shard);
    log_store_close(node->store);
    node->open = false;
    assert_true(sent.over);
    assert_int_equal(sent.produce.error, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(sent.produce.base_offset, -1);
    assert_int_equal(changes, 1);
    assert_null(waiter.partition);
    assert_true(at_once || (asked.over && asked.lookup.error == KAFKA_UNKNOWN_TOPIC_OR_PARTITION));
    sent_free(&sent);
}

static bool leads_no_more(struct fixture *fixture) {
    return !partition_is_leading(fixture->nodes[0].partition);
}

/* A committed entry whose batches make no sense (a faulty leader sent it) stops this partition, and
 * nothing else. */
static void test_partition_stops_at_nonsense(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct raft_group *group = partition_group(partition);
    struct sent before, behind;
    send_numbered(partition, 4, 0, 0, &before);
    run_until_over(fixture, &before);
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .base_offset = 1,
                              .records = 1,
                              .max_timestamp = -1,
                              .raw = slice_copy(NULL, "not a batch", 11),
                              .numbered = true};
    uint64_t index;
    assert_int_equal(raft_group_submit(group, &spec, &index), ERR_NONE);
    run_until(fixture, leads_no_more);
    assert_int_equal(partition_high_watermark(partition), 1);
    send_numbered(partition, 4, 0, 1, &behind);
    if (!behind.over) run_until_over(fixture, &behind);
    assert_int_equal(behind.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    sent_free(&before), sent_free(&behind);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_partition_gives_back_what_was_produced),
        TEST(test_partition_gathers_one_turn),
        TEST(test_partition_counts_what_batches_have),
        TEST(test_partition_acknowledges_after_commit),
        TEST(test_partition_retries_are_recognised),
        TEST(test_partition_refuses_sequences),
        TEST(test_partition_wakes_once_a_commit),
        TEST(test_partition_reads_at_the_ends),
        TEST(test_partition_compares_leader_epochs),
        TEST(test_partition_looks_up_offsets),
        TEST(test_partition_log_append_time),
        TEST(test_partition_restarts_after_stop),
        TEST(test_partition_restarts_after_crash),
        TEST(test_partition_close_ends_what_waits),
        TEST(test_partition_stops_at_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
