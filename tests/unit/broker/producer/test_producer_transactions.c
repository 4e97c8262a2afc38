/* Transactions of producers in one partition: what opens and ends them, what markers are taken, and
 * what is known of it all after a snapshot. */
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "broker/producer/producer_state.h"
#include "storage/little_endian.h"
#include "tests/batches/producer_bytes.h"
#include "tests/unit/unit.h"

enum { NOW = 1000000, COORDINATOR = 5 };

static struct producer_state *make(uint32_t max_producers) {
    struct producer_state_options options = {.max_producers = max_producers, .seed = 99};
    return producer_state_new(&options);
}

static struct producer_batch batch(int64_t id, int epoch, int32_t sequence, int64_t offset,
                                   bool transactional) {
    return (struct producer_batch){.producer_id = id,
                                   .epoch = (int16_t)epoch,
                                   .base_sequence = sequence,
                                   .last_sequence = sequence,
                                   .base_offset = offset,
                                   .timestamp = 7,
                                   .transactional = transactional};
}

static struct producer_marker marker(int64_t id, int epoch, int32_t coordinator, bool commit,
                                     int64_t offset) {
    return (struct producer_marker){.producer_id = id,
                                    .epoch = (int16_t)epoch,
                                    .coordinator_epoch = coordinator,
                                    .commit = commit,
                                    .offset = offset,
                                    .timestamp = 9};
}

static enum producer_verdict check(const struct producer_state *state, struct producer_batch b) {
    struct producer_batch known;
    return producer_state_check(state, &b, NOW, &known);
}

static enum marker_verdict check_marker(const struct producer_state *state,
                                        struct producer_marker m) {
    kafka_offset offset;
    return producer_state_check_marker(state, &m, &offset);
}

static void commit(struct producer_state *state, struct producer_batch b) {
    producer_state_commit(state, &b);
}

static void commit_marker(struct producer_state *state, struct producer_marker m) {
    producer_state_commit_marker(state, &m);
}

static size_t aborted_count(const struct producer_state *state, kafka_offset from,
                            kafka_offset to) {
    struct aborted_search search = {.from = from, .to = to};
    while (!aborted_search_step(producer_state_aborted(state), &search))
        continue;
    size_t count = search.count;
    aborted_search_drop(&search);
    return count;
}

/* The first of the open transactions holds back what is stable, whichever end first. */
static void test_transactions_hold_back(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    assert_int_equal(producer_state_first_open(state), -1);
    commit(state, batch(1, 0, 0, 0, false));
    assert_int_equal(producer_state_first_open(state), -1);
    commit(state, batch(2, 0, 0, 1, true));
    commit(state, batch(3, 0, 0, 2, true));
    commit(state, batch(2, 0, 1, 3, true));
    commit(state, batch(4, 0, 0, 4, true));
    assert_int_equal(producer_state_first_open(state), 1);
    commit_marker(state, marker(3, 0, COORDINATOR, false, 5));
    assert_int_equal(producer_state_first_open(state), 1);
    commit_marker(state, marker(2, 0, COORDINATOR, true, 6));
    assert_int_equal(producer_state_first_open(state), 4);
    commit_marker(state, marker(4, 0, COORDINATOR, false, 7));
    assert_int_equal(producer_state_first_open(state), -1);
    assert_int_equal(aborted_count(state, 0, 8), 2);
    assert_int_equal(aborted_count(state, 0, 2), 0);
    assert_int_equal(aborted_count(state, 0, 3), 1);
    assert_int_equal(aborted_count(state, 6, 8), 1);
    producer_state_log_start(state, 6);
    assert_int_equal(aborted_count(state, 0, 8), 1);
    /* nothing was open: nothing was aborted */
    commit_marker(state, marker(4, 0, COORDINATOR + 1, false, 8));
    assert_int_equal(aborted_count(state, 8, 9), 0);
    producer_state_free(state);
}

/* What is in flight opens and ends, too, for who comes next; not for readers. */
static void test_transactions_in_flight(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    struct producer_batch first = batch(1, 0, 0, 0, true);
    struct producer_marker end = marker(1, 0, COORDINATOR, true, 1);
    producer_state_begin(state, &first);
    assert_int_equal(producer_state_first_open(state), -1);
    assert_int_equal(check(state, batch(1, 0, 1, -1, false)), PRODUCER_IN_TRANSACTION);
    assert_int_equal(check(state, batch(1, 0, 1, -1, true)), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(1, 1, 0, -1, true)), PRODUCER_MARKER_AWAITED);
    assert_int_equal(check_marker(state, end), MARKER_APPEND);
    producer_state_begin_marker(state, &end);
    assert_int_equal(check_marker(state, end), MARKER_IN_FLIGHT);
    assert_int_equal(check(state, batch(1, 0, 1, -1, false)), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(1, 0, 0, -1, true)), PRODUCER_IN_FLIGHT);
    commit(state, first);
    assert_int_equal(producer_state_first_open(state), 0);
    commit_marker(state, end);
    assert_int_equal(producer_state_first_open(state), -1);
    assert_int_equal(check_marker(state, end), MARKER_DONE);
    assert_int_equal(check(state, batch(1, 0, 0, -1, true)), PRODUCER_COMMITTED);
    producer_state_free(state);
}

/* One marker of a producer at a time: the next one is to come again once that has landed. */
static void test_transactions_one_marker_in_flight(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    struct producer_marker first = marker(1, 0, COORDINATOR, true, 0);
    producer_state_begin_marker(state, &first);
    assert_int_equal(check_marker(state, marker(1, 0, COORDINATOR + 1, true, -1)), MARKER_BEHIND);
    assert_int_equal(check_marker(state, marker(1, 1, COORDINATOR, true, -1)), MARKER_BEHIND);
    struct producer_batch next = batch(1, 0, 0, 1, true);
    producer_state_begin(state, &next);
    assert_int_equal(check_marker(state, first), MARKER_IN_FLIGHT);
    assert_int_equal(check_marker(state, marker(1, 0, COORDINATOR + 1, true, -1)), MARKER_BEHIND);
    assert_int_equal(check_marker(state, marker(2, 0, COORDINATOR, true, -1)), MARKER_APPEND);
    commit_marker(state, first);
    assert_int_equal(check_marker(state, marker(1, 0, COORDINATOR + 1, true, -1)), MARKER_APPEND);
    producer_state_free(state);
}

/* What was taken back, or dropped with the lead, has opened and ended nothing. */
static void test_transactions_taken_back(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    struct producer_marker alone = marker(2, 3, COORDINATOR, true, 2),
                           end = marker(1, 0, COORDINATOR, true, 3);
    commit(state, batch(1, 0, 0, 0, true));
    producer_state_begin_marker(state, &alone);
    producer_state_begin_marker(state, &end);
    producer_state_withdraw(state, 2, NOW);
    assert_false(producer_state_knows(state, 2));
    assert_int_equal(check(state, batch(1, 0, 1, -1, false)), PRODUCER_IN_TRANSACTION);
    assert_int_equal(check(state, batch(2, 0, 0, -1, false)), PRODUCER_NEW);
    producer_state_begin_marker(state, &end);
    producer_state_drop_in_flight(state);
    assert_int_equal(check(state, batch(1, 0, 1, -1, false)), PRODUCER_IN_TRANSACTION);
    producer_state_free(state);
}

/* An old coordinator's marker ends nothing, nor does one of an epoch that has passed: with an epoch
 * for each transaction also not that of the present one. */
static void test_transactions_old_markers(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    commit(state, batch(1, 4, 0, 0, true));
    commit_marker(state, marker(1, 4, COORDINATOR, true, 1));
    assert_int_equal(check_marker(state, marker(1, 4, COORDINATOR - 1, true, -1)),
                     MARKER_OLD_COORDINATOR);
    assert_int_equal(check_marker(state, marker(1, 3, COORDINATOR, true, -1)), MARKER_OLD_EPOCH);
    assert_int_equal(check_marker(state, marker(1, 4, COORDINATOR, true, -1)), MARKER_DONE);
    /* it fences what comes late of the one before, or of an old coordinator */
    assert_int_equal(check_marker(state, marker(1, 4, COORDINATOR + 1, true, -1)), MARKER_APPEND);
    assert_int_equal(check_marker(state, marker(1, 5, COORDINATOR, true, -1)), MARKER_APPEND);
    commit(state, batch(1, 4, 1, 2, true));
    struct producer_marker late = marker(1, 4, COORDINATOR, false, -1);
    assert_int_equal(check_marker(state, late), MARKER_APPEND);
    late.raises_epoch = true;
    assert_int_equal(check_marker(state, late), MARKER_OLD_EPOCH);
    late.epoch = 5;
    assert_int_equal(check_marker(state, late), MARKER_APPEND);
    producer_state_free(state);
}

/* What shows that a marker is of old may not have committed: then it may be that its transaction
 * has not ended after all, and it comes again. */
static void test_transactions_old_by_what_is_in_flight(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    struct producer_marker end = marker(1, 5, COORDINATOR, true, 1),
                           same = marker(1, 4, COORDINATOR, true, -1),
                           again = marker(1, 5, COORDINATOR, true, -1);
    struct producer_batch next = batch(1, 5, 0, 2, true);
    end.raises_epoch = again.raises_epoch = true;
    commit(state, batch(1, 4, 0, 0, true));
    producer_state_begin_marker(state, &end);
    assert_int_equal(check_marker(state, same), MARKER_BEHIND);
    commit_marker(state, end);
    assert_int_equal(check_marker(state, same), MARKER_OLD_EPOCH);
    assert_int_equal(check_marker(state, again), MARKER_DONE);
    producer_state_begin(state, &next);
    assert_int_equal(check_marker(state, again), MARKER_BEHIND);
    commit(state, next);
    assert_int_equal(check_marker(state, again), MARKER_OLD_EPOCH);
    producer_state_free(state);
}

/* A marker raises the epoch, and sequences begin anew; also of a producer of which nothing else is
 * known. */
static void test_transactions_markers_raise_epochs(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    commit(state, batch(1, 0, 0, 0, true));
    commit_marker(state, marker(1, 1, COORDINATOR, true, 1));
    assert_int_equal(check(state, batch(1, 0, 1, -1, true)), PRODUCER_FENCED);
    assert_int_equal(check(state, batch(1, 0, 0, -1, true)), PRODUCER_FENCED);
    assert_int_equal(check(state, batch(1, 1, 1, -1, true)), PRODUCER_OUT_OF_ORDER);
    assert_int_equal(check(state, batch(1, 1, 0, -1, true)), PRODUCER_APPEND);
    commit_marker(state, marker(2, 6, COORDINATOR, false, 2));
    assert_int_equal(producer_state_count(state), 2);
    assert_int_equal(check(state, batch(2, 5, 0, -1, true)), PRODUCER_FENCED);
    assert_int_equal(check(state, batch(2, 6, 4, -1, true)), PRODUCER_OUT_OF_ORDER);
    assert_int_equal(check(state, batch(2, 6, 0, -1, true)), PRODUCER_APPEND);
    producer_state_free(state);
}

/* Offsets that a transaction commits have no sequence: they open it, and stand in nobody's way. */
static void test_transactions_without_sequence(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    commit(state, batch(1, 0, -1, 0, true));
    assert_int_equal(producer_state_first_open(state), 0);
    assert_int_equal(check(state, batch(1, 0, -1, -1, true)), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(1, 0, 0, -1, true)), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(1, 0, 3, -1, true)), PRODUCER_OUT_OF_ORDER);
    producer_state_free(state);
}

/* However long it is silent: who has a transaction open is not forgotten, others are; when it has
 * ended, it is as others. */
static void test_transactions_open_are_not_forgotten(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    commit(state, batch(1, 0, 0, 0, true));
    commit(state, batch(2, 0, 0, 1, false));
    commit(state, batch(3, 0, 0, 2, true));
    producer_state_clock(state, 10, 100);
    producer_state_clock(state, 1000, 100);
    assert_int_equal(producer_state_count(state), 2);
    assert_int_equal(producer_state_first_open(state), 0);
    commit_marker(state, marker(1, 0, COORDINATOR, true, 3));
    producer_state_clock(state, 1050, 100);
    assert_int_equal(producer_state_count(state), 2);
    producer_state_clock(state, 1200, 100);
    assert_int_equal(producer_state_count(state), 1);
    assert_false(producer_state_knows(state, 1));
    producer_state_free(state);
}

/* All places taken: a transaction of somebody who was refused for that ends, as long as there are
 * places that only markers have; then only one whose end raises the epoch, and nothing is appended.
 * Of those who are known all end. */
static void test_transactions_all_places_taken(void **unused) {
    (void)unused;
    struct producer_state *state = make(4);
    for (int64_t id = 1; id <= 4; id++)
        commit(state, batch(id, 0, 0, id - 1, true));
    assert_int_equal(check(state, batch(5, 0, 0, -1, true)), PRODUCER_TOO_MANY);
    assert_int_equal(check_marker(state, marker(5, 0, COORDINATOR, false, -1)), MARKER_APPEND);
    commit_marker(state, marker(5, 0, COORDINATOR, false, 4));
    assert_int_equal(check_marker(state, marker(6, 0, COORDINATOR, false, -1)), MARKER_APPEND);
    commit_marker(state, marker(6, 0, COORDINATOR, false, 5));
    struct producer_marker late = marker(7, 0, COORDINATOR, false, -1);
    assert_int_equal(check_marker(state, late), MARKER_TOO_MANY);
    late.raises_epoch = true;
    assert_int_equal(check_marker(state, late), MARKER_DONE);
    assert_int_equal(check_marker(state, marker(2, 0, COORDINATOR, true, -1)), MARKER_APPEND);
    producer_state_free(state);
}

static void on_view(void *arg, const struct producer_view *view) {
    struct producer_view *into = arg;
    if (view->producer_id == into->producer_id) *into = *view;
}

static struct producer_view view_of(const struct producer_state *state, int64_t id) {
    struct producer_view view = {.producer_id = id};
    producer_state_each(state, on_view, &view);
    return view;
}

static struct producer_state *with_transactions(void) {
    struct producer_state *state = make(10);
    commit(state, batch(1, 0, 0, 0, true));
    commit(state, batch(2, 7, 0, 1, true));
    commit(state, batch(1, 0, 1, 2, true));
    commit(state, batch(3, 0, 0, 3, true));
    commit_marker(state, marker(3, 0, COORDINATOR, false, 4));
    commit(state, batch(4, 2, 0, 5, false));
    commit_marker(state, marker(5, 9, COORDINATOR, true, 6)); /* a marker, and nothing else */
    commit(state, batch(2, 7, 1, 7, true));
    return state;
}

/* After a snapshot all is as before: also what has only a marker, and which transaction is first.
 */
static void test_transactions_snapshot(void **unused) {
    (void)unused;
    struct producer_state *state = with_transactions(), *copy = make(10);
    struct slice bytes = producer_bytes(state);
    assert_int_equal(producer_bytes_take(copy, bytes.data, bytes.len), ERR_NONE);
    struct slice again = producer_bytes(copy);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    assert_int_equal(producer_state_first_open(copy), 0);
    assert_int_equal(aborted_count(copy, 0, 8), 1);
    struct producer_view view = view_of(copy, 5);
    assert_int_equal(view.epoch, 9);
    assert_int_equal(view.last_sequence, -1);
    assert_int_equal(view.coordinator_epoch, COORDINATOR);
    assert_int_equal(view.open_offset, -1);
    assert_int_equal(view.timestamp, 9);
    assert_int_equal(view_of(copy, 1).open_offset, 0);
    assert_int_equal(view_of(copy, 2).open_offset, 1);
    commit_marker(copy, marker(1, 0, COORDINATOR, true, 8));
    assert_int_equal(producer_state_first_open(copy), 1);
    slice_unref(&again);
    slice_unref(&bytes);
    producer_state_free(copy);
    producer_state_free(state);
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Something happens to one of many producers. */
static void change(struct producer_state *state, uint32_t *seed, kafka_offset offset) {
    int64_t id = next_random(seed) % 4000;
    switch (next_random(seed) % 40) {
    case 0: producer_state_clock(state, offset, 3000); break;
    case 1: producer_state_log_start(state, offset - 30000); break;
    case 2:
    case 3:
    case 4: commit_marker(state, marker(id, 0, COORDINATOR, next_random(seed) % 2, offset)); break;
    default: commit(state, batch(id, 0, (int32_t)offset, offset, next_random(seed) % 3 == 0));
    }
}

/* The bytes are those of the moment in which they are taken, whatever happens while they are put
 * together in steps: new producers, others that are heard again or forgotten, ends, a log start
 * that moves. */
static void test_transactions_snapshot_in_steps(void **unused) {
    (void)unused;
    uint32_t seed = 7;
    kafka_offset offset = 0;
    struct producer_state *state = make(10000);
    for (int round = 0; round < 60; round++) {
        unsigned steps = 0, most = 1 + next_random(&seed) % 40;
        for (int i = 0; i < 1000; i++)
            change(state, &seed, offset++);
        struct producer_walk *walk = producer_walk_new(state);
        for (; steps < most && (!producer_walk_step(walk) || round % 2 == 0); steps++)
            for (uint32_t i = next_random(&seed) % 20; i > 0; i--)
                change(state, &seed, offset++);
        if (round % 10 == 9) {
            producer_walk_stop(walk);
            continue;
        }
        struct snapshot_bytes parts = {0};
        producer_walk_rest(walk, &parts);
        struct slice bytes = snapshot_bytes_whole(&parts);
        struct producer_state *copy = make(10000);
        assert_int_equal(producer_bytes_take(copy, bytes.data, bytes.len), ERR_NONE);
        struct slice there = producer_bytes(copy), here = producer_bytes(state);
        assert_int_equal(there.len, here.len);
        assert_memory_equal(there.data, here.data, here.len);
        assert_int_equal(producer_state_first_open(copy), producer_state_first_open(state));
        slice_unref(&here);
        slice_unref(&there);
        slice_unref(&bytes);
        producer_state_free(copy);
    }
    producer_state_free(state);
}

/* Any bit of it that is wrong, and any length, is found. */
static void test_transactions_snapshot_damaged(void **unused) {
    (void)unused;
    struct producer_state *state = with_transactions(), *copy = make(10);
    struct slice bytes = producer_bytes(state);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(producer_bytes_take(copy, bytes.data, len), ERR_NONE);
    uint8_t *changed = mem_alloc(bytes.len);
    /* also where the checksum is right: counts that cannot be */
    for (size_t at = 8; at < bytes.len; at++) {
        memcpy(changed, bytes.data, bytes.len);
        changed[at] ^= 0x40;
        assert_int_not_equal(producer_bytes_take(copy, changed, bytes.len), ERR_NONE);
        le_put_u32(changed + 4, crc32c(0, changed + 8, bytes.len - 8));
        struct producer_state *other = make(10);
        int error = producer_bytes_take(other, changed, bytes.len);
        if (error != ERR_NONE) assert_int_equal(producer_state_count(other), 0);
        producer_state_free(other);
    }
    assert_int_equal(producer_state_count(copy), 0);
    mem_free(changed);
    slice_unref(&bytes);
    producer_state_free(copy);
    producer_state_free(state);
}

/* What was written before there were transactions: "DRP2". */
static void test_transactions_old_snapshot(void **unused) {
    (void)unused;
    enum { HEADER = 28, PRODUCER = 20, BATCH = 24, SIZE = HEADER + PRODUCER + 2 * BATCH };
    uint8_t bytes[SIZE] = {0};
    le_put_u32(bytes, 0x32505244);
    le_put_u32(bytes + 8, 1);                    /* producers */
    le_put_u64(bytes + 12, 40);                  /* forgotten id */
    le_put_u64(bytes + 20, 500);                 /* clock */
    le_put_u64(bytes + HEADER, 77);              /* id */
    le_put_u32(bytes + HEADER + 8, 2 << 16 | 3); /* epoch 3, two batches */
    le_put_u64(bytes + HEADER + 12, 450);        /* heard */
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t *at = bytes + HEADER + PRODUCER + i * BATCH;
        le_put_u32(at, 10 + i);
        le_put_u32(at + 4, 10 + i);
        le_put_u64(at + 8, 100 + i);
        le_put_u64(at + 16, 1000 + i);
    }
    le_put_u32(bytes + 4, crc32c(0, bytes + 8, SIZE - 8));
    struct producer_state *state = make(10);
    assert_int_equal(producer_bytes_take(state, bytes, SIZE), ERR_NONE);
    struct producer_view view = view_of(state, 77);
    assert_int_equal(view.epoch, 3);
    assert_int_equal(view.last_sequence, 11);
    assert_int_equal(view.timestamp, 1001);
    assert_int_equal(view.coordinator_epoch, -1);
    assert_int_equal(view.open_offset, -1);
    assert_int_equal(producer_state_clock_ms(state), 500);
    assert_int_equal(check(state, batch(77, 3, 12, -1, false)), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(77, 3, 10, -1, false)), PRODUCER_COMMITTED);
    producer_state_free(state);
}

static void invite(struct producer_state *state, int64_t id, int epoch, int32_t coordinator) {
    struct producer_invitation invitation = {.producer_id = id,
                                             .epoch = (int16_t)epoch,
                                             .coordinator_epoch = coordinator,
                                             .id = "pay",
                                             .id_len = 3};
    producer_state_invite(state, &invitation);
}

static bool is_invited(const struct producer_state *state, int64_t id, int epoch) {
    return producer_state_is_invited(state, id, (int16_t)epoch, "pay", 3);
}

/* An invitation counts for that transaction alone: until its first batch, its end, or the end of
 * the lead. */
static void test_transactions_invited(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    commit_marker(state, marker(1, 0, COORDINATOR, true, 0));
    invite(state, 1, 0, COORDINATOR);
    assert_true(is_invited(state, 1, 0));
    assert_false(is_invited(state, 1, 1));
    assert_false(producer_state_is_invited(state, 1, 0, "paz", 3));
    assert_false(producer_state_is_invited(state, 1, 0, "pa", 2));
    struct producer_batch first = batch(1, 0, 0, 1, true);
    producer_state_begin(state, &first);
    assert_false(is_invited(state, 1, 0));
    invite(state, 1, 0, COORDINATOR); /* it has begun already */
    assert_false(is_invited(state, 1, 0));
    commit(state, first);
    commit_marker(state, marker(1, 0, COORDINATOR, true, 2));
    invite(state, 1, 0, COORDINATOR);
    producer_state_uninvite(state, 1);
    assert_false(is_invited(state, 1, 0));
    invite(state, 1, 1, COORDINATOR + 1);
    assert_true(is_invited(state, 1, 1));
    producer_state_drop_in_flight(state);
    assert_false(is_invited(state, 1, 1));
    producer_state_free(state);
}

/* What may be older than the end of its transaction is not believed. */
static void test_transactions_late_invitations(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    invite(state, 1, 0, COORDINATOR); /* not known: its end may have been forgotten */
    assert_false(is_invited(state, 1, 0));
    commit_marker(state, marker(1, 3, COORDINATOR, false, 0));
    invite(state, 1, 2, COORDINATOR);
    assert_false(is_invited(state, 1, 2));
    invite(state, 1, 3, COORDINATOR - 1);
    assert_false(is_invited(state, 1, 3));
    struct producer_marker end = marker(1, 3, COORDINATOR + 1, false, 1);
    producer_state_begin_marker(state, &end);
    invite(state, 1, 3, COORDINATOR + 1);
    assert_false(is_invited(state, 1, 3));
    commit_marker(state, end);
    invite(state, 1, 3, COORDINATOR + 1);
    assert_true(is_invited(state, 1, 3));
    producer_state_clock(state, 10, 1000);
    producer_state_clock(state, 2000, 1000); /* forgotten */
    assert_false(is_invited(state, 1, 3));
    producer_state_free(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transactions_hold_back),
        cmocka_unit_test(test_transactions_in_flight),
        cmocka_unit_test(test_transactions_one_marker_in_flight),
        cmocka_unit_test(test_transactions_taken_back),
        cmocka_unit_test(test_transactions_old_markers),
        cmocka_unit_test(test_transactions_old_by_what_is_in_flight),
        cmocka_unit_test(test_transactions_markers_raise_epochs),
        cmocka_unit_test(test_transactions_without_sequence),
        cmocka_unit_test(test_transactions_open_are_not_forgotten),
        cmocka_unit_test(test_transactions_all_places_taken),
        cmocka_unit_test(test_transactions_invited),
        cmocka_unit_test(test_transactions_late_invitations),
        cmocka_unit_test(test_transactions_snapshot),
        cmocka_unit_test(test_transactions_snapshot_in_steps),
        cmocka_unit_test(test_transactions_snapshot_damaged),
        cmocka_unit_test(test_transactions_old_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
