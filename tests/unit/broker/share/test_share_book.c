/* What becomes of deliveries, counted for their group. */
#include "broker/share/share_book.h"

#include "broker/share/shares.h"
#include "tests/unit/unit.h"

static const struct share_limits limits = {.lock_ms = 1000,
                                           .locks = 100,
                                           .deliveries = 2,
                                           .window = 1000,
                                           .ranges = 100};

/* A share of which only the queue is used. */
static void join(struct share *share, struct share_book *book, const char *group) {
    *share = (struct share){.group = kp_string_of(group)};
    share_state_open(&share->state, 0);
    share_queue_open(&share->queue, &share->state);
    share_book_join(book, share);
}

static void leave(struct share *share, struct share_book *book) {
    share_book_leave(book, share);
    share_queue_close(&share->queue);
    share_state_close(&share->state);
}

static void acquire(struct share *share, kafka_offset first, kafka_offset last, uint64_t now_ms) {
    struct offset_ranges given = {.size = sizeof(struct share_range)};
    assert_int_equal(
        share_queue_acquire(&share->queue, &limits, first, last, UINT64_MAX, 1, now_ms, &given),
        last - first + 1);
    offset_ranges_free(&given);
}

static void commit(struct share *share, struct offset_ranges *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct share_range *range = offset_ranges_at(outcomes, i);
        share_state_set(&share->state, range);
        share_queue_committed(&share->queue, range);
    }
    offset_ranges_free(outcomes);
}

static void acknowledge(struct share *share, kafka_offset first, kafka_offset last, int8_t type) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    const struct share_ack ack = {.at = {first, last}, .types = &type, .type_count = 1};
    assert_int_equal(share_queue_acknowledge(&share->queue, &limits, &ack, 1, 1, 0, &outcomes), 0);
    commit(share, &outcomes);
}

static void expire(struct share *share) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    share_queue_expire(&share->queue, &limits, UINT64_MAX, &outcomes);
    commit(share, &outcomes);
}

/* Each end has its count; what was given too often counts once more; gaps and renewals are none. */
static void test_ends_are_counted(void **state) {
    (void)state;
    struct share_book book = {.runs = 0};
    struct share share;
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    join(&share, &book, "g");
    const struct share_flow *flow = &share.tally->flow;
    acquire(&share, 0, 19, 0);
    acknowledge(&share, 0, 4, SHARE_ACK_ACCEPT);
    acknowledge(&share, 5, 6, SHARE_ACK_REJECT);
    acknowledge(&share, 7, 7, SHARE_ACK_GAP);
    acknowledge(&share, 8, 10, SHARE_ACK_RELEASE);
    assert_int_equal(flow->accepted, 5);
    assert_int_equal(flow->rejected, 2);
    assert_int_equal(flow->released, 3);
    expire(&share);
    assert_int_equal(flow->timed_out, 9);
    assert_int_equal(flow->exhausted, 0);
    acquire(&share, 8, 8, 0);
    expire(&share);
    assert_int_equal(flow->timed_out, 10);
    assert_int_equal(flow->exhausted, 1);
    acquire(&share, 9, 9, 0);
    share_queue_release(&share.queue, &limits, 1, &outcomes);
    commit(&share, &outcomes);
    assert_int_equal(flow->released, 4);
    assert_int_equal(flow->exhausted, 2);
    leave(&share, &book);
    assert_null(book.tallies);
}

/* What was given before and may be given again, and how often the worst one was. */
static void test_retries(void **state) {
    (void)state;
    struct share_book book = {.runs = 0};
    struct share share;
    uint16_t most;
    join(&share, &book, "g");
    assert_int_equal(share_queue_retried(&share.queue, &most), 0);
    assert_int_equal(most, 0);
    acquire(&share, 0, 9, 0);
    assert_int_equal(share_queue_retried(&share.queue, &most), 0);
    assert_int_equal(most, 1);
    expire(&share);
    assert_int_equal(share_queue_retried(&share.queue, &most), 10);
    acquire(&share, 0, 0, 0);
    assert_int_equal(share_queue_retried(&share.queue, &most), 9);
    assert_int_equal(most, 2);
    acknowledge(&share, 0, 0, SHARE_ACK_ACCEPT);
    assert_int_equal(share_queue_retried(&share.queue, &most), 9);
    leave(&share, &book);
}

/* A group has one tally, whatever partitions it shares, as long as there is one; a walk finds back
 * to where it was, though what it stood on has gone. */
static void test_tallies(void **state) {
    (void)state;
    struct share_book book = {.runs = 0};
    struct share one, two, other;
    join(&one, &book, "g");
    join(&other, &book, "other");
    join(&two, &book, "g");
    struct share_tally *tally = share_book_from(&book, 0);
    assert_true(kp_string_is(tally->group, "g"));
    assert_ptr_equal(one.tally, two.tally);
    assert_ptr_equal(share_book_from(&book, tally->number + 1), other.tally);
    assert_null(share_book_from(&book, other.tally->number + 1));
    assert_ptr_equal(share_tally_from(tally, 0), &one);
    assert_ptr_equal(share_tally_from(tally, one.entry + 1), &two);
    uint64_t entry = one.entry;
    leave(&one, &book);
    assert_ptr_equal(share_tally_from(tally, entry), &two);
    assert_null(share_tally_from(tally, two.entry + 1));
    uint64_t number = tally->number;
    leave(&two, &book);
    assert_ptr_equal(share_book_from(&book, number), other.tally);
    leave(&other, &book);
    assert_null(book.tallies);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_are_counted),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_tallies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
