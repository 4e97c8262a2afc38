/* A partition with three voters: leaders that come and go while clients wait, and what a majority that is missing means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixture_partitions.h"
#include "protocol/kafka_error.h"

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

/* Without a majority nothing is acknowledged; the produce that waits ends with NOT_LEADER_OR_FOLLOWER and no offset, and when the
 * same batch comes again to the next leader it is stored once, whether the first one survived or not. */
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

/* What the old leader appended alone is gone; a batch that follows it in the sequence is refused by the next leader. */
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
    assert_true(behind.over);
    assert_int_equal(behind.produce.error, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    sent_free(&first), sent_free(&lost), sent_free(&behind);
}

/* The time of a client that waits for a majority ends with REQUEST_TIMED_OUT: it may commit later, and here it does, once. */
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
    if (retry.produce.error == KAFKA_NONE) { /* else leadership was lost before the others were back */
        assert_int_equal(retry.produce.base_offset, 0);
        assert_int_equal(partition_high_watermark(partition), 1);
    }
    sent_free(&waits), sent_free(&retry);
}

/* When too much waits for a majority produce is refused before it is appended: first the batch that is too much, then, without a gap, what
 * its producer sends behind it. After a client's time is over what was never sent to anybody is withdrawn. */
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
    partition_produce_time_out(&sent[accepted - 1].produce);
    assert_int_equal(sent[accepted - 1].produce.error, KAFKA_NOT_ENOUGH_REPLICAS);
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

/* Above the number of replicas it means all of them, as in Kafka 4: the topic is not one that nobody can write to. */
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

/* A leader that lost its majority answers neither "latest" nor "out of range", and wakes who waits for it. */
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
    assert_true(partition_lookup(partition, PARTITION_LATEST, -1, &asked));
    assert_int_equal(asked.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(asked.offset, -1);
    struct sent sent;
    send_plain(partition, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    sent_free(&sent);
    partition_wait_cancel(&waiter);
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
        TEST(test_leadership_deposed_leader_answers_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
