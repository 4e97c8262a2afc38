/* The table of idempotent producers: KIP-98's rules, the window of five, leaders that come and go,
 * snapshots. */
#include <string.h>

#include "base/error.h"
#include "broker/producer/producer_refusals.h"
#include "broker/producer/producer_state.h"
#include "tests/batches/producer_bytes.h"
#include "tests/unit/unit.h"

enum { NOW = 1000000 };

static struct producer_state *make(uint32_t max_producers) {
    struct producer_state_options options = {.max_producers = max_producers, .seed = 99};
    return producer_state_new(&options);
}

static int32_t last_sequence(int32_t base, int32_t records) {
    return (int32_t)(((int64_t)base + records - 1) & INT32_MAX);
}

static struct producer_batch batch(int64_t id, int epoch, int32_t base, int32_t records,
                                   int64_t offset) {
    struct producer_batch made = {.producer_id = id,
                                  .epoch = (int16_t)epoch,
                                  .base_sequence = base,
                                  .last_sequence = last_sequence(base, records),
                                  .base_offset = offset,
                                  .timestamp = 7};
    return made;
}

static enum producer_verdict check(struct producer_state *state, struct producer_batch b,
                                   int64_t *offset) {
    struct producer_batch known = {.base_offset = -1};
    enum producer_verdict verdict = producer_state_check(state, &b, NOW, &known);
    if (offset != NULL) *offset = known.base_offset;
    return verdict;
}

static void begin(struct producer_state *state, struct producer_batch b) {
    enum producer_verdict verdict = check(state, b, NULL);
    assert_true(verdict == PRODUCER_APPEND || verdict == PRODUCER_NEW);
    producer_state_begin(state, &b);
}

static void commit(struct producer_state *state, struct producer_batch b) {
    producer_state_commit(state, &b);
}

/* Each of the last five batches is recognised with its own offset; the sixth last is out of order.
 */
static void test_producer_state_window_of_five(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    for (int i = 0; i < 6; i++) {
        begin(state, batch(1, 0, i * 10, 10, 100 + i));
        commit(state, batch(1, 0, i * 10, 10, 100 + i));
    }
    int64_t offset;
    for (int i = 1; i < 6; i++) {
        assert_int_equal(check(state, batch(1, 0, i * 10, 10, 0), &offset), PRODUCER_COMMITTED);
        assert_int_equal(offset, 100 + i);
    }
    assert_int_equal(check(state, batch(1, 0, 0, 10, 0), NULL), PRODUCER_OUT_OF_ORDER);
    assert_int_equal(check(state, batch(1, 0, 50, 9, 0), NULL), PRODUCER_OUT_OF_ORDER);
    assert_int_equal(check(state, batch(1, 0, 61, 1, 0), NULL), PRODUCER_OUT_OF_ORDER);
    assert_int_equal(check(state, batch(1, 0, 60, 1, 0), NULL), PRODUCER_APPEND);
    producer_state_free(state);
}

/* A retry of what is in flight is neither new nor committed, until it commits; more than five may
 * be in flight. */
static void test_producer_state_retry_in_flight(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    for (int i = 0; i < 40; i++)
        begin(state, batch(1, 0, i, 1, i));
    int64_t offset;
    assert_int_equal(check(state, batch(1, 0, 3, 1, 0), &offset), PRODUCER_IN_FLIGHT);
    assert_int_equal(offset, 3);
    for (int i = 0; i < 30; i++) {
        commit(state, batch(1, 0, i, 1, i));
        begin(state, batch(1, 0, 40 + i, 1, 40 + i));
    }
    assert_int_equal(check(state, batch(1, 0, 29, 1, 0), &offset), PRODUCER_COMMITTED);
    assert_int_equal(offset, 29);
    assert_int_equal(check(state, batch(1, 0, 30, 1, 0), &offset), PRODUCER_IN_FLIGHT);
    assert_int_equal(offset, 30);
    producer_state_free(state);
}

/* What was in flight when leadership was lost is unknown again; what had committed stays. */
static void test_producer_state_lost_leadership_drops_in_flight(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    begin(state, batch(1, 0, 0, 5, 0));
    commit(state, batch(1, 0, 0, 5, 0));
    begin(state, batch(1, 0, 5, 5, 5));
    begin(state, batch(2, 0, 0, 1, 10));
    producer_state_drop_in_flight(state);
    assert_int_equal(check(state, batch(1, 0, 5, 5, 0), NULL), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(1, 0, 10, 5, 0), NULL), PRODUCER_OUT_OF_ORDER);
    assert_int_equal(check(state, batch(2, 0, 1, 1, 0), NULL), PRODUCER_UNKNOWN);
    assert_int_equal(producer_state_count(state), 1);
    /* It did commit, under the next leader: seen from the log, without having begun here. */
    commit(state, batch(1, 0, 5, 5, 5));
    assert_int_equal(check(state, batch(1, 0, 5, 5, 0), NULL), PRODUCER_COMMITTED);
    producer_state_free(state);
}

/* After INT32_MAX comes 0, inside a batch and between two. */
static void test_producer_state_sequence_wraps(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    commit(state, batch(1, 0, INT32_MAX - 9, 10, 0));
    assert_int_equal(check(state, batch(1, 0, 0, 1, 0), NULL), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(1, 0, 1, 1, 0), NULL), PRODUCER_OUT_OF_ORDER);
    commit(state, batch(2, 0, INT32_MAX - 1, 5, 0));
    assert_int_equal(check(state, batch(2, 0, 3, 1, 0), NULL), PRODUCER_APPEND);
    producer_state_free(state);
}

/* A new epoch begins at 0 and ends the old one, whether the first batch of it is in flight or
 * committed. */
static void test_producer_state_epochs(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    begin(state, batch(1, 3, 0, 5, 0));
    commit(state, batch(1, 3, 0, 5, 0));
    assert_int_equal(check(state, batch(1, 4, 5, 5, 0), NULL), PRODUCER_OUT_OF_ORDER);
    assert_int_equal(check(state, batch(1, 2, 5, 5, 0), NULL), PRODUCER_FENCED);
    begin(state, batch(1, 4, 0, 5, 5));
    assert_int_equal(check(state, batch(1, 3, 5, 5, 0), NULL), PRODUCER_FENCED);
    assert_int_equal(check(state, batch(1, 4, 0, 5, 0), NULL), PRODUCER_IN_FLIGHT);
    commit(state, batch(1, 4, 0, 5, 5));
    int64_t offset;
    assert_int_equal(check(state, batch(1, 4, 0, 5, 0), &offset), PRODUCER_COMMITTED);
    assert_int_equal(offset, 5);
    producer_state_free(state);
}

/* A producer that was never heard of begins with 0; one that may have been forgotten may begin
 * anywhere. Forgotten is who was not heard for an expiration of the log's clock, which counts from
 * when it went on the next time. */
static void test_producer_state_forgotten_producers(void **unused) {
    (void)unused;
    struct producer_state *state = make(3);
    assert_int_equal(check(state, batch(5, 0, 7, 1, 0), NULL), PRODUCER_UNKNOWN);
    commit(state, batch(5, 0, 0, 1, 0));
    producer_state_clock(state, 5000, 1000); /* 5 was heard by then at the latest */
    commit(state, batch(6, 0, 0, 1, 1));
    producer_state_clock(state, 5500, 1000);
    commit(state, batch(7, 0, 0, 1, 2));
    producer_state_clock(state, 5999, 1000);
    assert_int_equal(producer_state_count(state), 3);
    assert_int_equal(check(state, batch(5, 0, 1, 2, 0), NULL), PRODUCER_APPEND);
    assert_int_equal(check(state, batch(5, 0, 9, 1, 0), NULL), PRODUCER_OUT_OF_ORDER);
    producer_state_clock(state, 6000, 1000); /* 5 is too old now */
    assert_int_equal(producer_state_count(state), 2);
    assert_int_equal(check(state, batch(5, 0, 9, 1, 0), NULL), PRODUCER_NEW);
    assert_int_equal(check(state, batch(8, 0, 1, 1, 0), NULL), PRODUCER_UNKNOWN);
    commit(state, batch(6, 0, 1, 1, 3)); /* is heard again, and stays */
    producer_state_clock(state, 7000, 1000);
    assert_int_equal(producer_state_count(state), 1);
    assert_int_equal(check(state, batch(6, 0, 1, 1, 0), NULL), PRODUCER_COMMITTED);
    assert_int_equal(check(state, batch(7, 0, 9, 1, 0), NULL), PRODUCER_NEW);
    producer_state_clock(state, 100, 1000); /* it never goes back */
    assert_int_equal(producer_state_clock_ms(state), 7000);
    producer_state_free(state);
}

/* With all places taken new producers are refused, and nobody is forgotten for them; a place that
 * gets free is theirs. What commits is taken in all the same: another leader had room for it. */
static void test_producer_state_all_places_taken(void **unused) {
    (void)unused;
    struct producer_state *state = make(2);
    begin(state, batch(1, 0, 0, 1, 0));
    commit(state, batch(2, 0, 0, 1, 1));
    assert_int_equal(check(state, batch(3, 0, 0, 1, 0), NULL), PRODUCER_TOO_MANY);
    producer_state_refuse(state, &(struct producer_batch){.producer_id = 3}, NOW);
    assert_int_equal(check(state, batch(3, 0, 1, 1, 0), NULL), PRODUCER_BEHIND_REFUSED);
    assert_int_equal(check(state, batch(1, 0, 1, 1, 0), NULL), PRODUCER_APPEND);
    commit(state, batch(1, 0, 0, 1, 0));
    commit(state, batch(4, 0, 0, 1, 2));
    assert_int_equal(producer_state_count(state), 3);
    for (int id = 1; id <= 4; id++)
        if (id != 3)
            assert_int_equal(check(state, batch(id, 0, 0, 1, 0), NULL), PRODUCER_COMMITTED);
    producer_state_clock(state, 1, 1000);
    producer_state_clock(state, 1001, 1000);
    assert_int_equal(check(state, batch(3, 0, 0, 1, 0), NULL), PRODUCER_NEW);
    producer_state_free(state);
}

/* 20,000 strangers are refused, and a retry of a producer that had committed before is recognised
 * all the same. What honest ones sent behind a refused batch is refused likewise, even when its
 * refusal was lost among theirs. */
static void test_producer_state_refused_strangers(void **unused) {
    (void)unused;
    struct producer_state *state = make(20000);
    commit(state, batch(1, 0, 0, 1, 0));
    struct producer_batch next = batch(1, 0, 1, 1, 0), unknown = batch(2, 0, 0, 1, 0), known;
    producer_state_refuse(state, &next, NOW);
    producer_state_refuse(state, &unknown, NOW);
    for (int i = 0; i < 20000; i++) {
        struct producer_batch stranger = batch(INT64_C(1000000) + i, 0, 0, 1, 0);
        assert_int_equal(check(state, stranger, NULL), PRODUCER_NEW);
        producer_state_refuse(state, &stranger, NOW);
    }
    int64_t offset;
    assert_int_equal(check(state, batch(1, 0, 0, 1, 0), &offset), PRODUCER_COMMITTED);
    assert_int_equal(offset, 0);
    assert_int_equal(check(state, batch(1, 0, 2, 1, 0), NULL), PRODUCER_BEHIND_REFUSED);
    assert_int_equal(check(state, batch(2, 0, 1, 1, 0), NULL), PRODUCER_BEHIND_REFUSED);
    struct producer_batch late = batch(2, 0, 1, 1, 0);
    assert_int_equal(producer_state_check(state, &late, NOW + PRODUCER_REFUSED_MS, &known),
                     PRODUCER_UNKNOWN);
    producer_state_free(state);
}

/* The table of refusals holds the newest so many, each for its time; that one was lost before its
 * time is known for as long. */
static void test_producer_refusals_are_bounded(void **unused) {
    (void)unused;
    struct refusals *refusals = refusals_new(3, 99);
    for (int i = 0; i < 3; i++)
        refusals_note(refusals, i, &(struct refusal){.sequence = i, .when_ms = NOW + i});
    refusals_note(refusals, 0, &(struct refusal){.sequence = 9, .when_ms = NOW + 3});
    assert_int_equal(refusals_count(refusals), 3);
    assert_int_equal(refusals_find(refusals, 0)->sequence, 9);
    assert_false(refusals_lost_one(refusals, NOW + 3));
    refusals_note(refusals, 3, &(struct refusal){.when_ms = NOW + 4}); /* the oldest is that of 1 */
    assert_int_equal(refusals_count(refusals), 3);
    assert_null(refusals_find(refusals, 1));
    assert_true(refusals_lost_one(refusals, NOW + PRODUCER_REFUSED_MS));
    assert_false(refusals_lost_one(refusals, NOW + 1 + PRODUCER_REFUSED_MS));
    refusals_note(
        refusals, 4,
        &(struct refusal){.when_ms = NOW + 4 + PRODUCER_REFUSED_MS}); /* all others are old */
    assert_int_equal(refusals_count(refusals), 1);
    assert_false(refusals_lost_one(refusals, NOW + 4 + PRODUCER_REFUSED_MS));
    refusals_drop(refusals, 4);
    refusals_drop(refusals, 4);
    assert_int_equal(refusals_count(refusals), 0);
    refusals_free(refusals);
}

/* A new producer whose batches are all taken back is one that was refused, and takes no place. */
static void test_producer_state_withdrawn(void **unused) {
    (void)unused;
    struct producer_state *state = make(2);
    begin(state, batch(1, 0, 0, 1, 0));
    commit(state, batch(1, 0, 0, 1, 0));
    begin(state, batch(1, 0, 1, 1, 1));
    begin(state, batch(2, 0, 0, 1, 2));
    begin(state, batch(2, 0, 1, 1, 3));
    begin(state, batch(1, 0, 2, 1, 4));
    producer_state_withdraw(state, 2, NOW);
    assert_int_equal(check(state, batch(1, 0, 1, 1, 0), NULL), PRODUCER_IN_FLIGHT);
    assert_int_equal(check(state, batch(1, 0, 3, 1, 0), NULL), PRODUCER_BEHIND_REFUSED);
    assert_int_equal(check(state, batch(2, 0, 1, 1, 0), NULL), PRODUCER_BEHIND_REFUSED);
    assert_int_equal(check(state, batch(2, 0, 0, 1, 0), NULL), PRODUCER_NEW);
    begin(state, batch(3, 0, 0, 1, 2));
    assert_int_equal(check(state, batch(2, 0, 0, 1, 0), NULL), PRODUCER_TOO_MANY);
    producer_state_free(state);
}

/* What follows a refused batch is refused likewise, until that batch is taken or the refusal is
 * old. */
static void test_producer_state_behind_refused(void **unused) {
    (void)unused;
    struct producer_state *state = make(10);
    struct producer_batch first = batch(1, 0, 0, 1, 0), third = batch(1, 0, 2, 1, 0), known;
    producer_state_refuse(state, &first, NOW);
    assert_int_equal(check(state, third, NULL), PRODUCER_BEHIND_REFUSED);
    assert_int_equal(producer_state_check(state, &third, NOW + PRODUCER_REFUSED_MS, &known),
                     PRODUCER_UNKNOWN);
    begin(state, first);
    assert_int_equal(check(state, third, NULL), PRODUCER_OUT_OF_ORDER);
    struct producer_batch second = batch(1, 0, 1, 1, 1);
    producer_state_refuse(state, &second, NOW);
    assert_int_equal(check(state, third, NULL), PRODUCER_BEHIND_REFUSED);
    assert_int_equal(check(state, second, NULL), PRODUCER_APPEND);
    producer_state_free(state);
}

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* An encoded state that is decoded answers every question as the original, and encodes to the same
 * bytes. */
static void test_producer_state_snapshot_round_trip(void **unused) {
    (void)unused;
    struct producer_state *state = make(100), *copy = make(100);
    int32_t next[80] = {0};
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        int id = (int)(next_random(&seed) % 80);
        int32_t records = (int32_t)(1 + next_random(&seed) % 5);
        commit(state, batch(id, id % 3, next[id], records, i));
        next[id] += records;
        if (i % 100 == 99)
            producer_state_clock(state, i * 10,
                                 15000); /* some are forgotten, some were heard since */
    }
    begin(state, batch(1000, 0, 0, 1, 5000)); /* in flight: not part of it */
    struct slice bytes = producer_bytes(state);
    assert_int_equal(producer_bytes_take(copy, bytes.data, bytes.len), ERR_NONE);
    assert_int_equal(producer_state_count(copy), producer_state_count(state));
    assert_int_equal(check(copy, batch(1000, 0, 0, 1, 0), NULL), PRODUCER_NEW);
    for (int id = 0; id < 90; id++) {
        for (int32_t base = 0; base < 140; base++) {
            int64_t here, there;
            assert_int_equal(check(state, batch(id, id % 3, base, 2, 0), &here),
                             check(copy, batch(id, id % 3, base, 2, 0), &there));
            assert_int_equal(here, there);
        }
    }
    struct slice again = producer_bytes(copy);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    slice_unref(&again);
    producer_state_clock(state, 40000, 15000);
    producer_state_clock(copy, 40000, 15000);
    assert_int_equal(producer_state_count(copy), producer_state_count(state));
    slice_unref(&bytes);
    producer_state_free(copy);
    producer_state_free(state);
}

/* Bytes cut off, changed, or of another format are refused and leave the state empty. */
static void test_producer_state_snapshot_damaged(void **unused) {
    (void)unused;
    struct producer_state *state = make(50);
    for (int id = 0; id < 3; id++)
        commit(state, batch(id, 0, 0, 1, id));
    struct slice bytes = producer_bytes(state);
    struct producer_state *copy = make(50);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(producer_bytes_take(copy, bytes.data, len), ERR_NONE);
    uint8_t changed[512];
    assert_true(bytes.len <= sizeof changed);
    for (size_t at = 0; at < bytes.len; at++) {
        memcpy(changed, bytes.data, bytes.len);
        changed[at] ^= 0x10;
        assert_int_not_equal(producer_bytes_take(copy, changed, bytes.len), ERR_NONE);
    }
    assert_int_equal(producer_state_count(copy), 0);
    slice_unref(&bytes);
    producer_state_free(copy);
    producer_state_free(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_producer_state_window_of_five),
        cmocka_unit_test(test_producer_state_retry_in_flight),
        cmocka_unit_test(test_producer_state_lost_leadership_drops_in_flight),
        cmocka_unit_test(test_producer_state_sequence_wraps),
        cmocka_unit_test(test_producer_state_epochs),
        cmocka_unit_test(test_producer_state_forgotten_producers),
        cmocka_unit_test(test_producer_state_all_places_taken),
        cmocka_unit_test(test_producer_state_refused_strangers),
        cmocka_unit_test(test_producer_refusals_are_bounded),
        cmocka_unit_test(test_producer_state_withdrawn),
        cmocka_unit_test(test_producer_state_behind_refused),
        cmocka_unit_test(test_producer_state_snapshot_round_trip),
        cmocka_unit_test(test_producer_state_snapshot_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
