/* Transactions in one partition: what committed readers see and are told, markers, restarts,
 * replicas. Batches are appended as the broker appends its own. */
#include <string.h>

#include "base/container_of.h"
#include "broker/partition/partition_append.h"
#include "broker/partition/partition_internal.h"
#include "broker/partition/partition_marker.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { COORDINATOR = 3, A = 11, B = 12 };

struct appended {
    struct partition_append append;
    bool over;
    int16_t error;
};

static void on_appended(struct partition_append *append, int16_t error) {
    struct appended *appended = CONTAINER_OF(append, struct appended, append);
    appended->over = true;
    appended->error = error;
}

static bool appended_is_over(struct fixture *fixture) {
    return ((struct appended *)fixture->until_arg)->over;
}

/* `records` records of the producer's transaction; returns their first offset. */
static kafka_offset write_in(struct fixture *fixture, struct partition *partition, int64_t id,
                             int32_t sequence, int records) {
    struct record_batch_options options = options_of(id, 0, sequence);
    struct appended appended = {.append.done = on_appended};
    options.transactional = true;
    kafka_offset offset = partition_high_watermark(partition);
    unsigned tries = 0; /* on a busy machine a replica falls behind and comes back */
    do {
        struct slice batch = make_batch(&options, records, 10, 1000 + offset);
        appended.over = false;
        if (tries > 0) run_ms(fixture, 100);
        appended.error = partition_append(partition, batch, &appended.append);
        fixture->until_arg = &appended;
        if (appended.error == KAFKA_NONE) run_until(fixture, appended_is_over);
    } while (appended.error == KAFKA_NOT_ENOUGH_REPLICAS && ++tries < UNIT_PATIENCE_S * 10);
    assert_int_equal(appended.error, KAFKA_NONE);
    return offset;
}

static void write_plain(struct fixture *fixture, struct partition *partition) {
    struct sent sent;
    send_plain(partition, &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

struct ended {
    struct partition_marker marker;
    bool over;
    int16_t error;
};

static void on_ended(struct partition_marker *marker, int16_t error) {
    struct ended *ended = CONTAINER_OF(marker, struct ended, marker);
    assert_false(ended->over);
    ended->over = true;
    ended->error = error;
}

static bool ended_is_over(struct fixture *fixture) {
    return ((struct ended *)fixture->until_arg)->over;
}

static void begin_end(struct partition *partition, int64_t id, int32_t coordinator, bool commit,
                      struct ended *ended) {
    struct transaction_marker end = {
        .producer_id = id, .producer_epoch = 0, .coordinator_epoch = coordinator, .commit = commit};
    *ended = (struct ended){.marker.done = on_ended};
    ended->over = partition_end_transaction(partition, &end, -1, false, &ended->marker,
                                            &ended->error) == DONE;
}

static int16_t end_of(struct fixture *fixture, struct partition *partition, int64_t id,
                      bool commit) {
    struct ended ended;
    begin_end(partition, id, COORDINATOR, commit, &ended);
    fixture->until_arg = &ended;
    run_until(fixture, ended_is_over);
    return ended.error;
}

/* Where a committed reader from `offset` on gets to, and how many aborted transactions it is told
 * of. */
struct seen {
    kafka_offset end, stable;
    size_t aborted;
    int16_t error;
};

static bool got_is_over(struct fixture *fixture) {
    return ((struct got *)fixture->until_arg)->over;
}

static void on_read(struct partition_read *read) {
    ((struct got *)read)->over = true;
}

static struct seen see(struct fixture *fixture, struct partition *partition, int64_t offset,
                       bool committed) {
    struct got got = {.read.done = on_read, .read.committed = committed};
    if (partition_read(partition, offset, -1, -1, 1 << 20, &got.read) == PENDING) {
        fixture->until_arg = &got;
        run_until(fixture, got_is_over);
    }
    struct seen seen = {.end = got.read.fetch.next_offset,
                        .stable = got.read.stable_offset,
                        .aborted = got.read.aborted_count,
                        .error = got.read.error};
    for (size_t i = 1; i < got.read.aborted_count; i++)
        assert_true(got.read.aborted[i - 1].first_offset < got.read.aborted[i].first_offset);
    partition_read_release(&got.read);
    return seen;
}

struct looked {
    struct partition_lookup lookup;
    bool over;
};

static void on_looked(struct partition_lookup *lookup) {
    ((struct looked *)lookup)->over = true;
}

static bool looked_is_over(struct fixture *fixture) {
    return ((struct looked *)fixture->until_arg)->over;
}

static kafka_offset look_up(struct fixture *fixture, struct partition *partition, int64_t timestamp,
                            bool committed) {
    struct looked looked = {.lookup.done = on_looked, .lookup.committed = committed};
    if (partition_lookup(partition, timestamp, -1, &looked.lookup) == PENDING) {
        fixture->until_arg = &looked;
        run_until(fixture, looked_is_over);
    }
    assert_int_equal(looked.lookup.error, KAFKA_NONE);
    return looked.lookup.offset;
}

/* A committed reader gets nothing of an open transaction, nor what is behind its first record; the
 * marker, which has an offset, uncovers it. */
static void test_transactions_hold_readers_back(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    write_plain(fixture, partition);
    assert_int_equal(write_in(fixture, partition, A, 0, 2), 1);
    write_plain(fixture, partition);
    assert_int_equal(partition_stable_offset(partition), 1);
    struct seen seen = see(fixture, partition, 0, true);
    assert_int_equal(seen.end, 1);
    assert_int_equal(seen.stable, 1);
    assert_int_equal(seen.aborted, 0);
    assert_int_equal(see(fixture, partition, 1, true).end, 1);
    seen = see(fixture, partition, 0, false);
    assert_int_equal(seen.end, 4);
    assert_int_equal(seen.stable, 1);
    assert_int_equal(look_up(fixture, partition, PARTITION_LATEST, true), 1);
    assert_int_equal(look_up(fixture, partition, PARTITION_LATEST, false), 4);
    assert_int_equal(look_up(fixture, partition, 1001, true), -1);
    assert_int_equal(look_up(fixture, partition, 1001, false), 1);
    assert_int_equal(end_of(fixture, partition, A, true), KAFKA_NONE);
    assert_int_equal(partition_high_watermark(partition), 5);
    seen = see(fixture, partition, 0, true);
    assert_int_equal(seen.end, 5);
    assert_int_equal(seen.aborted, 0);
    assert_int_equal(look_up(fixture, partition, PARTITION_LATEST, true), 5);
    assert_int_equal(look_up(fixture, partition, 1001, true), 1);
}

/* Interleaved, one is committed and one is aborted: who reads what the aborted one may have written
 * is told, who reads behind it is not. */
static void test_transactions_aborted_are_told(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    write_in(fixture, partition, A, 0, 1);                              /* 0 */
    write_in(fixture, partition, B, 0, 1);                              /* 1 */
    write_in(fixture, partition, A, 1, 1);                              /* 2 */
    assert_int_equal(end_of(fixture, partition, A, false), KAFKA_NONE); /* 3 */
    assert_int_equal(see(fixture, partition, 0, true).aborted, 1);
    assert_int_equal(see(fixture, partition, 0, true).end, 1);
    write_in(fixture, partition, B, 1, 1);                              /* 4 */
    assert_int_equal(end_of(fixture, partition, B, true), KAFKA_NONE);  /* 5 */
    write_in(fixture, partition, A, 2, 1);                              /* 6 */
    assert_int_equal(end_of(fixture, partition, A, false), KAFKA_NONE); /* 7 */
    struct seen seen = see(fixture, partition, 0, true);
    assert_int_equal(seen.end, 8);
    assert_int_equal(seen.aborted, 2);
    assert_int_equal(see(fixture, partition, 4, true).aborted, 1);
    assert_int_equal(see(fixture, partition, 7, true).aborted, 1);
    assert_int_equal(see(fixture, partition, 8, true).aborted, 0);
    assert_int_equal(see(fixture, partition, 0, false).aborted, 0);
}

/* A marker whose like is in flight waits for that one; one that was there is not there again; one
 * of an old coordinator is refused. */
static void test_transactions_markers_once(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    write_in(fixture, partition, A, 0, 1);
    struct ended first, second, gone;
    begin_end(partition, A, COORDINATOR, true, &first);
    begin_end(partition, A, COORDINATOR, true, &second);
    begin_end(partition, A, COORDINATOR, true, &gone);
    assert_false(first.over || second.over || gone.over);
    partition_marker_cancel(&gone.marker);
    fixture->until_arg = &second;
    run_until(fixture, ended_is_over);
    assert_true(first.over);
    assert_int_equal(first.error, KAFKA_NONE);
    assert_int_equal(second.error, KAFKA_NONE);
    assert_false(gone.over);
    assert_int_equal(end_of(fixture, partition, A, true), KAFKA_NONE);
    assert_int_equal(partition_high_watermark(partition), 2);
    begin_end(partition, A, COORDINATOR - 1, true, &first);
    assert_true(first.over);
    assert_int_equal(first.error, KAFKA_TRANSACTION_COORDINATOR_FENCED);
    begin_end(partition, A, COORDINATOR + 1, false, &first);
    fixture->until_arg = &first;
    run_until(fixture, ended_is_over);
    assert_int_equal(first.error, KAFKA_NONE);
    assert_int_equal(partition_high_watermark(partition), 3);
}

/* A marker is taken only in the term that was meant: one that was held up until this broker led
 * again would end the next transaction. */
static void test_transactions_markers_of_a_term(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    struct transaction_marker end = {
        .producer_id = A, .producer_epoch = 0, .coordinator_epoch = COORDINATOR, .commit = true};
    struct ended ended = {.marker.done = on_ended};
    int32_t term = (int32_t)partition_leader_epoch(partition);
    write_in(fixture, partition, A, 0, 1);
    assert_int_equal(
        partition_end_transaction(partition, &end, term - 1, false, &ended.marker, &ended.error),
        DONE);
    assert_int_equal(ended.error, KAFKA_FENCED_LEADER_EPOCH);
    assert_int_equal(
        partition_end_transaction(partition, &end, term + 1, false, &ended.marker, &ended.error),
        DONE);
    assert_int_equal(ended.error, KAFKA_UNKNOWN_LEADER_EPOCH);
    assert_int_equal(
        partition_end_transaction(partition, &end, term, false, &ended.marker, &ended.error),
        PENDING);
    fixture->until_arg = &ended;
    run_until(fixture, ended_is_over);
    assert_int_equal(ended.error, KAFKA_NONE);
    assert_int_equal(partition_high_watermark(partition), 2);
}

static uint64_t told_bytes;

static void on_moved(struct partition_waiter *waiter, uint64_t bytes, bool changed) {
    (void)waiter;
    (void)changed;
    told_bytes += bytes;
}

/* Committed readers are not woken by what they cannot read, and by the marker as by all that it
 * uncovers. */
static void test_transactions_wake_readers(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    struct partition_waiter waiter = {.moved = on_moved, .stable = true};
    partition_wait(partition, &waiter);
    write_plain(fixture, partition);
    uint64_t of_one = told_bytes;
    assert_true(of_one > 0);
    told_bytes = 0;
    write_in(fixture, partition, A, 0, 1);
    write_plain(fixture, partition);
    write_plain(fixture, partition);
    assert_int_equal(told_bytes, 0);
    assert_int_equal(end_of(fixture, partition, A, true), KAFKA_NONE);
    assert_int_equal(told_bytes, of_one * 3 + 78);
    partition_wait_cancel(&waiter);
    told_bytes = 0;
}

/* Nobody has a look at the time of a marker, and none is found for a time. */
static void test_transactions_markers_have_no_time(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    write_in(fixture, partition, A, 0, 1);
    assert_int_equal(end_of(fixture, partition, A, true), KAFKA_NONE);
    assert_int_equal(look_up(fixture, partition, 2000, false), -1); /* the marker is of today */
    assert_int_equal(look_up(fixture, partition, PARTITION_MAX_TIMESTAMP, false), 0);
}

static bool leads_again(struct fixture *fixture) {
    return partition_is_leading(fixture->nodes[0].partition);
}

/* What is open, and what was aborted, is known after a stop (by the snapshot) and a crash (by the
 * log), and what lies below the log's start is not. */
static void restart(struct fixture *fixture, bool clean) {
    fixture_start(fixture, 1);
    struct fixture_node *node = &fixture->nodes[0];
    write_in(fixture, node->partition, A, 0, 1);
    assert_int_equal(end_of(fixture, node->partition, A, false), KAFKA_NONE); /* 1 */
    write_in(fixture, node->partition, A, 1, 1);
    write_in(fixture, node->partition, B, 0, 1);
    assert_int_equal(end_of(fixture, node->partition, A, false), KAFKA_NONE); /* 4 */
    write_plain(fixture, node->partition);
    if (clean)
        node_stop(node);
    else
        node_close(node);
    node_open(node, false);
    run_until(fixture, leads_again);
    assert_int_equal(partition_stable_offset(node->partition), 3);
    assert_int_equal(see(fixture, node->partition, 0, true).aborted, 2);
    assert_int_equal(end_of(fixture, node->partition, B, true), KAFKA_NONE);
    assert_int_equal(partition_stable_offset(node->partition), 7);
    struct seen seen = see(fixture, node->partition, 0, true);
    assert_int_equal(seen.end, 7);
    assert_int_equal(seen.aborted, 2);
}

static void test_transactions_survive_a_stop(void **state) {
    restart(*state, true);
}

static void test_transactions_survive_a_crash(void **state) {
    restart(*state, false);
}

struct trimmed {
    struct partition_trim trim;
    bool over;
};

static void on_trim(struct partition_trim *trim) {
    ((struct trimmed *)trim)->over = true;
}

static bool trim_is_over(struct fixture *fixture) {
    return ((struct trimmed *)fixture->until_arg)->over;
}

static void trim_to(struct fixture *fixture, struct partition *partition, kafka_offset offset) {
    struct trimmed trimmed = {.trim.done = on_trim};
    if (partition_trim(partition, offset, &trimmed.trim) == PENDING) {
        fixture->until_arg = &trimmed;
        run_until(fixture, trim_is_over);
    }
    assert_int_equal(trimmed.trim.error, KAFKA_NONE);
}

/* The log's start passes what was aborted, which is forgotten, and an open transaction, which is
 * not: then nothing is stable above the start. */
static void test_transactions_and_the_logs_start(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    write_in(fixture, partition, A, 0, 1);
    assert_int_equal(end_of(fixture, partition, A, false), KAFKA_NONE); /* 1 */
    write_in(fixture, partition, B, 0, 3);                              /* 2 to 4 */
    trim_to(fixture, partition, 1);
    assert_int_equal(see(fixture, partition, 1, true).aborted, 1);
    trim_to(fixture, partition, 3);
    assert_int_equal(producer_state_aborted(partition_producers(partition))->count, 0);
    assert_int_equal(partition_stable_offset(partition), 3);
    assert_int_equal(see(fixture, partition, 3, true).end, 3);
    assert_int_equal(end_of(fixture, partition, B, false), KAFKA_NONE);
    struct seen seen = see(fixture, partition, 3, true);
    assert_int_equal(seen.end, 6);
    assert_int_equal(seen.aborted, 1);
}

static bool all_agree(struct fixture *fixture) {
    struct slice leaders = partition_applied_state(fixture_leader(fixture)->partition);
    bool agree = true;
    for (int i = 0; i < fixture->node_count; i++) {
        struct slice other = partition_applied_state(fixture->nodes[i].partition);
        agree = agree && other.len == leaders.len &&
                memcmp(other.data, leaders.data, leaders.len) == 0;
        slice_unref(&other);
    }
    slice_unref(&leaders);
    return agree;
}

static bool somebody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

/* Every replica knows the same, and so does the next leader. */
static void test_transactions_are_replicated(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 3);
    struct fixture_node *leader = fixture_leader(fixture);
    write_in(fixture, leader->partition, A, 0, 1);
    write_in(fixture, leader->partition, B, 0, 1);
    assert_int_equal(end_of(fixture, leader->partition, B, false), KAFKA_NONE);
    run_until(fixture, all_agree);
    node_close(leader);
    run_until(fixture, somebody_leads);
    struct partition *partition = fixture_leader(fixture)->partition;
    assert_int_equal(partition_stable_offset(partition), 0);
    assert_int_equal(end_of(fixture, partition, A, true), KAFKA_NONE);
    struct seen seen = see(fixture, partition, 0, true);
    assert_int_equal(seen.end, 4);
    assert_int_equal(seen.aborted, 1);
}

/* A marker goes in where records do not for lack of replicas in sync, and ends with the lead. */
static void test_transactions_markers_without_insync(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.min_insync_replicas = 3;
    fixture_start(fixture, 3);
    struct fixture_node *leader = fixture_leader(fixture);
    write_in(fixture, leader->partition, A, 0, 1);
    for (int i = 0; i < 3; i++)
        if (&fixture->nodes[i] != leader) {
            node_close(&fixture->nodes[i]);
            break;
        }
    assert_int_equal(end_of(fixture, leader->partition, A, true), KAFKA_NONE);
    struct ended lost;
    begin_end(leader->partition, B, COORDINATOR, true, &lost);
    assert_false(lost.over);
    partition_close(leader->partition, false);
    assert_true(lost.over);
    assert_int_equal(lost.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    check_pool_free(leader->checks);
    shard_close(leader->shard);
    log_store_close(leader->store);
    leader->open = false;
}

/* While no majority takes anything, who sends markers and goes away adds no more to what waits than
 * is allowed: one of each producer, and of many producers MOST_WAITS in all. Records that wait keep
 * out none of them. */
static void test_transactions_markers_while_a_majority_stalls(void **state) {
    enum { ATTEMPTS = 1000, PRODUCERS = 19000, BATCHES = 40, MARKER = 78, MOST_WAITS = 9 << 20 };
    struct fixture *fixture = *state;
    fixture->options.group_uncommitted_bytes = 1 << 20;
    fixture->options.election_timeout_ms = 10000;
    fixture->settings.store_lz4 = false;
    fixture_start(fixture, 3);
    struct fixture_node *leader = fixture_leader(fixture);
    struct partition *partition = leader->partition;
    for (int i = 0; i < 3; i++)
        if (&fixture->nodes[i] != leader) node_close(&fixture->nodes[i]);
    static struct sent sent[BATCHES];
    struct record_batch_options options = options_of(-1, -1, -1);
    for (int i = 0; i < BATCHES; i++) {
        send_batch(partition, make_batch(&options, 1, 400000, 1), &sent[i]);
        if (i % 4 == 3) run_ms(fixture, 1); /* the group takes what it does */
    }
    assert_int_equal(sent[BATCHES - 1].produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
    uint64_t records = partition->queue.bytes;
    struct ended ended;
    for (int i = 0; i < ATTEMPTS; i++) {
        begin_end(partition, A, COORDINATOR + i, true, &ended);
        assert_int_equal(ended.over, i > 0);
        assert_int_equal(ended.error, i > 0 ? KAFKA_NOT_ENOUGH_REPLICAS : KAFKA_NONE);
        if (!ended.over) partition_marker_cancel(&ended.marker);
    }
    assert_int_equal(partition->queue.bytes, records + MARKER);
    for (int i = 0; i < PRODUCERS; i++) {
        begin_end(partition, B + i, COORDINATOR, true, &ended);
        if (!ended.over) partition_marker_cancel(&ended.marker);
    }
    assert_int_equal(ended.error, KAFKA_NOT_ENOUGH_REPLICAS);
    assert_in_range(partition->queue.bytes, MOST_WAITS, MOST_WAITS + MARKER);
    for (int i = 0; i < BATCHES; i++) {
        if (!sent[i].over) partition_produce_cancel(&sent[i].produce);
        sent_free(&sent[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_transactions_hold_readers_back),
        TEST(test_transactions_aborted_are_told),
        TEST(test_transactions_markers_once),
        TEST(test_transactions_markers_of_a_term),
        TEST(test_transactions_wake_readers),
        TEST(test_transactions_markers_have_no_time),
        TEST(test_transactions_survive_a_stop),
        TEST(test_transactions_survive_a_crash),
        TEST(test_transactions_and_the_logs_start),
        TEST(test_transactions_are_replicated),
        TEST(test_transactions_markers_without_insync),
        TEST(test_transactions_markers_while_a_majority_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
