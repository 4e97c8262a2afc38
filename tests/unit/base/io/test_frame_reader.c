/* Frames out of a stream: any cut, any size, budgets, pauses and bad lengths. */
#include <endian.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/mem.h"
#include "tests/unit/base/fixture_pair.h"
#include "tests/unit/unit.h"

enum { MOST_FRAMES = 4096, MAX_LENGTH = 8 * 1024 * 1024 };

static struct reading {
    struct loop loop;
    struct env_stream *client, *server;
    struct send_queue *queue; /* of the client */
    struct frame_reader *reader;
    struct slice frames[MOST_FRAMES];
    size_t count;
    size_t stop_at;   /* ends the loop when so many frames are here */
    size_t pause_at;  /* pauses the reader inside of the frame with this number; 0: never */
    size_t free_at;   /* frees the reader inside of the frame with this number; 0: never */
    uint64_t work_us; /* each frame is so much work */
    size_t heard;     /* so often bytes came */
    bool drop;        /* frames are given back at once */
    int ended;        /* the error, or -1 */
    uint32_t length;  /* given with it */
} reading;            /* one test at a time */

static void frame_came(void *arg, struct slice frame) {
    assert_ptr_equal(arg, &reading);
    assert_true(reading.count < MOST_FRAMES);
    reading.frames[reading.count++] = frame;
    if (reading.drop) slice_unref(&reading.frames[reading.count - 1]);
    for (uint64_t end_us = env_now_us(reading.loop.env) + reading.work_us;
         reading.work_us > 0 && env_now_us(reading.loop.env) < end_us;) {}
    if (reading.count == reading.pause_at) frame_reader_pause(reading.reader, true);
    if (reading.count == reading.stop_at) loop_done(&reading.loop);
    if (reading.count == reading.free_at) {
        frame_reader_free(reading.reader);
        reading.reader = NULL;
        env_stream_close(reading.server);
        reading.server = NULL;
    }
}

static void reader_ended(void *arg, int error, uint32_t length) {
    assert_ptr_equal(arg, &reading);
    assert_int_equal(reading.ended, -1);
    reading.ended = error;
    reading.length = length;
    loop_done(&reading.loop);
}

static void bytes_heard(void *arg) {
    ((struct reading *)arg)->heard++;
}

static const struct frame_reader_events events = {.frame = frame_came,
                                                  .ended = reader_ended,
                                                  .heard = bytes_heard};

static void open_reading(struct budget *budget) {
    memset(&reading, 0, sizeof reading);
    reading.ended = -1;
    loop_open(&reading.loop);
    pair_open(&reading.loop, &reading.client, &reading.server);
    reading.queue = send_queue_new(reading.loop.env, reading.client, 0, NULL, NULL);
    reading.reader = frame_reader_new(reading.loop.env, reading.server, budget, 1, MAX_LENGTH,
                                      &events, &reading);
}

static void drop_frames(void) {
    for (size_t i = 0; i < reading.count; i++)
        slice_unref(&reading.frames[i]);
}

static void close_client(void) {
    if (reading.client == NULL) return;
    send_queue_free(reading.queue);
    env_stream_close(reading.client);
    reading.client = NULL;
}

static void close_reading(void) {
    drop_frames();
    frame_reader_free(reading.reader);
    if (reading.server != NULL) env_stream_close(reading.server);
    close_client();
    loop_close(&reading.loop);
}

static void send(const void *bytes, size_t len) {
    send_queue_push(reading.queue, slice_copy(NULL, bytes, len));
}

static void send_head(uint32_t length) {
    uint32_t head = htobe32(length);
    send(&head, sizeof head);
}

/* The bytes of frame number i. */
static uint8_t byte_of(size_t i, size_t at) {
    return (uint8_t)(i * 31 + at * 7 + at / 253);
}

static void send_frame(size_t i, size_t len) {
    uint8_t *bytes = mem_alloc(len);
    for (size_t at = 0; at < len; at++)
        bytes[at] = byte_of(i, at);
    send_head((uint32_t)len);
    send_queue_push(reading.queue, slice_adopt(NULL, bytes, len));
}

static void assert_frame(size_t i, size_t len) {
    assert_true(i < reading.count);
    assert_int_equal(reading.frames[i].len, len);
    for (size_t at = 0; at < len; at++)
        if (reading.frames[i].data[at] != byte_of(i, at))
            fail_msg("frame %zu differs at %zu", i, at);
}

static void run_for_us(uint64_t us) {
    struct env_timer *soon = env_timer_new(reading.loop.env, (void (*)(void *))loop_done,
                                           &reading.loop);
    env_timer_start(soon, us);
    loop_run(&reading.loop);
    env_timer_free(soon);
}

/* Until so many frames have come, and a while longer, in which no more should. */
static void run_until(size_t count, uint64_t us) {
    reading.stop_at = count;
    if (reading.count < count) loop_run(&reading.loop);
    reading.stop_at = 0;
    run_for_us(us);
}

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
    open_reading(&budget);
    size_t small_and_slices = 0;
    for (size_t i = 0; i < COUNT; i++)
        send_frame(i, sizes[i]);
    reading.stop_at = COUNT;
    loop_run(&reading.loop);
    for (size_t i = 0; i < COUNT; i++) {
        assert_frame(i, sizes[i]);
        small_and_slices += sizes[i] + 65536;
    }
    assert_true(budget.used <= small_and_slices);
    close_reading();
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
            bytes[len + 4 + at] = byte_of(i, at);
        len += 4 + sizes[i];
    }
    assert_int_equal(len, sizeof bytes);
    open_reading(NULL);
    static const size_t cuts[] = {1,     2,     3,     4,     5,     6,    4095,  4100,
                                  5003,  5004,  5005,  5007,  5008,  5009, 65536, 69000,
                                  75011, 75012, 75013, 75015, 75016, 75020};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        reading.count = 0;
        reading.stop_at = 3;
        send(bytes, cuts[i]);
        run_for_us(2000); /* the first part is cut before the second arrives */
        send(bytes + cuts[i], len - cuts[i]);
        if (reading.count < 3) loop_run(&reading.loop);
        for (size_t k = 0; k < 3; k++)
            assert_frame(k, sizes[k]);
        drop_frames();
    }
    reading.count = 0;
    close_reading();
}

/* Slices of one chunk stay whole while the reader reads on into the same and other chunks. */
static void test_reader_slices_stay(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    open_reading(NULL);
    for (size_t i = 0; i < COUNT; i++)
        send_frame(i, 1 + i * 7919 % 9000);
    reading.stop_at = COUNT;
    loop_run(&reading.loop);
    for (size_t i = 0; i < COUNT; i++)
        assert_frame(i, 1 + i * 7919 % 9000);
    close_reading();
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
        open_reading(&budget);
        send_frame(0, 20);
        send_head(cases[i].length);
        send("garbage that follows", 20);
        loop_run(&reading.loop);
        assert_int_equal(reading.ended, cases[i].error);
        assert_int_equal(reading.length, cases[i].length);
        assert_int_equal(reading.count, 1); /* what came before is delivered */
        assert_int_equal(budget.used, 20);
        close_reading();
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
        open_reading(&budget);
        send_frame(0, 10);
        if (parts[i] > 4) send_head(100000);
        static uint8_t zeros[70000];
        if (parts[i] > 0) send(zeros, parts[i] > 4 ? parts[i] - 4 : parts[i]);
        reading.stop_at = 1;
        loop_run(&reading.loop);
        run_for_us(2000);
        close_client();
        loop_run(&reading.loop);
        assert_int_equal(reading.ended, parts[i] == 0 ? ERR_EOF : ERR_CONNECTION);
        close_reading();
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
    open_reading(NULL);
    size_t before = heap_used();
    send_head(MAX_LENGTH);
    send("only this", 9);
    run_for_us(5000);
    assert_true(heap_used() < before + 100 * 1000);
    static uint8_t zeros[300000];
    send(zeros, sizeof zeros);
    run_for_us(5000);
    assert_true(heap_used() < before + 2 * sizeof zeros + 100 * 1000);
    assert_int_equal(reading.count, 0);
    assert_int_equal(reading.ended, -1);
    close_reading();
}

/* A connection that is idle, after whole frames or within a small one, holds no chunk. */
static void test_reader_idle_holds_nothing(void **state) {
    (void)state;
    open_reading(NULL);
    reading.drop = true;
    run_for_us(1000);
    size_t before = heap_used();
    for (size_t i = 0; i < 100; i++)
        send_frame(i, 5000);
    send_head(1000);
    send("a beginning", 11);
    run_until(100, 10000);
    assert_int_equal(reading.count, 100);
    assert_true(heap_used() < before + 20 * 1000);
    close_reading();
}

/* The reader may be freed, with its stream, inside of a frame. */
static void test_reader_freed_inside(void **state) {
    (void)state;
    open_reading(NULL);
    for (size_t i = 0; i < 10; i++)
        send_frame(i, 5000);
    reading.free_at = 3;
    run_until(3, 5000);
    assert_int_equal(reading.count, 3);
    close_reading();
}

/* ---- Pauses and budgets ---- */

/* Paused inside of a frame, nothing more is delivered, though it is here; going on gives the rest,
 * not inside the call. */
static void test_reader_pause(void **state) {
    (void)state;
    enum { COUNT = 20 };
    open_reading(NULL);
    for (size_t i = 0; i < COUNT; i++)
        send_frame(i, i % 2 == 0 ? 10 : 80000);
    for (size_t i = 1; i <= COUNT; i++) {
        reading.pause_at = i;
        run_until(i, 2000);
        assert_int_equal(reading.count, i);
        frame_reader_pause(reading.reader, false);
        assert_int_equal(reading.count, i);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_frame(i, i % 2 == 0 ? 10 : 80000);
    close_reading();
}

/* The stream ends while the reader is paused: the frames that are here come first, then the end. */
static void test_reader_end_while_paused(void **state) {
    (void)state;
    open_reading(NULL);
    for (size_t i = 0; i < 5; i++)
        send_frame(i, 50);
    reading.pause_at = 2;
    run_until(2, 2000);
    close_client();
    run_for_us(2000);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.ended, -1);
    frame_reader_pause(reading.reader, false);
    loop_run(&reading.loop);
    assert_int_equal(reading.count, 5);
    assert_int_equal(reading.ended, ERR_EOF);
    close_reading();
}

/* A stream that breaks has ended, even while the reader is paused with frames that are here. */
static void test_reader_break_while_paused(void **state) {
    (void)state;
    open_reading(NULL);
    for (size_t i = 0; i < 5; i++)
        send_frame(i, 50);
    reading.pause_at = 2;
    run_until(2, 2000);
    struct send_queue *answers = send_queue_new(reading.loop.env, reading.server, 0, NULL, NULL);
    send_queue_push(answers, slice_copy(NULL, "unread", 6)); /* makes the close a reset */
    run_for_us(2000);
    close_client();
    if (reading.ended == -1) loop_run(&reading.loop);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.ended, ERR_CONNECTION);
    send_queue_free(answers);
    close_reading();
}

static void timer_fired(void *arg) {
    *(size_t *)arg = reading.count;
}

/* Who sends half a frame is heard. */
static void test_reader_hears_half_frames(void **state) {
    (void)state;
    open_reading(NULL);
    send_head(100);
    for (int i = 0; i < 1000 && reading.heard == 0; i++)
        run_for_us(1000);
    assert_int_equal(reading.heard, 1);
    assert_int_equal(reading.count, 0);
    close_reading();
}

/* A patient reader of many frames, each of which is work, lets others run in between, and delivers
 * all of them in their order. */
static void test_reader_patient(void **state) {
    (void)state;
    enum { COUNT = 60 };
    for (enum frame_patience patience = FRAMES_WAIT_NOT; patience <= FRAMES_WAIT_BUT_ONE;
         patience++) {
        open_reading(NULL);
        frame_reader_set_patience(reading.reader, patience);
        reading.work_us = 1000;
        for (size_t i = 0; i < COUNT; i++)
            send_frame(i, 50);
        size_t seen = 0;
        struct env_timer *other = env_timer_new(reading.loop.env, timer_fired, &seen);
        run_until(1, 0);
        env_timer_start(other, 1000);
        run_until(COUNT, 10000);
        assert_int_equal(reading.count, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            assert_frame(i, 50);
        if (patience != FRAMES_WAIT_NOT) assert_in_range(seen, 1, COUNT / 2);
        env_timer_free(other);
        close_reading();
    }
}

/* With the budget spent no frame is begun; each frame given back lets the next in; all of them come
 * in the end. */
static void test_reader_budget_stops_and_goes_on(void **state) {
    (void)state;
    enum { LEN = 200000, COUNT = 12 };
    struct budget budget;
    budget_init(&budget, LEN * 2 + 1);
    open_reading(&budget);
    for (size_t i = 0; i < COUNT; i++)
        send_frame(i, LEN);
    run_until(3, 20000);
    assert_int_equal(reading.count, 3); /* the third passes the limit and is read to its end */
    assert_int_equal(budget.used, 3 * LEN);
    for (size_t i = 0; i < COUNT; i++) {
        assert_frame(i, LEN);
        slice_unref(&reading.frames[i]);
        assert_int_equal(reading.count,
                         i + 3 < COUNT ? i + 3 : COUNT); /* nothing comes inside of the release */
        run_until(i + 4 < COUNT ? i + 4 : COUNT, 20000);
    }
    assert_int_equal(reading.count, COUNT);
    close_reading();
    assert_int_equal(budget.used, 0);
}

/* Small frames under a spent budget: what is here is delivered, what has begun is finished, the
 * rest stays in the kernel. */
static void test_reader_budget_small_frames(void **state) {
    (void)state;
    enum { LEN = 3000, COUNT = 2000 }; /* 6 MB */
    struct budget budget;
    budget_init(&budget, 100 * 1000);
    open_reading(&budget);
    for (size_t i = 0; i < COUNT; i++)
        send_frame(i, LEN);
    run_for_us(50000);
    assert_true(budget.used >= budget.limit);
    assert_true(budget.used <= budget.limit + 3 * 65536);
    size_t given_back = 0;
    while (given_back < COUNT) {
        for (int i = 0; i < 10000 && reading.count == given_back;
             i++) /* until the kernel has brought more */
            run_for_us(1000);
        assert_true(reading.count > given_back);
        while (given_back < reading.count)
            slice_unref(&reading.frames[given_back++]);
    }
    close_reading();
    assert_int_equal(budget.used, 0);
}

/* A large frame whose beginning came behind what spent the budget is admitted only when there is
 * room. */
static void test_reader_budget_large_frame_waits(void **state) {
    (void)state;
    enum { FIRST = 10000, LARGE = 300000 };
    struct budget budget;
    budget_init(&budget, FIRST);
    open_reading(&budget);
    send_frame(0, FIRST); /* in one chunk with the beginning of the next: the chunk is charged */
    send_frame(1, LARGE);
    run_until(1, 20000);
    assert_int_equal(reading.count, 1);
    assert_true(budget.used >= FIRST && budget.used <= 2 * 65536);
    slice_unref(&reading.frames[0]);
    reading.stop_at = 2;
    loop_run(&reading.loop);
    assert_frame(1, LARGE);
    close_reading();
    assert_int_equal(budget.used, 0);
}

/* Two connections whose frames together pass the budget do not wait for each other in the middle.
 */
static void test_reader_no_deadlock_of_halves(void **state) {
    (void)state;
    enum { LEN = 150000, MOST = 8 };
    struct budget budget;
    budget_init(&budget, LEN + 1);
    struct loop loop;
    loop_open(&loop);
    struct env_stream *clients[MOST], *servers[MOST];
    struct send_queue *queues[MOST];
    struct frame_reader *readers[MOST];
    memset(&reading, 0, sizeof reading);
    reading.loop = loop;
    reading.drop = true;
    uint32_t head = htobe32(LEN);
    static uint8_t zeros[LEN];
    for (int i = 0; i < MOST; i++) {
        pair_open(&loop, &clients[i], &servers[i]);
        queues[i] = send_queue_new(loop.env, clients[i], 0, NULL, NULL);
        readers[i] = frame_reader_new(loop.env, servers[i], &budget, 1, MAX_LENGTH, &events,
                                      &reading);
        send_queue_push(queues[i], slice_copy(NULL, &head, 4));
        send_queue_push(queues[i], slice_copy(NULL, zeros, LEN / 2));
    }
    run_for_us(10000); /* every connection has half of a frame on its way */
    for (int i = MOST - 1; i >= 0; i--)
        send_queue_push(queues[i], slice_copy(NULL, zeros, LEN - LEN / 2));
    reading.stop_at = MOST;
    loop_run(&loop);
    for (int i = 0; i < MOST; i++) {
        frame_reader_free(readers[i]);
        env_stream_close(servers[i]);
        send_queue_free(queues[i]);
        env_stream_close(clients[i]);
    }
    loop_close(&loop);
    assert_int_equal(budget.used, 0);
}

/* Who only claims large frames takes no room from others; who sends half of them keeps others
 * waiting until he is closed. */
static void test_reader_half_frames_of_strangers(void **state) {
    (void)state;
    enum { STRANGERS = 4, CLAIM = 4 << 20, HALF = 1 << 20, LEN = 100000 };
    struct budget budget;
    budget_init(&budget, 2 << 20);
    open_reading(&budget);
    struct env_stream *clients[STRANGERS], *servers[STRANGERS];
    struct send_queue *queues[STRANGERS];
    struct frame_reader *readers[STRANGERS];
    static uint8_t zeros[HALF];
    uint32_t head = htobe32(CLAIM);
    for (int i = 0; i < STRANGERS; i++) {
        pair_open(&reading.loop, &clients[i], &servers[i]);
        queues[i] = send_queue_new(reading.loop.env, clients[i], 0, NULL, NULL);
        readers[i] = frame_reader_new(reading.loop.env, servers[i], &budget, 1, CLAIM, &events,
                                      &reading);
        send_queue_push(queues[i], slice_copy(NULL, &head, 4));
        send_queue_push(queues[i], slice_copy(NULL, zeros, 100));
    }
    send_frame(0, LEN);
    reading.stop_at = 1;
    loop_run(&reading.loop);
    assert_true(budget.used < 1 << 20);
    for (int i = 0; i < STRANGERS; i++)
        send_queue_push(queues[i], slice_copy(NULL, zeros, HALF));
    while (!budget_spent(&budget))
        run_for_us(5000);
    send_frame(1, LEN);
    run_for_us(20000);
    assert_int_equal(reading.count, 1);
    uint64_t slowest = 0;
    for (int i = 0; i < STRANGERS; i++) {
        if (frame_reader_slow_us(readers[i]) > slowest) slowest = frame_reader_slow_us(readers[i]);
    }
    assert_true(slowest >= 20000);
    reading.stop_at = 2;
    for (int i = 0; i < STRANGERS; i++) {
        frame_reader_free(readers[i]);
        env_stream_close(servers[i]);
        send_queue_free(queues[i]);
        env_stream_close(clients[i]);
    }
    if (reading.count < 2) loop_run(&reading.loop);
    assert_frame(1, LEN);
    close_reading();
    assert_int_equal(budget.used, 0);
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
        cmocka_unit_test(test_reader_patient),
        cmocka_unit_test(test_reader_budget_stops_and_goes_on),
        cmocka_unit_test(test_reader_budget_small_frames),
        cmocka_unit_test(test_reader_budget_large_frame_waits),
        cmocka_unit_test(test_reader_no_deadlock_of_halves),
        cmocka_unit_test(test_reader_half_frames_of_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
