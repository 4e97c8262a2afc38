/* Frames out of a stream: any cut, any size, pauses and bad lengths. */
#include <endian.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/mem.h"
#include "tests/unit/base/fixture_reading.h"
#include "tests/unit/unit.h"

/* ---- Sizes and cuts ---- */

/* Frames of sizes around every border of the reader, sent back to back, come out whole and in
 * order. */
static void test_reader_sizes(void **state) {
    (void)state;
    static const size_t sizes[] = {1,       2,       3,       100,     4095,  4096,    4097,
                                   5000,    65531,   65532,   65533,   65536, 65540,   100000,
                                   1048576, 1048577, 10,      16000,   16000, 16000,   16000,
                                   16000,   7,       3000000, 1048576, 65532, 65532,   4096,
                                   1,       200000,  300000,  60000,   60000, 5000000, 12};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    struct budget budget;
    budget_init(&budget, SIZE_MAX);
    reading_open(&budget);
    size_t small_and_slices = 0;
    for (size_t i = 0; i < COUNT; i++)
        reading_send_frame(i, sizes[i]);
    reading.stop_at = COUNT;
    loop_run(&reading.loop);
    for (size_t i = 0; i < COUNT; i++) {
        reading_assert_frame(i, sizes[i]);
        small_and_slices += sizes[i] + 65536;
    }
    assert_true(budget.used <= small_and_slices);
    reading_close();
    assert_int_equal(budget.used, 0);
}

/* A conversation of frames cut after every single byte gives the same frames: nothing depends on
 * where a read ends. */
static void test_reader_every_cut(void **state) {
    (void)state;
    enum { FIRST = 5000, SECOND = 70000, THIRD = 9 };
    static uint8_t bytes[4 + FIRST + 4 + SECOND + 4 + THIRD];
    static const size_t sizes[] = {FIRST, SECOND, THIRD};
    size_t len = 0;
    for (size_t i = 0; i < 3; i++) {
        uint32_t head = htobe32((uint32_t)sizes[i]);
        memcpy(bytes + len, &head, 4);
        for (size_t at = 0; at < sizes[i]; at++)
            bytes[len + 4 + at] = reading_byte_of(i, at);
        len += 4 + sizes[i];
    }
    assert_int_equal(len, sizeof bytes);
    reading_open(NULL);
    static const size_t cuts[] = {1,     2,     3,     4,     5,     6,    4095,  4100,
                                  5003,  5004,  5005,  5007,  5008,  5009, 65536, 69000,
                                  75011, 75012, 75013, 75015, 75016, 75020};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        reading.count = 0;
        reading.stop_at = 3;
        reading_send(bytes, cuts[i]);
        reading_run_for_us(2000); /* the first part is cut before the second arrives */
        reading_send(bytes + cuts[i], len - cuts[i]);
        if (reading.count < 3) loop_run(&reading.loop);
        for (size_t k = 0; k < 3; k++)
            reading_assert_frame(k, sizes[k]);
        reading_drop_frames();
    }
    reading.count = 0;
    reading_close();
}

/* Slices of one chunk stay whole while the reader reads on into the same and other chunks. */
static void test_reader_slices_stay(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    reading_open(NULL);
    for (size_t i = 0; i < COUNT; i++)
        reading_send_frame(i, 1 + i * 7919 % 9000);
    reading.stop_at = COUNT;
    loop_run(&reading.loop);
    for (size_t i = 0; i < COUNT; i++)
        reading_assert_frame(i, 1 + i * 7919 % 9000);
    reading_close();
}

/* ---- Bad lengths and ends ---- */

/* A length below the least, negative, or above the most ends the reading and tells the length,
 * before any memory. */
static void test_reader_bad_lengths(void **state) {
    (void)state;
    static const struct {
        uint32_t length;
        int error;
    } cases[] = {{0, ERR_MALFORMED},
                 {0x80000000, ERR_MALFORMED},
                 {0xFFFFFFFF, ERR_MALFORMED},
                 {0x7FFFFFFF, ERR_TOO_LARGE},
                 {MAX_LENGTH + 1, ERR_TOO_LARGE},
                 {0x47455420, ERR_TOO_LARGE}}; /* "GET " */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct budget budget;
        budget_init(&budget, 1000000);
        reading_open(&budget);
        reading_send_frame(0, 20);
        reading_send_head(cases[i].length);
        reading_send("garbage that follows", 20);
        loop_run(&reading.loop);
        assert_int_equal(reading.ended, cases[i].error);
        assert_int_equal(reading.length, cases[i].length);
        assert_int_equal(reading.count, 1); /* what came before is delivered */
        assert_int_equal(budget.used, 20);
        reading_close();
    }
}

/* An end between frames is good order; one inside a head, a small or a large frame is a broken
 * connection. */
static void test_reader_ends(void **state) {
    (void)state;
    static const size_t parts[] = {0, 2, 100, 70000};
    for (size_t i = 0; i < 4; i++) {
        struct budget budget;
        budget_init(&budget, 1000000);
        reading_open(&budget);
        reading_send_frame(0, 10);
        if (parts[i] > 4) reading_send_head(100000);
        static uint8_t zeros[70000];
        if (parts[i] > 0) reading_send(zeros, parts[i] > 4 ? parts[i] - 4 : parts[i]);
        reading.stop_at = 1;
        loop_run(&reading.loop);
        reading_run_for_us(2000);
        reading_close_client();
        loop_run(&reading.loop);
        assert_int_equal(reading.ended, parts[i] == 0 ? ERR_EOF : ERR_CONNECTION);
        reading_close();
        assert_int_equal(budget.used, 0);
    }
}

static size_t heap_used(void) {
    struct mallinfo2 info = mallinfo2(); /* zeros under a sanitizer, whose heap is another */
    return info.uordblks + info.hblkhd;
}

/* A claimed length takes no memory: of the largest frame only as much as has arrived is allocated,
 * twice at most. */
static void test_reader_claimed_length(void **state) {
    (void)state;
    reading_open(NULL);
    size_t before = heap_used();
    reading_send_head(MAX_LENGTH);
    reading_send("only this", 9);
    reading_run_for_us(5000);
    assert_true(heap_used() < before + 100 * 1000);
    static uint8_t zeros[300000];
    reading_send(zeros, sizeof zeros);
    reading_run_for_us(5000);
    assert_true(heap_used() < before + 2 * sizeof zeros + 100 * 1000);
    assert_int_equal(reading.count, 0);
    assert_int_equal(reading.ended, -1);
    reading_close();
}

/* A connection that is idle, after whole frames or within a small one, holds no chunk. */
static void test_reader_idle_holds_nothing(void **state) {
    (void)state;
    reading_open(NULL);
    reading.drop = true;
    reading_run_for_us(1000);
    size_t before = heap_used();
    for (size_t i = 0; i < 100; i++)
        reading_send_frame(i, 5000);
    reading_send_head(1000);
    reading_send("a beginning", 11);
    reading_run_until(100, 10000);
    assert_int_equal(reading.count, 100);
    assert_true(heap_used() < before + 20 * 1000);
    reading_close();
}

/* The reader may be freed, with its stream, inside of a frame. */
static void test_reader_freed_inside(void **state) {
    (void)state;
    reading_open(NULL);
    for (size_t i = 0; i < 10; i++)
        reading_send_frame(i, 5000);
    reading.free_at = 3;
    reading_run_until(3, 5000);
    assert_int_equal(reading.count, 3);
    reading_close();
}

/* ---- Pauses ---- */

/* Paused inside of a frame, nothing more is delivered, though it is here; going on gives the rest,
 * not inside the call. */
static void test_reader_pause(void **state) {
    (void)state;
    enum { COUNT = 20 };
    reading_open(NULL);
    for (size_t i = 0; i < COUNT; i++)
        reading_send_frame(i, i % 2 == 0 ? 10 : 80000);
    for (size_t i = 1; i <= COUNT; i++) {
        reading.pause_at = i;
        reading_run_until(i, 2000);
        assert_int_equal(reading.count, i);
        frame_reader_pause(reading.reader, false);
        assert_int_equal(reading.count, i);
    }
    for (size_t i = 0; i < COUNT; i++)
        reading_assert_frame(i, i % 2 == 0 ? 10 : 80000);
    reading_close();
}

/* The stream ends while the reader is paused: the frames that are here come first, then the end. */
static void test_reader_end_while_paused(void **state) {
    (void)state;
    reading_open(NULL);
    for (size_t i = 0; i < 5; i++)
        reading_send_frame(i, 50);
    reading.pause_at = 2;
    reading_run_until(2, 2000);
    reading_close_client();
    reading_run_for_us(2000);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.ended, -1);
    frame_reader_pause(reading.reader, false);
    loop_run(&reading.loop);
    assert_int_equal(reading.count, 5);
    assert_int_equal(reading.ended, ERR_EOF);
    reading_close();
}

/* A stream that breaks has ended, even while the reader is paused with frames that are here. */
static void test_reader_break_while_paused(void **state) {
    (void)state;
    reading_open(NULL);
    for (size_t i = 0; i < 5; i++)
        reading_send_frame(i, 50);
    reading.pause_at = 2;
    reading_run_until(2, 2000);
    struct send_queue *answers = send_queue_new(reading.loop.env, reading.server, 0, NULL, NULL);
    send_queue_push(answers, slice_copy(NULL, "unread", 6)); /* makes the close a reset */
    reading_run_for_us(2000);
    reading_close_client();
    if (reading.ended == -1) loop_run(&reading.loop);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.ended, ERR_CONNECTION);
    send_queue_free(answers);
    reading_close();
}

static void timer_fired(void *arg) {
    *(size_t *)arg = reading.count;
}

/* Who sends half a frame is heard. */
static void test_reader_hears_half_frames(void **state) {
    (void)state;
    reading_open(NULL);
    reading_send_head(100);
    for (int i = 0; i < 1000 && reading.heard == 0; i++)
        reading_run_for_us(1000);
    assert_int_equal(reading.heard, 1);
    assert_int_equal(reading.count, 0);
    reading_close();
}

/* How long a frame was here in part is told with it; of one that comes whole, nothing. */
static void test_reader_tells_how_long(void **state) {
    (void)state;
    for (size_t len = 100; len <= 100000; len *= 1000) { /* within a chunk, and a large one */
        reading_open(NULL);
        reading_send_frame(0, 50);
        reading_run_until(1, 0);
        assert_int_equal(frame_reader_took_us(reading.reader), 0);
        uint8_t *body = mem_zalloc(len);
        reading_send_head((uint32_t)len);
        reading_run_for_us(30000);
        reading_send(body, len);
        reading_run_until(2, 0);
        assert_in_range(frame_reader_took_us(reading.reader), 25000, 30000000);
        reading_send_frame(2, 50);
        reading_run_until(3, 0);
        assert_int_equal(frame_reader_took_us(reading.reader), 0);
        mem_free(body);
        reading_close();
    }
}

/* A patient reader of many frames, each of which is work, lets others run in between, and delivers
 * all of them in their order. */
static void test_reader_patient(void **state) {
    (void)state;
    enum { COUNT = 60 };
    for (enum frame_patience patience = FRAMES_WAIT_NOT; patience <= FRAMES_WAIT_BUT_ONE;
         patience++) {
        reading_open(NULL);
        frame_reader_set_patience(reading.reader, patience);
        reading.work_us = 1000;
        for (size_t i = 0; i < COUNT; i++)
            reading_send_frame(i, 50);
        size_t seen = 0;
        struct env_timer *other = env_timer_new(reading.loop.env, timer_fired, &seen);
        reading_run_until(1, 0);
        env_timer_start(other, 1000);
        reading_run_until(COUNT, 10000);
        assert_int_equal(reading.count, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            reading_assert_frame(i, 50);
        if (patience != FRAMES_WAIT_NOT) assert_in_range(seen, 1, COUNT / 2);
        env_timer_free(other);
        reading_close();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_sizes),
        cmocka_unit_test(test_reader_every_cut),
        cmocka_unit_test(test_reader_slices_stay),
        cmocka_unit_test(test_reader_bad_lengths),
        cmocka_unit_test(test_reader_ends),
        cmocka_unit_test(test_reader_claimed_length),
        cmocka_unit_test(test_reader_idle_holds_nothing),
        cmocka_unit_test(test_reader_freed_inside),
        cmocka_unit_test(test_reader_pause),
        cmocka_unit_test(test_reader_end_while_paused),
        cmocka_unit_test(test_reader_break_while_paused),
        cmocka_unit_test(test_reader_hears_half_frames),
        cmocka_unit_test(test_reader_tells_how_long),
        cmocka_unit_test(test_reader_patient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
