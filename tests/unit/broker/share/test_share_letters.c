/*
 * Dead letters of a share-partition: what becomes one, that it holds the start and no lock, a move
 * from its command to its end, and all of that in commands and snapshots.
 */
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/error.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { WALL_MS = 1000050, ROUNDS = 200 };

struct fixture {
    struct env *env;
    struct shares *shares, *others;
    struct share *share;
    struct share_book book;
    uint64_t seed;
};

static struct fixture f;

static int submit(void *arg, struct slice *command) {
    (void)arg;
    assert_int_equal(shares_apply(f.shares, command->data, command->len), ERR_NONE);
    slice_unref(command);
    return ERR_NONE;
}

static void apply(const struct share_command *command) {
    struct slice bytes = share_command_encode(command);
    submit(NULL, &bytes);
}

static int begin(void **state) {
    (void)state;
    f = (struct fixture){.seed = 7};
    assert_int_equal(env_uv_new(&f.env, 1), ERR_NONE);
    struct shares_options options = {.env = f.env, .submit = submit, .book = &f.book};
    f.shares = shares_new(&options);
    f.others = shares_new(&options);
    apply(&(struct share_command){.what = SHARE_BEGIN, .group = kp_string_of("g")});
    f.share = shares_find(f.shares, kp_string_of("g"));
    f.share->limits = (struct share_limits){.lock_ms = 50,
                                            .locks = 100,
                                            .deliveries = 2,
                                            .window = 1000,
                                            .ranges = 1000,
                                            .letters = true};
    share_queue_clock(&f.share->queue, WALL_MS);
    return 0;
}

static int end(void **state) {
    (void)state;
    shares_free(f.shares);
    shares_free(f.others);
    assert_true(env_uv_free(f.env));
    return 0;
}

static void acquire(kafka_offset first, kafka_offset last) {
    struct offset_ranges given = {.size = sizeof(struct share_range)};
    share_queue_acquire(&f.share->queue, &f.share->limits, first, last, UINT64_MAX, 1, 0, &given);
    offset_ranges_free(&given);
}

static void commit(struct offset_ranges *outcomes) {
    apply(&(struct share_command){
        .what = SHARE_OUTCOMES, .number = f.share->number, .outcomes = *outcomes});
    offset_ranges_free(outcomes);
}

static void acknowledge(kafka_offset first, kafka_offset last, int8_t type) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    struct share_ack ack = {{first, last}, &type, 1};
    assert_int_equal(
        share_queue_acknowledge(&f.share->queue, &f.share->limits, &ack, 1, 1, 0, &outcomes),
        KAFKA_NONE);
    commit(&outcomes);
}

static void archive(kafka_offset first, kafka_offset last) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    *(struct share_range *)offset_ranges_append(&outcomes) = (struct share_range){
        .at = {first, last}, .state = SHARE_ARCHIVED};
    commit(&outcomes);
}

static const struct share_range *range_over(kafka_offset offset) {
    return offset_ranges_over(&f.share->state.ranges, offset);
}

/* Rejected, or given too often; a gap is none. It holds the start, is given to nobody, and takes no
 * place of those that are held. */
static void test_what_becomes_a_letter(void **state) {
    (void)state;
    uint16_t most;
    acquire(0, 4);
    acknowledge(0, 1, SHARE_ACK_REJECT);
    acknowledge(2, 2, SHARE_ACK_GAP);
    acknowledge(3, 4, SHARE_ACK_RELEASE);
    acquire(3, 4);
    acknowledge(3, 3, SHARE_ACK_RELEASE);
    acknowledge(4, 4, SHARE_ACK_ACCEPT);
    assert_int_equal(range_over(0)->state, SHARE_ARCHIVING);
    assert_int_equal(range_over(0)->reason, SHARE_REJECTED);
    assert_int_equal(range_over(0)->count, 1);
    assert_int_equal(range_over(0)->time_ms, WALL_MS / 100 * 100);
    assert_int_equal(range_over(2)->state, SHARE_ARCHIVED);
    assert_int_equal(range_over(3)->reason, SHARE_EXHAUSTED);
    assert_int_equal(range_over(3)->count, 2);
    assert_int_equal(f.share->state.archiving, 3);
    assert_int_equal(f.share->state.start, 0);
    assert_int_equal(f.share->queue.held, 0);
    assert_int_equal(share_queue_retried(&f.share->queue, &most), 0);
    assert_int_equal(share_queue_next(&f.share->queue, &f.share->limits, 0), 5);
    archive(0, 1);
    assert_int_equal(f.share->state.start, 3);
    archive(3, 3);
    assert_int_equal(f.share->state.start, 5);
    assert_int_equal(f.share->state.archiving, 0);
    f.share->limits.letters = false;
    acquire(5, 5);
    acknowledge(5, 5, SHARE_ACK_REJECT);
    assert_int_equal(f.share->state.start, 6);
}

static void move(kafka_offset first, kafka_offset last, int32_t sequence) {
    struct share_move made = {.producer_id = 9,
                              .sequence = sequence,
                              .partition = 3,
                              .records.size = sizeof(struct offset_range)};
    *(struct offset_range *)offset_ranges_append(&made.records) = (struct offset_range){first,
                                                                                        last};
    assert_int_equal(share_begin_move(f.share, &made), ERR_NONE);
    offset_ranges_free(&made.records);
}

/* It is open until all that it moves is archived, or gone with the log; the next one goes on behind
 * it. */
static void test_a_move(void **state) {
    (void)state;
    const struct share_move *known = &f.share->state.move;
    acquire(0, 9);
    acknowledge(0, 9, SHARE_ACK_REJECT);
    assert_int_equal(known->records.count, 0);
    move(0, 3, 0);
    assert_true(known->open);
    assert_int_equal(share_move_count(known), 4);
    assert_int_equal(share_move_next(known), 4);
    archive(0, 2);
    assert_true(known->open);
    archive(3, 3);
    assert_false(known->open);
    move(4, 6, 4);
    assert_true(known->open);
    assert_int_equal(known->sequence, 4);
    shares_pass(f.shares, 7);
    assert_false(known->open);
    assert_int_equal(f.share->state.archiving, 3);
    move(7, 9, INT32_MAX - SHARE_MOVE_RECORDS);
    assert_int_equal(share_move_next(known), -1);
}

/* ---- Bytes ---- */

static struct slice bytes_of(struct shares *shares) {
    struct snapshot_bytes bytes = {0};
    struct shares_walk *walk = shares_walk_new(shares);
    while (!shares_walk_step(walk, &bytes))
        continue;
    shares_walk_rest(walk, &bytes);
    return snapshot_bytes_whole(&bytes);
}

static int restore(const uint8_t *bytes, size_t len) {
    int error = ERR_NONE;
    shares_reset(f.others);
    for (size_t at = 0, took; error == ERR_NONE && at < len; at += took)
        error = shares_decode(f.others, bytes + at, len - at, &took);
    return error;
}

static void assert_restores(const struct slice *whole) {
    assert_int_equal(restore(whole->data, whole->len), ERR_NONE);
    struct slice a = bytes_of(f.shares), b = bytes_of(f.others);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    assert_int_equal(shares_find(f.others, kp_string_of("g"))->state.archiving,
                     f.share->state.archiving);
    slice_unref(&a);
    slice_unref(&b);
}

static uint64_t draw(uint64_t below) {
    f.seed = f.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (f.seed >> 33) % below;
}

/* What a leader could do next. */
static void change(void) {
    kafka_offset start = f.share->state.start, first = start + (kafka_offset)draw(10),
                 last = first + (kafka_offset)draw(3);
    uint16_t count;
    if (draw(20) == 0) shares_pass(f.shares, start + 1);
    start = f.share->state.start;
    for (kafka_offset at = first < start ? start : first; at <= last; at++) {
        uint8_t was = share_state_of(&f.share->state, at, &count);
        if (was == SHARE_ARCHIVING && draw(2) == 0) archive(at, at);
        if (was == SHARE_ARCHIVING && !f.share->state.move.open && draw(2) == 0)
            move(at, at, (int32_t)draw(100));
        if (was != SHARE_AVAILABLE) continue;
        acquire(at, at);
        acknowledge(at, at, draw(2) == 0 ? SHARE_ACK_REJECT : SHARE_ACK_RELEASE);
    }
}

/* Whatever happens between the steps of a walk is in its bytes too. */
static void test_snapshots(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct snapshot_bytes bytes = {0};
        for (uint64_t count = draw(10); count > 0; count--)
            change();
        struct shares_walk *walk = shares_walk_new(f.shares);
        while (!shares_walk_step(walk, &bytes))
            for (uint64_t count = draw(4); count > 0; count--)
                change();
        for (uint64_t count = draw(4); count > 0; count--)
            change();
        shares_walk_rest(walk, &bytes);
        struct slice whole = snapshot_bytes_whole(&bytes);
        assert_restores(&whole);
        slice_unref(&whole);
    }
}

/* Bytes that no leader writes are not believed too far. */
static void test_bytes_that_make_no_sense(void **state) {
    (void)state;
    uint8_t copy[512];
    acquire(0, 3);
    acknowledge(0, 1, SHARE_ACK_REJECT);
    move(0, 1, 5);
    struct slice whole = bytes_of(f.shares);
    assert_true(whole.len < sizeof copy);
    for (size_t len = 1; len < whole.len; len++)
        assert_int_equal(restore(whole.data, len), ERR_MALFORMED);
    for (size_t at = 0; at < whole.len; at++)
        for (int value = 0; value < 256; value++) {
            memcpy(copy, whole.data, whole.len);
            copy[at] = (uint8_t)value;
            if (restore(copy, whole.len) != ERR_NONE) continue;
            const struct share_move *got = &shares_from(f.others, 0)->state.move;
            assert_true(share_move_count(got) <= SHARE_MOVE_RECORDS);
        }
    assert_restores(&whole);
    slice_unref(&whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_becomes_a_letter, begin, end),
        cmocka_unit_test_setup_teardown(test_a_move, begin, end),
        cmocka_unit_test_setup_teardown(test_snapshots, begin, end),
        cmocka_unit_test_setup_teardown(test_bytes_that_make_no_sense, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
