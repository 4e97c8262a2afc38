/* Batches of transactions: nothing is appended before the coordinator has said that the partition
 * takes part, in the order in which it came, and not behind the end of the transaction. */
#include <string.h>

#include "base/container_of.h"
#include "broker/partition/partition_internal.h"
#include "broker/partition/partition_marker.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { A = 11, B = 12, COORDINATOR = 3 };

static struct partition *start(struct fixture *fixture) {
    fixture_start(fixture, 1);
    return fixture->nodes[0].partition;
}

struct ended {
    struct partition_marker marker;
    bool over;
    int16_t error;
};

static void on_ended(struct partition_marker *marker, int16_t error) {
    struct ended *ended = CONTAINER_OF(marker, struct ended, marker);
    ended->over = true;
    ended->error = error;
}

static bool ended_is_over(struct fixture *fixture) {
    return ((struct ended *)fixture->until_arg)->over;
}

static void end_transaction(struct fixture *fixture, struct partition *partition, int64_t id,
                            int16_t epoch, bool raises_epoch) {
    struct transaction_marker end = {.producer_id = id,
                                     .producer_epoch = epoch,
                                     .coordinator_epoch = COORDINATOR,
                                     .commit = true};
    struct ended ended = {.marker.done = on_ended};
    ended.over = partition_end_transaction(partition, &end, -1, raises_epoch, &ended.marker,
                                           &ended.error) == DONE;
    fixture->until_arg = &ended;
    run_until(fixture, ended_is_over);
    assert_int_equal(ended.error, KAFKA_NONE);
}

static void assert_sent(struct fixture *fixture, struct sent *sent, int16_t error, int64_t offset) {
    run_until_over(fixture, sent);
    assert_int_equal(sent->produce.error, error);
    assert_int_equal(sent->produce.base_offset, offset);
    sent_free(sent);
}

/* One question for the first batch; what comes behind it waits, and is appended behind it; then the
 * transaction is open, and nobody asks. After its end somebody does again. */
static void test_guard_asks_once(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture);
    struct sent first, second, other, third, again;
    send_in_transaction(partition, A, 0, 0, 9, &first);
    send_in_transaction(partition, A, 0, 1, 9, &second);
    send_plain(partition, &other);
    assert_sent(fixture, &other, KAFKA_NONE, 0);
    assert_false(first.over || second.over);
    assert_true(kp_string_is(fixture->asked->id, "id"));
    assert_true(kp_string_is(fixture->asked->topic, "orders"));
    assert_int_equal(fixture->asked->partition, 3);
    assert_null(fixture->asked->next);
    answer_question(fixture, KAFKA_NONE);
    assert_sent(fixture, &first, KAFKA_NONE, 1);
    assert_sent(fixture, &second, KAFKA_NONE, 2);
    send_in_transaction(partition, A, 0, 2, 9, &third);
    assert_null(fixture->asked);
    assert_sent(fixture, &third, KAFKA_NONE, 3);
    end_transaction(fixture, partition, A, 0, false); /* 4 */
    send_in_transaction(partition, A, 0, 2, 9, &again);
    assert_sent(fixture, &again, KAFKA_NONE, 3); /* it came before: opens nothing, asks nobody */
    send_in_transaction(partition, A, 0, 3, 9, &again);
    answer_question(fixture, KAFKA_NONE);
    assert_sent(fixture, &again, KAFKA_NONE, 5);
}

/* What the coordinator says, as clients of each version know it; nothing of it is appended, and
 * what is behind it is refused, too. */
static void test_guard_refusals(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture);
    static const struct {
        int16_t answer, v10, v11, v12;
    } rows[] = {
        {KAFKA_PRODUCER_FENCED, KAFKA_INVALID_PRODUCER_EPOCH, KAFKA_INVALID_PRODUCER_EPOCH,
         KAFKA_INVALID_PRODUCER_EPOCH},
        {KAFKA_TRANSACTION_ABORTABLE, KAFKA_INVALID_TXN_STATE, KAFKA_TRANSACTION_ABORTABLE,
         KAFKA_TRANSACTION_ABORTABLE},
        {KAFKA_COORDINATOR_NOT_AVAILABLE, KAFKA_NOT_ENOUGH_REPLICAS, KAFKA_NOT_ENOUGH_REPLICAS,
         KAFKA_NOT_ENOUGH_REPLICAS},
        {KAFKA_CONCURRENT_TRANSACTIONS, KAFKA_NOT_ENOUGH_REPLICAS, KAFKA_NOT_ENOUGH_REPLICAS,
         KAFKA_CONCURRENT_TRANSACTIONS},
        {KAFKA_INVALID_PRODUCER_ID_MAPPING, KAFKA_INVALID_PRODUCER_ID_MAPPING,
         KAFKA_INVALID_PRODUCER_ID_MAPPING, KAFKA_INVALID_PRODUCER_ID_MAPPING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int16_t wanted[] = {rows[i].v10, rows[i].v11, rows[i].v12};
        for (int v = 0; v < 3; v++) {
            struct sent first, second;
            int64_t id = A + (int64_t)i * 10 + v;
            send_in_transaction(partition, id, 0, 0, 10 + v, &first);
            send_in_transaction(partition, id, 0, 1, 10 + v, &second);
            assert_int_equal(fixture->asked->adds, v == 2);
            answer_question(fixture, rows[i].answer);
            assert_true(first.over && second.over);
            assert_sent(fixture, &first, wanted[v], -1);
            assert_sent(fixture, &second, wanted[v], -1);
        }
    }
    assert_int_equal(partition_high_watermark(partition), 0);
}

/* KAFKA-14884: the end of the transaction comes while the coordinator's "yes" is on its way. */
static void test_guard_marker_between(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture);
    struct sent late, next;
    send_in_transaction(partition, A, 0, 0, 9, &late);
    end_transaction(fixture, partition, A, 0, false); /* 0 */
    answer_question(fixture, KAFKA_NONE);
    assert_false(late.over);
    answer_question(fixture, KAFKA_TRANSACTION_ABORTABLE);
    assert_sent(fixture, &late, KAFKA_INVALID_TXN_STATE, -1);
    assert_int_equal(partition_high_watermark(partition), 1);
    /* with an epoch for each transaction that end is the one of the transaction before */
    send_in_transaction(partition, B, 5, 0, 12, &next);
    end_transaction(fixture, partition, B, 5, true);
    answer_question(fixture, KAFKA_NONE);
    assert_sent(fixture, &next, KAFKA_NONE, 2);
    assert_null(fixture->asked);
}

static void invite(struct partition *partition, int32_t leader_epoch) {
    struct producer_invitation invitation = {
        .producer_id = A, .epoch = 0, .coordinator_epoch = COORDINATOR, .id = "id", .id_len = 2};
    partition_invite(partition, &invitation, leader_epoch);
}

/* Who was invited is not asked for, until the transaction ends; nor with an invitation to another
 * leader. */
static void test_guard_invited(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture);
    struct sent sent;
    int32_t epoch = (int32_t)partition_leader_epoch(partition);
    send_in_transaction(partition, A, 0, 0, 9, &sent);
    answer_question(fixture, KAFKA_NONE);
    assert_sent(fixture, &sent, KAFKA_NONE, 0);
    end_transaction(fixture, partition, A, 0, false); /* 1 */
    invite(partition, epoch);
    send_in_transaction(partition, A, 0, 1, 9, &sent);
    assert_null(fixture->asked);
    assert_sent(fixture, &sent, KAFKA_NONE, 2);
    end_transaction(fixture, partition, A, 0, false); /* 3 */
    invite(partition, epoch);
    end_transaction(fixture, partition, A, 0, false); /* it had begun nothing here */
    send_in_transaction(partition, A, 0, 2, 9, &sent);
    assert_non_null(fixture->asked);
    answer_question(fixture, KAFKA_TRANSACTION_ABORTABLE);
    assert_sent(fixture, &sent, KAFKA_INVALID_TXN_STATE, -1);
    invite(partition, epoch + 1);
    send_in_transaction(partition, A, 0, 2, 9, &sent);
    assert_non_null(fixture->asked);
    answer_question(fixture, KAFKA_NONE);
    assert_sent(fixture, &sent, KAFKA_NONE, 4);
}

/* Without a transactional.id in the request, or a producer id in the batch, there is no transaction
 * that it could be part of. */
static void test_guard_batches_of_none(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture);
    struct record_batch_options options = options_of(A, 0, 0);
    struct sent sent;
    options.transactional = true;
    send_batch(partition, make_batch(&options, 1, 10, 1000), &sent);
    assert_sent(fixture, &sent, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1);
    send_in_transaction(partition, -1, -1, -1, 9, &sent);
    assert_sent(fixture, &sent, KAFKA_INVALID_RECORD, -1);
    assert_null(fixture->asked);
}

/* The time of one is over, another one's client goes: the answer is for those that are left. */
static void test_guard_ends_early(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture);
    struct sent late, gone, last, alone;
    send_in_transaction(partition, A, 0, 0, 9, &late);
    send_in_transaction(partition, B, 0, 0, 9, &gone);
    send_in_transaction(partition, A, 0, 1, 9, &last);
    partition_produce_cancel(&gone.produce);
    assert_null(fixture->asked->next);
    partition_produce_time_out(&late.produce);
    assert_sent(fixture, &late, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    answer_question(fixture, KAFKA_NONE);
    assert_sent(fixture, &last, KAFKA_NOT_ENOUGH_REPLICAS, -1); /* its turn has not come */
    assert_false(gone.over);
    sent_free(&gone);
    send_in_transaction(partition, A, 0, 0, 9, &alone);
    partition_produce_cancel(&alone.produce);
    assert_null(fixture->asked);
    sent_free(&alone);
}

/* With the lead what waits ends: an answer is good for one term only. */
static void test_guard_lost_lead(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture);
    struct sent sent;
    send_in_transaction(partition, A, 0, 0, 9, &sent);
    assert_false(sent.over);
    node_close(&fixture->nodes[0]);
    assert_true(sent.over);
    assert_int_equal(sent.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_null(fixture->asked);
    sent_free(&sent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_guard_asks_once),      TEST(test_guard_refusals),
        TEST(test_guard_marker_between), TEST(test_guard_batches_of_none),
        TEST(test_guard_ends_early),     TEST(test_guard_lost_lead),
        TEST(test_guard_invited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
