/* Frames out of a stream while the memory for them is spent: who waits, who goes on, who is not
 * held up by whom. */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/mem.h"
#include "tests/unit/base/fixture_reading.h"
#include "tests/unit/unit.h"

/* With the budget spent no frame is begun; each frame given back lets the next in; all of them come
 * in the end. */
static void test_reader_budget_stops_and_goes_on(void **state) {
    (void)state;
    enum { LEN = 200000, COUNT = 12 };
    struct budget budget;
    budget_init(&budget, LEN * 2 + 1);
    reading_open(&budget);
    for (size_t i = 0; i < COUNT; i++)
        reading_send_frame(i, LEN);
    reading_run_until(3, 20000);
    assert_int_equal(reading.count, 3); /* the third passes the limit and is read to its end */
    assert_int_equal(budget.used, 3 * LEN);
    for (size_t i = 0; i < COUNT; i++) {
        reading_assert_frame(i, LEN);
        slice_unref(&reading.frames[i]);
        assert_int_equal(reading.count,
                         i + 3 < COUNT ? i + 3 : COUNT); /* nothing comes inside of the release */
        reading_run_until(i + 4 < COUNT ? i + 4 : COUNT, 20000);
    }
    assert_int_equal(reading.count, COUNT);
    reading_close();
    assert_int_equal(budget.used, 0);
}

/* Small frames under a spent budget: what is here is delivered, what has begun is finished, the
 * rest stays in the kernel. */
static void test_reader_budget_small_frames(void **state) {
    (void)state;
    enum { LEN = 3000, COUNT = 2000 }; /* 6 MB */
    struct budget budget;
    budget_init(&budget, 100 * 1000);
    reading_open(&budget);
    for (size_t i = 0; i < COUNT; i++)
        reading_send_frame(i, LEN);
    reading_run_for_us(50000);
    assert_true(budget.used >= budget.limit);
    assert_true(budget.used <= budget.limit + 3 * 65536);
    size_t given_back = 0;
    while (given_back < COUNT) {
        for (int i = 0; i < 10000 && reading.count == given_back;
             i++) /* until the kernel has brought more */
            reading_run_for_us(1000);
        assert_true(reading.count > given_back);
        while (given_back < reading.count)
            slice_unref(&reading.frames[given_back++]);
    }
    reading_close();
    assert_int_equal(budget.used, 0);
}

/* A large frame whose beginning came behind what spent the budget is admitted only when there is
 * room. */
static void test_reader_budget_large_frame_waits(void **state) {
    (void)state;
    enum { FIRST = 10000, LARGE = 300000 };
    struct budget budget;
    budget_init(&budget, FIRST);
    reading_open(&budget);
    reading_send_frame(
        0, FIRST); /* in one chunk with the beginning of the next: the chunk is charged */
    reading_send_frame(1, LARGE);
    reading_run_until(1, 20000);
    assert_int_equal(reading.count, 1);
    assert_true(budget.used >= FIRST && budget.used <= 2 * 65536);
    slice_unref(&reading.frames[0]);
    reading.stop_at = 2;
    loop_run(&reading.loop);
    reading_assert_frame(1, LARGE);
    reading_close();
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
        readers[i] = frame_reader_new(loop.env, servers[i], &budget, 1, MAX_LENGTH, &reading_events,
                                      &reading);
        send_queue_push(queues[i], slice_copy(NULL, &head, 4));
        send_queue_push(queues[i], slice_copy(NULL, zeros, LEN / 2));
    }
    reading_run_for_us(10000); /* every connection has half of a frame on its way */
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
    reading_open(&budget);
    struct env_stream *clients[STRANGERS], *servers[STRANGERS];
    struct send_queue *queues[STRANGERS];
    struct frame_reader *readers[STRANGERS];
    static uint8_t zeros[HALF];
    uint32_t head = htobe32(CLAIM);
    for (int i = 0; i < STRANGERS; i++) {
        pair_open(&reading.loop, &clients[i], &servers[i]);
        queues[i] = send_queue_new(reading.loop.env, clients[i], 0, NULL, NULL);
        readers[i] = frame_reader_new(reading.loop.env, servers[i], &budget, 1, CLAIM,
                                      &reading_events, &reading);
        send_queue_push(queues[i], slice_copy(NULL, &head, 4));
        send_queue_push(queues[i], slice_copy(NULL, zeros, 100));
    }
    reading_send_frame(0, LEN);
    reading.stop_at = 1;
    loop_run(&reading.loop);
    assert_true(budget.used < 1 << 20);
    for (int i = 0; i < STRANGERS; i++)
        send_queue_push(queues[i], slice_copy(NULL, zeros, HALF));
    while (!budget_spent(&budget))
        reading_run_for_us(5000);
    reading_send_frame(1, LEN);
    reading_run_for_us(20000);
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
    reading_assert_frame(1, LEN);
    reading_close();
    assert_int_equal(budget.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_budget_stops_and_goes_on),
        cmocka_unit_test(test_reader_budget_small_frames),
        cmocka_unit_test(test_reader_budget_large_frame_waits),
        cmocka_unit_test(test_reader_no_deadlock_of_halves),
        cmocka_unit_test(test_reader_half_frames_of_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
