/* The start of a partition's log: deleting records, what readers see of it, and who keeps it. */
#include <string.h>

#include "broker/log_start/log_start.h"
#include "broker/partition/partition_internal.h"
#include "broker/producer/producer_clock.h"
#include "protocol/kafka_error.h"
#include "storage/little_endian.h"
#include "storage/log/log_internal.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

/* ---- Asking ---- */

struct trim {
    struct partition_trim trim; /* first */
    bool over;
};

static void on_trimmed(struct partition_trim *trim) {
    ((struct trim *)trim)->over = true;
}

static bool trim_is_over(struct fixture *fixture) {
    return ((struct trim *)fixture->until_arg)->over;
}

static void begin_trim(struct partition *partition, int64_t offset, struct trim *trim) {
    *trim = (struct trim){.trim.done = on_trimmed};
    trim->over = partition_trim(partition, offset, &trim->trim) == DONE;
}

static struct partition_trim trim_to(struct fixture *fixture, struct partition *partition,
                                     int64_t offset) {
    struct trim trim;
    begin_trim(partition, offset, &trim);
    fixture->until_arg = &trim;
    run_until(fixture, trim_is_over);
    return trim.trim;
}

struct lookup {
    struct partition_lookup lookup; /* first */
    bool over;
};

static void on_looked_up(struct partition_lookup *lookup) {
    ((struct lookup *)lookup)->over = true;
}

static bool lookup_is_over(struct fixture *fixture) {
    return ((struct lookup *)fixture->until_arg)->over;
}

static struct partition_lookup look_up(struct fixture *fixture, struct partition *partition,
                                       int64_t timestamp, int32_t epoch) {
    struct lookup asked = {.lookup.done = on_looked_up};
    fixture->until_arg = &asked;
    enum completion completion = epoch >= 0
                                     ? partition_lookup_epoch(partition, epoch, -1, &asked.lookup)
                                     : partition_lookup(partition, timestamp, -1, &asked.lookup);
    if (completion == PENDING) run_until(fixture, lookup_is_over);
    assert_int_equal(asked.lookup.error, KAFKA_NONE);
    return asked.lookup;
}

static int64_t offset_of(struct fixture *fixture, struct partition *partition, int64_t timestamp) {
    return look_up(fixture, partition, timestamp, -1).offset;
}

static void produce(struct fixture *fixture, struct partition *partition, int records,
                    int64_t timestamp) {
    struct record_batch_options options = record_batch_plain();
    struct sent sent;
    send_batch(partition, make_batch(&options, records, 10, timestamp), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

/* Who looked by time while records went asks again, with the bounds of now. */
static void (*searched)(struct partition_log_search *search, int error);

static void search_over_a_gap(struct partition_log_search *search, int error) {
    assert_int_equal(error, ERR_NONE);
    search->done = searched;
    searched = NULL;
    search->offset = search->timestamp = -1;
    search->done(search, ERR_AGAIN);
}

static void test_log_start_moves_while_looked_up(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, partition, 10, 1000);
    produce(fixture, partition, 10, 5000);
    struct lookup asked = {.lookup.done = on_looked_up};
    fixture->until_arg = &asked;
    assert_int_equal(partition_lookup(partition, 5000, -1, &asked.lookup), PENDING);
    searched = asked.lookup.search.done;
    asked.lookup.search.done = search_over_a_gap;
    run_until(fixture, lookup_is_over);
    assert_null(searched);
    assert_int_equal(asked.lookup.error, KAFKA_NONE);
    assert_int_equal(asked.lookup.offset, 10);
    assert_int_equal(asked.lookup.timestamp, 5000);
}

static int16_t read_error(struct fixture *fixture, struct partition *partition, int64_t offset) {
    struct got got;
    read_from(fixture, partition, offset, 1000, &got);
    partition_read_release(&got.read);
    return got.read.error;
}

/* ---- The command ---- */

/* Its bytes come back; other formats, commands and lengths are told apart. */
static void test_log_start_command(void **state) {
    (void)state;
    struct log_start start = {.offset = 77, .everywhere = 12, .reason = LOG_START_RETENTION}, found;
    struct slice bytes = log_start_encode(&start);
    uint8_t copy[32];
    assert_true(bytes.len < sizeof copy);
    memcpy(copy, bytes.data, bytes.len);
    assert_int_equal(log_start_decode(bytes.data, bytes.len, &found), ERR_NONE);
    assert_int_equal(found.offset, 77);
    assert_int_equal(found.everywhere, 12);
    assert_int_equal(found.reason, LOG_START_RETENTION);
    assert_int_equal(log_start_decode(copy, bytes.len - 1, &found), ERR_MALFORMED);
    assert_int_equal(log_start_decode(copy, 1, &found), ERR_MALFORMED);
    le_put_u64(copy + 2, UINT64_MAX);
    assert_int_equal(log_start_decode(copy, bytes.len, &found), ERR_MALFORMED);
    copy[1] = PRODUCER_CLOCK_COMMAND;
    assert_int_equal(log_start_decode(copy, bytes.len, &found), ERR_VERSION);
    slice_unref(&bytes);
}

/* ---- One replica ---- */

static bool two_are_applied(struct fixture *fixture) {
    struct partition *partition = fixture->nodes[0].partition;
    struct partition_log *log = raft_group_log(partition->group);
    return partition->log_start == 10 && partition->applied == partition_log_last_index(log);
}

static bool all_is_sealed(struct fixture *fixture) {
    const struct partition_log *log = raft_group_log(fixture->nodes[0].partition->group);
    return log->segment_count > 0 && partition_log_active(log) == NULL;
}

/* A command that moves nothing, behind one that leaves no record: the last segment ends all the
 * same. */
static void test_start_at_end_is_not_forgotten(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, partition, 10, 5000);
    assert_int_equal(partition_submit_log_start(partition, 10, LOG_START_RECORDS_DELETED),
                     ERR_NONE);
    assert_int_equal(partition_submit_log_start(partition, 0, LOG_START_CAUGHT_UP), ERR_NONE);
    run_until(fixture, two_are_applied);
    run_until(fixture, all_is_sealed);
}

/* Nothing below the start is found by offset, time or epoch; a batch around it is served whole. */
static void test_log_start_bounds_all_reads(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    static const int64_t times[] = {5000, 2000, 3000};
    for (size_t i = 0; i < 3; i++)
        produce(fixture, partition, 10, times[i]); /* 10 ms further with each record's place */
    int32_t epoch = (int32_t)partition_leader_epoch(partition);
    assert_int_equal(offset_of(fixture, partition, PARTITION_MAX_TIMESTAMP), 9);
    struct partition_trim trim = trim_to(fixture, partition, 12);
    assert_int_equal(trim.error, KAFKA_NONE);
    assert_int_equal(trim.low_watermark, 12);
    assert_int_equal(partition_start_offset(partition), 12);
    assert_int_equal(offset_of(fixture, partition, PARTITION_EARLIEST), 12);
    assert_int_equal(look_up(fixture, partition, PARTITION_EARLIEST, -1).leader_epoch, epoch);
    assert_int_equal(offset_of(fixture, partition, PARTITION_LATEST), 30);
    assert_int_equal(offset_of(fixture, partition, 1000), 12);
    assert_int_equal(offset_of(fixture, partition, PARTITION_MAX_TIMESTAMP), 29);
    assert_int_equal(offset_of(fixture, partition, 5000), -1);
    assert_int_equal(look_up(fixture, partition, 0, epoch).offset, 30);
    assert_int_equal(look_up(fixture, partition, 0, 0).offset, 12);
    assert_int_equal(look_up(fixture, partition, 0, 0).leader_epoch, 0);
    assert_int_equal(read_error(fixture, partition, 11), KAFKA_OFFSET_OUT_OF_RANGE);
    struct got got;
    read_from(fixture, partition, 12, 100000, &got);
    assert_int_equal(got.read.error, KAFKA_NONE);
    assert_int_equal(got.read.start_offset, 12);
    uint8_t *bytes = got_bytes(&got);
    struct record_batch header;
    assert_int_equal(record_batch_parse(bytes, got.read.fetch.bytes, &header, NULL), ERR_NONE);
    assert_int_equal(header.base_offset, 10);
    mem_free(bytes);
    partition_read_release(&got.read);
    trim_to(fixture, partition, PARTITION_TRIM_ALL);
    assert_int_equal(offset_of(fixture, partition, PARTITION_EARLIEST), 30);
    assert_int_equal(offset_of(fixture, partition, PARTITION_MAX_TIMESTAMP), -1);
    assert_int_equal(read_error(fixture, partition, 30), KAFKA_NONE);
}

/* What lies below already is a success, and nothing goes back; what cannot be is refused. */
static void test_log_start_refuses(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, partition, 10, 1000);
    assert_int_equal(trim_to(fixture, partition, 5).error, KAFKA_NONE);
    struct trim again;
    begin_trim(partition, 3, &again);
    assert_true(again.over);
    assert_int_equal(again.trim.low_watermark, 5);
    assert_int_equal(trim_to(fixture, partition, -2).error, KAFKA_OFFSET_OUT_OF_RANGE);
    struct partition_trim above = trim_to(fixture, partition, 11);
    assert_int_equal(above.error, KAFKA_OFFSET_OUT_OF_RANGE);
    assert_int_equal(above.low_watermark, -1);
    assert_int_equal(partition_start_offset(partition), 5);
    assert_int_equal(trim_to(fixture, partition, 10).low_watermark, 10);
}

/* A fetch that waits is told of a start that moves. */
static void on_moved(struct partition_waiter *waiter, uint64_t bytes, bool changed) {
    (void)waiter;
    assert_int_equal(bytes, 0);
    assert_true(changed);
}

static void test_log_start_wakes_fetches(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, partition, 4, 1000);
    struct partition_waiter waiter = {.moved = on_moved};
    partition_wait(partition, &waiter);
    assert_int_equal(trim_to(fixture, partition, 2).error, KAFKA_NONE);
    partition_wait_cancel(&waiter);
}

/* Closing the partition ends what waits; who has gone is not told. */
static void test_log_start_close_ends_what_waits(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    produce(fixture, partition, 4, 1000);
    struct trim waits, gone, asks;
    begin_trim(partition, 2, &waits);
    begin_trim(partition, 3, &gone);
    begin_trim(partition, 9, &asks);
    assert_false(waits.over || gone.over || asks.over);
    partition_trim_cancel(&gone.trim);
    partition_close(partition, true);
    assert_true(waits.over && asks.over && !gone.over);
    assert_int_equal(waits.trim.error, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    check_pool_free(fixture->nodes[0].checks);
    shard_close(fixture->nodes[0].shard);
    log_store_close(fixture->nodes[0].store);
    fixture->nodes[0].open = false;
}

static bool leads_again(struct fixture *fixture) {
    return partition_is_leading(fixture->nodes[0].partition);
}

/* By the log after a crash, by the appliers' snapshot after a stop. */
static void restart(struct fixture *fixture, bool clean) {
    fixture_start(fixture, 1);
    struct fixture_node *node = &fixture->nodes[0];
    for (int i = 0; i < 20; i++)
        produce(fixture, node->partition, 10, 1000);
    assert_int_equal(trim_to(fixture, node->partition, 123).error, KAFKA_NONE);
    if (clean)
        node_stop(node);
    else
        node_close(node);
    node_open(node, false);
    run_until(fixture, leads_again);
    assert_int_equal(partition_start_offset(node->partition), 123);
    assert_int_equal(partition_high_watermark(node->partition), 200);
    assert_int_equal(read_error(fixture, node->partition, 122), KAFKA_OFFSET_OUT_OF_RANGE);
    assert_int_equal(read_error(fixture, node->partition, 123), KAFKA_NONE);
}

static void test_log_start_survives_a_stop(void **state) {
    restart(*state, true);
}

static void test_log_start_survives_a_crash(void **state) {
    restart(*state, false);
}

static bool restored, restored_well;

static void on_restored(struct partition *partition, log_index index) {
    (void)partition;
    restored = true;
    restored_well = index == 7;
}

static bool is_restored(struct fixture *fixture) {
    (void)fixture;
    return restored;
}

/* Takes the bytes. */
static bool restored_from(struct fixture *fixture, struct partition *partition,
                          struct slice bytes) {
    restored = false;
    appliers_restore(partition, bytes, 7, on_restored);
    run_until(fixture, is_restored);
    return restored_well;
}

/* Snapshots from before the start could move, and from before tombstones were marked, are still
 * read, and say nothing of it. */
static void test_log_start_is_not_in_old_snapshots(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    struct sent sent;
    send_numbered(partition, 4, 0, 0, &sent);
    run_until_over(fixture, &sent);
    sent_free(&sent);
    trim_to(fixture, partition, 1);
    struct slice now = partition_applied_state(
        partition); /* what is empty is left out at its end */
    enum { HEAD = 8, APPLIER_HEAD = 12, OF_START = 16 };
    uint8_t *old = mem_alloc(now.len);
    memcpy(old, now.data, now.len);
    le_put_u32(old + 4, 1);
    size_t with_start = now.len, without = with_start - APPLIER_HEAD - OF_START;
    struct slice one = slice_copy(NULL, old, without);
    struct slice bare = slice_copy(NULL, old + HEAD + APPLIER_HEAD, without - HEAD - APPLIER_HEAD);
    le_put_u32(old + 4, 2);
    struct slice unmarked = slice_copy(NULL, old, with_start);
    struct slice *olds[] = {&one, &bare};
    for (size_t i = 0; i < 2; i++) {
        for (size_t a = 0; a < partition->applier_count; a++)
            partition->appliers[a].type->reset(partition->appliers[a].state);
        assert_true(restored_from(fixture, partition, *olds[i]));
        assert_int_equal(partition_start_offset(partition), 0);
        assert_int_equal(producer_state_count(partition_producers(partition)), 1);
    }
    tombstone_marks_add(&partition->tombstones, (struct tombstone_mark){1, 5});
    struct slice marked = partition_applied_state(partition);
    assert_true(restored_from(fixture, partition, now));
    assert_int_equal(partition_start_offset(partition), 1);
    partition->tombstones = (struct tombstone_marks){0};
    assert_true(restored_from(fixture, partition, unmarked));
    assert_int_equal(partition_start_offset(partition), 1);
    assert_int_equal(tombstone_marks_last(&partition->tombstones).offset, 0);
    assert_true(restored_from(fixture, partition, marked));
    assert_int_equal(tombstone_marks_last(&partition->tombstones).offset, 1);
    assert_int_equal(tombstone_marks_last(&partition->tombstones).at_ms, 5);
    mem_free(old);
}

/* ---- Three replicas ---- */

static bool all_start_there(struct fixture *fixture) {
    for (int i = 0; i < 3; i++)
        if (partition_start_offset(fixture->nodes[i].partition) != 15) return false;
    return true;
}

static bool somebody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

/* Every replica has it, and so has the next leader. Without a majority nothing moves, and nobody is
 * told that it did. */
static void test_log_start_is_replicated(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 3);
    struct partition *partition = fixture_leader(fixture)->partition;
    produce(fixture, partition, 20, 1000);
    assert_int_equal(trim_to(fixture, partition, 15).low_watermark, 15);
    run_until(fixture, all_start_there);
    struct fixture_node *old = fixture_leader(fixture);
    node_close(old);
    run_until(fixture, somebody_leads);
    struct fixture_node *leader = fixture_leader(fixture);
    assert_int_equal(partition_start_offset(leader->partition), 15);
    assert_int_equal(read_error(fixture, leader->partition, 14), KAFKA_OFFSET_OUT_OF_RANGE);
    for (int i = 0; i < 3; i++)
        if (fixture->nodes[i].open && &fixture->nodes[i] != leader) node_close(&fixture->nodes[i]);
    struct partition_trim lost = trim_to(fixture, leader->partition, 18);
    assert_int_equal(lost.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(lost.low_watermark, -1);
    assert_int_equal(partition_start_offset(leader->partition), 15);
}

/* What all members have: not above what a member lacks that is not there. */
static bool all_have_it(struct fixture *fixture) {
    const struct raft_group *group = partition_group(fixture_leader(fixture)->partition);
    return raft_group_everywhere(group) == raft_group_commit_index(group);
}

static void test_log_start_knows_what_is_everywhere(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 3);
    struct fixture_node *leader = fixture_leader(fixture);
    produce(fixture, leader->partition, 20, 1000);
    run_until(fixture, all_have_it);
    uint64_t before = raft_group_everywhere(partition_group(leader->partition));
    struct fixture_node *gone = leader == &fixture->nodes[0] ? &fixture->nodes[1]
                                                             : &fixture->nodes[0];
    node_close(gone);
    for (int i = 0; i < 5; i++)
        produce(fixture, leader->partition, 20, 1000);
    assert_int_equal(raft_group_everywhere(partition_group(leader->partition)), before);
    trim_to(fixture, leader->partition, 50);
    assert_int_equal(leader->partition->everywhere, before);
    node_open(gone, false);
    run_until(fixture, all_have_it);
}

static bool is_quiet(struct fixture *fixture) {
    return fixture_leader(fixture)->partition->quiet;
}

static bool wait_was_told(struct fixture *fixture) {
    return fixture_leader(fixture)->partition->start_waits_ms > 1;
}

/* A leader goes on to tell which member keeps files below the start, also when all others are
 * quiet. */
static void test_log_start_waits_are_told_in_quiet(void **state) {
    struct fixture *fixture = *state;
    fixture->store_options.segment_bytes = 4096;
    fixture_start(fixture, 3);
    struct fixture_node *leader = fixture_leader(fixture);
    produce(fixture, leader->partition, 20, 1000);
    run_until(fixture, all_have_it);
    node_close(leader == &fixture->nodes[0] ? &fixture->nodes[1] : &fixture->nodes[0]);
    for (int i = 0; i < 20; i++)
        produce(fixture, leader->partition, 20, 1000);
    trim_to(fixture, leader->partition, PARTITION_TRIM_ALL);
    run_until(fixture, is_quiet);
    run_ms(fixture, 600); /* what began before is over */
    assert_true(partition_log_keeps_prefix(raft_group_log(partition_group(leader->partition))));
    leader->partition->start_waits_ms = 1; /* long ago */
    run_until(fixture, wait_was_told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_start_command),     TEST(test_log_start_bounds_all_reads),
        TEST(test_start_at_end_is_not_forgotten),     TEST(test_log_start_refuses),
        TEST(test_log_start_wakes_fetches),           TEST(test_log_start_close_ends_what_waits),
        TEST(test_log_start_moves_while_looked_up),   TEST(test_log_start_survives_a_stop),
        TEST(test_log_start_survives_a_crash),        TEST(test_log_start_is_not_in_old_snapshots),
        TEST(test_log_start_is_replicated),           TEST(test_log_start_knows_what_is_everywhere),
        TEST(test_log_start_waits_are_told_in_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
