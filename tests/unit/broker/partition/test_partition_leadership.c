/* A partition with three voters: leaders that come and go while clients wait, and what a majority
 * that is missing means. */
#include <string.h>

#include "broker/producer/producer_state.h"
#include "protocol/kafka_error.h"
#include "storage/little_endian.h"
#include "tests/batches/producer_bytes.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

static struct partition *start_three(struct fixture *fixture) {
    fixture_start(fixture, 3);
    return fixture_leader(fixture)->partition;
}

static void close_followers(struct fixture *fixture) {
    const struct fixture_node *leader = fixture_leader(fixture);
    for (int i = 0; i < 3; i++) {
        if (&fixture->nodes[i] != leader) node_close(&fixture->nodes[i]);
    }
}

static void reopen_closed(struct fixture *fixture) {
    for (int i = 0; i < 3; i++) {
        if (!fixture->nodes[i].open) node_open(&fixture->nodes[i], false);
    }
}

static bool nobody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) == NULL;
}

static bool somebody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

static bool all_in_sync(struct fixture *fixture) {
    struct fixture_node *leader = fixture_leader(fixture);
    return leader != NULL && partition_in_sync_count(leader->partition) == 3;
}

/* Without a majority nothing is acknowledged; the produce that waits ends with
 * NOT_LEADER_OR_FOLLOWER and no offset, and when the same batch comes again to the next leader it
 * is stored once, whether the first one survived or not. */
static void test_leadership_lost_while_a_produce_waits(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_three(fixture);
    struct sent first, waits, again;
    send_numbered(partition, 4, 0, 0, &first);
    run_until_over(fixture, &first);
    assert_int_equal(first.produce.error, KAFKA_NONE);
    close_followers(fixture);
    send_numbered(partition, 4, 0, 1, &waits);
    run_until_over(fixture, &waits);
    assert_int_equal(waits.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(waits.produce.base_offset, -1);
    assert_int_equal(partition_high_watermark(partition), 1);
    struct got got;
    read_from(fixture, partition, 0, 100, &got);
    assert_int_equal(got.read.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(got.read.high_watermark, -1);
    assert_int_equal(got.read.start_offset, -1);

    reopen_closed(fixture);
    run_until(fixture, somebody_leads);
    partition = fixture_leader(fixture)->partition;
    send_numbered(partition, 4, 0, 1, &again);
    if (!again.over) run_until_over(fixture, &again);
    assert_int_equal(again.produce.error, KAFKA_NONE);
    assert_int_equal(again.produce.base_offset, 1);
    assert_int_equal(partition_high_watermark(partition), 2);
    sent_free(&first), sent_free(&waits), sent_free(&again);
}

/* What the old leader appended alone is gone; a batch that follows it in the sequence is refused by
 * the next leader. */
static void test_leadership_next_leader_knows_only_what_committed(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_three(fixture);
    struct sent first, lost, behind;
    send_numbered(partition, 4, 0, 0, &first);
    run_until_over(fixture, &first);
    struct fixture_node *old = fixture_leader(fixture);
    close_followers(fixture);
    send_numbered(partition, 4, 0, 1, &lost);
    run_until_over(fixture, &lost);
    node_close(old);
    for (int i = 0; i < 3; i++) {
        if (&fixture->nodes[i] != old) node_open(&fixture->nodes[i], false);
    }
    run_until(fixture, somebody_leads);
    partition = fixture_leader(fixture)->partition;
    send_numbered(partition, 4, 0, 2, &behind);
    run_until_over(fixture, &behind); /* a majority confirms the leader first */
    assert_int_equal(behind.produce.error, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    sent_free(&first), sent_free(&lost), sent_free(&behind);
}

/* The time of a client that waits for a majority ends with REQUEST_TIMED_OUT: it may commit later,
 * and here it does, once. */
static void test_leadership_time_over_while_a_produce_waits(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_three(fixture);
    struct sent waits, retry;
    close_followers(fixture);
    send_numbered(partition, 4, 0, 0, &waits);
    run_ms(fixture, 20);
    assert_false(waits.over);
    partition_produce_time_out(&waits.produce);
    assert_true(waits.over);
    assert_int_equal(waits.produce.error, KAFKA_REQUEST_TIMED_OUT);
    assert_int_equal(waits.produce.base_offset, -1);
    reopen_closed(fixture);
    send_numbered(partition, 4, 0, 0, &retry);
    run_until_over(fixture, &retry);
    if (retry.produce.error ==
        KAFKA_NONE) { /* else leadership was lost before the others were back */
        assert_int_equal(retry.produce.base_offset, 0);
        assert_int_equal(partition_high_watermark(partition), 1);
    }
    sent_free(&waits), sent_free(&retry);
}

static struct sent behind_withdrawn;

static void send_again(struct partition_produce *produce, const struct produce_refusal *refusal) {
    (void)refusal;
    send_plain(produce->partition, &behind_withdrawn);
}

/* When too much waits for a majority produce is refused before it is appended: first the batch that
 * is too much, then, without a gap, what its producer sends behind it. After a client's time is
 * over what was never sent to anybody is withdrawn. */
static void test_leadership_refuses_when_too_much_waits(void **state) {
    struct fixture *fixture = *state;
    fixture->options.group_uncommitted_bytes = 1 << 20;
    fixture->options.election_timeout_ms = 3000;
    fixture->settings.store_lz4 = false;
    struct partition *partition = start_three(fixture);
    static struct sent sent[40];
    close_followers(fixture);
    struct record_batch_options options = options_of(4, 0, 0);
    int accepted = 0, i;
    for (i = 0; i < 40; i++) {
        options.base_sequence = i;
        send_batch(partition, make_batch(&options, 1, 400000, 1), &sent[i]);
        accepted += !sent[i].over;
        if (i % 4 == 3) run_ms(fixture, 1);
    }
    assert_true(partition_is_congested(partition));
    assert_in_range(accepted, 10, 30);
    for (i = accepted; i < 40; i++) {
        assert_true(sent[i].at_once);
        assert_int_equal(sent[i].produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
        assert_int_equal(sent[i].produce.base_offset, -1);
    }
    /* What comes while they are told is not withdrawn. */
    sent[accepted - 1].produce.done = send_again;
    partition_produce_time_out(&sent[accepted - 1].produce);
    sent[accepted - 1].over = true;
    assert_int_equal(sent[accepted - 1].produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
    assert_false(behind_withdrawn.over);
    partition_produce_cancel(&behind_withdrawn.produce);
    sent_free(&behind_withdrawn);
    assert_false(partition_is_congested(partition));
    int in_flight = 0;
    while (in_flight < accepted && !sent[in_flight].over)
        in_flight++;
    assert_in_range(in_flight, 1, accepted - 2);
    /* The first withdrawn one may come again, and one behind it may not yet. */
    struct sent behind, next;
    send_numbered(partition, 4, 0, in_flight + 1, &behind);
    assert_int_equal(behind.produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
    send_numbered(partition, 4, 0, in_flight, &next);
    assert_false(next.over);
    for (i = 0; i < 40; i++) {
        if (!sent[i].over) partition_produce_cancel(&sent[i].produce);
        sent_free(&sent[i]);
    }
    partition_produce_cancel(&next.produce);
    sent_free(&behind), sent_free(&next);
}

/* min.insync.replicas above what is in sync refuses produce before the append. */
static void test_leadership_min_insync_replicas(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.min_insync_replicas = 3;
    struct partition *partition = start_three(fixture);
    struct sent sent;
    run_until(fixture, all_in_sync);
    send_plain(partition, &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
    struct fixture_node *leader = fixture_leader(fixture);
    node_close(&fixture->nodes[leader->id % 3]);
    run_ms(fixture, 50);
    send_plain(partition, &sent);
    assert_true(sent.over);
    assert_int_equal(sent.produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
    assert_non_null(strstr(sent.refusal.why.text, "min.insync.replicas is 3"));
    sent_free(&sent);
}

/* Above the number of replicas it means all of them, as in Kafka 4: the topic is not one that
 * nobody can write to. */
static void test_leadership_min_insync_above_the_replicas(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.min_insync_replicas = 9;
    struct partition *partition = start_three(fixture);
    struct sent sent;
    run_until(fixture, all_in_sync);
    send_plain(partition, &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

static unsigned changes;

static void on_moved(struct partition_waiter *waiter, uint64_t bytes, bool changed) {
    (void)waiter;
    (void)bytes;
    changes += changed;
}

static void ignore(struct partition_lookup *lookup) {
    (void)lookup;
}

/* A leader that lost its majority answers neither "latest" nor "out of range", and wakes who waits
 * for it. */
static void test_leadership_deposed_leader_answers_nothing(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_three(fixture);
    struct partition_waiter waiter = {.moved = on_moved};
    changes = 0;
    close_followers(fixture);
    partition_wait(partition, &waiter);
    struct got got;
    read_from(fixture, partition, 1000, 100, &got);
    assert_int_equal(got.read.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(got.read.high_watermark, -1);
    run_until(fixture, nobody_leads);
    assert_true(changes >= 1);
    struct partition_lookup asked = {.done = ignore};
    assert_int_equal(partition_lookup(partition, PARTITION_LATEST, -1, &asked), DONE);
    assert_int_equal(asked.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(asked.offset, -1);
    struct sent sent;
    send_plain(partition, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    sent_free(&sent);
    partition_wait_cancel(&waiter);
}

/* A leader that has lost its majority judges nobody by what it remembers: a gap, an old epoch, a
 * producer that it does not know. What has committed is true whoever says it. */
static void test_leadership_deposed_leader_judges_nobody(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_three(fixture);
    struct sent first, again, held[3];
    send_numbered(partition, 4, 2, 0, &first);
    run_until_over(fixture, &first);
    assert_int_equal(first.produce.error, KAFKA_NONE);
    close_followers(fixture);
    send_numbered(partition, 4, 2, 7, &held[0]); /* it has gone on with another leader */
    send_numbered(partition, 4, 1, 1, &held[1]);
    send_numbered(partition, 5, 0, 3, &held[2]);
    send_numbered(partition, 4, 2, 0, &again);
    assert_true(again.over);
    assert_int_equal(again.produce.error, KAFKA_NONE);
    assert_int_equal(again.produce.base_offset, 0);
    assert_false(held[0].over || held[1].over || held[2].over);
    for (int i = 0; i < 3; i++) {
        if (!held[i].over) run_until_over(fixture, &held[i]);
        assert_int_equal(held[i].produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
        sent_free(&held[i]);
    }
    sent_free(&first), sent_free(&again);
}

/* While a verdict is held the client's time may end, the client may go, the partition may close. */
static void test_leadership_verdict_is_let_go(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_three(fixture);
    struct sent first, timed, gone, closed;
    send_numbered(partition, 4, 0, 0, &first);
    run_until_over(fixture, &first);
    close_followers(fixture);
    send_numbered(partition, 4, 0, 7, &timed);
    send_numbered(partition, 4, 0, 8, &gone);
    send_numbered(partition, 4, 0, 9, &closed);
    partition_produce_time_out(&timed.produce);
    assert_true(timed.over);
    assert_int_equal(timed.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    partition_produce_cancel(&gone.produce);
    assert_false(gone.over);
    node_close(fixture_leader(fixture));
    assert_true(closed.over);
    assert_int_equal(closed.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    sent_free(&first), sent_free(&timed), sent_free(&gone), sent_free(&closed);
}

/* Of the snapshot, and of its first applier; where the length of that stands (appliers.c). */
enum { SNAPSHOT_HEADS = 20, AT_FIRST_LEN = 16 };

static size_t known_producers(struct fixture_node *node, struct slice *bytes) {
    struct producer_state *state = producer_state_new(
        &(struct producer_state_options){.max_producers = 10});
    *bytes = partition_applied_state(node->partition);
    assert_int_equal(producer_bytes_take(state, bytes->data + SNAPSHOT_HEADS,
                                         le_get_u32(bytes->data + AT_FIRST_LEN)),
                     ERR_NONE);
    size_t count = producer_state_count(state);
    producer_state_free(state);
    return count;
}

/* Whether each replica knows so many, and all the same of them. */
static size_t expected;
static bool all_know_as_many(struct fixture *fixture) {
    struct slice first, other;
    bool same = known_producers(&fixture->nodes[0], &first) == expected;
    for (int i = 1; i < 3; i++) {
        known_producers(&fixture->nodes[i], &other);
        same = same && first.len == other.len && memcmp(first.data, other.data, first.len) == 0;
        slice_unref(&other);
    }
    slice_unref(&first);
    return same;
}

/* A producer is forgotten when it was not heard for an expiration, on every replica by the same
 * entry of the log, which takes no offset. */
static void test_leadership_forgets_by_the_log(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.producer_expiration_ms = 1000;
    fixture->settings.max_producers = 1;
    struct partition *partition = start_three(fixture);
    struct sent first, crowded, behind, later;
    uint64_t before_ms = env_now_ms(fixture->env);
    send_numbered(partition, 4, 0, 0, &first);
    run_until_over(fixture, &first);
    expected = 1;
    run_until(fixture, all_know_as_many);
    send_numbered(partition, 5, 0, 0, &crowded);
    assert_true(crowded.over);
    assert_int_equal(crowded.produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
    assert_non_null(strstr(crowded.refusal.why.text, "partition.max.producers"));
    send_numbered(partition, 5, 0, 1, &behind);
    assert_int_equal(behind.produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
    expected = 0;
    run_until(fixture, all_know_as_many);
    assert_true(env_now_ms(fixture->env) - before_ms >= 1000);
    partition = fixture_leader(fixture)->partition;
    send_numbered(partition, 5, 0, 0, &later);
    run_until_over(fixture, &later);
    assert_int_equal(later.produce.error, KAFKA_NONE);
    assert_int_equal(later.produce.base_offset, 1);
    sent_free(&first), sent_free(&crowded), sent_free(&behind), sent_free(&later);
}

/* While it is copied to another broker a lone replica takes records, whatever min.insync.replicas
 * says: the newcomer does not vote yet. */
static void test_leadership_min_insync_with_a_newcomer(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.min_insync_replicas = 2;
    fixture_start(fixture, 1);
    struct partition *partition = fixture_leader(fixture)->partition;
    static const struct raft_group_member members[] = {{10, 1, true}, {11, 2, false}};
    partition_set_members(partition, members, 2);
    assert_int_equal(partition_in_sync_wanted(partition), 1);
    struct sent sent;
    send_numbered(partition, 4, 0, 0, &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_leadership_lost_while_a_produce_waits),
        TEST(test_leadership_next_leader_knows_only_what_committed),
        TEST(test_leadership_time_over_while_a_produce_waits),
        TEST(test_leadership_refuses_when_too_much_waits),
        TEST(test_leadership_min_insync_replicas),
        TEST(test_leadership_min_insync_above_the_replicas),
        TEST(test_leadership_min_insync_with_a_newcomer),
        TEST(test_leadership_deposed_leader_answers_nothing),
        TEST(test_leadership_deposed_leader_judges_nobody),
        TEST(test_leadership_verdict_is_let_go),
        TEST(test_leadership_forgets_by_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
