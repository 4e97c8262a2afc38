/* The send queue: order, exact counts, draining, and ends in the middle of a write. */
#include <stdio.h>
#include <string.h>

#include "base/io/send_queue.h"
#include "base/mem.h"
#include "tests/unit/base/fixture_pair.h"
#include "tests/unit/unit.h"

static struct sending {
    struct loop loop;
    struct env_stream *client, *server;
    struct send_queue *queue;
    uint8_t room[65536];
    uint64_t received;
    uint64_t stop_at; /* bytes */
    uint64_t wrong;   /* bytes that were not those expected */
    int drained;
    int ended; /* of the client's stream; -1 */
    bool free_when_drained;
} sending; /* one test at a time */

static uint8_t byte_at(uint64_t place) {
    return (uint8_t)(place * 11 + place / 257);
}

static size_t room(void *arg, void **into) {
    (void)arg;
    *into = sending.room;
    return sizeof sending.room;
}

static void server_received(void *arg, size_t len) {
    (void)arg;
    for (size_t i = 0; i < len; i++)
        if (sending.room[i] != byte_at(sending.received++)) sending.wrong++;
    if (sending.received >= sending.stop_at) loop_done(&sending.loop);
}

static void nothing_received(void *arg, size_t len) {
    (void)arg;
    (void)len;
}

static void client_ended(void *arg, int error) {
    (void)arg;
    sending.ended = error;
    loop_done(&sending.loop);
}

static void server_ended(void *arg, int error) {
    (void)arg;
    (void)error;
}

static const struct env_stream_events server_events = {.room = room,
                                                       .received = server_received,
                                                       .ended = server_ended};
static const struct env_stream_events client_events = {.room = room,
                                                       .received = nothing_received,
                                                       .ended = client_ended};

static void drained(void *arg) {
    assert_ptr_equal(arg, &sending);
    sending.drained++;
    if (!sending.free_when_drained) return;
    send_queue_free(sending.queue);
    sending.queue = NULL;
    loop_done(&sending.loop);
}

static void open_sending(size_t low_bytes) {
    memset(&sending, 0, sizeof sending);
    sending.ended = -1;
    loop_open(&sending.loop);
    pair_open(&sending.loop, &sending.client, &sending.server);
    sending.queue = send_queue_new(sending.loop.env, sending.client, low_bytes, drained, &sending);
    env_stream_attach(sending.server, &server_events, NULL);
    env_stream_attach(sending.client, &client_events, NULL);
}

static void close_sending(void) {
    if (sending.queue != NULL) send_queue_free(sending.queue);
    env_stream_close(sending.client);
    if (sending.server != NULL) env_stream_close(sending.server);
    loop_close(&sending.loop);
}

/* Queues bytes `from` .. `from + len` of the endless sequence, charged to the budget. */
static void push(struct budget *budget, uint64_t from, size_t len) {
    struct buffer *buffer = buffer_new(budget, len);
    for (size_t i = 0; i < len; i++)
        buffer->data[i] = byte_at(from + i);
    send_queue_push(sending.queue,
                    (struct slice){.buffer = buffer, .data = buffer->data, .len = len});
}

/* Thousands of slices, small and large, leave in order; each is released when written; the count
 * comes back to zero. */
static void test_queue_keeps_order(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    open_sending(1000);
    struct budget budget;
    budget_init(&budget, SIZE_MAX);
    uint64_t total = 0;
    for (size_t i = 0; i < COUNT; i++) {
        size_t len = i % 100 == 0 ? 300000 : i * 37 % 900;
        push(&budget, total, len);
        total += len;
    }
    assert_int_equal(send_queue_bytes(sending.queue), total);
    assert_int_equal(budget.used, total);
    sending.stop_at = total;
    env_stream_read(sending.server, true);
    loop_run(&sending.loop);
    while (send_queue_bytes(sending.queue) > 0) { /* the last report may come a turn later */
        sending.stop_at = 0;
        env_uv_run(sending.loop.env);
    }
    assert_int_equal(sending.received, total);
    assert_int_equal(sending.wrong, 0);
    assert_int_equal(sending.drained, 1);
    assert_int_equal(budget.used, 0);
    close_sending();
}

/* `drained` comes once for each time that the queue was above its low mark, and not while it stays
 * below. */
static void test_queue_drained(void **state) {
    (void)state;
    open_sending(100);
    env_stream_read(sending.server, true);
    push(NULL, 0, 100);
    sending.stop_at = 100;
    loop_run(&sending.loop);
    assert_int_equal(sending.drained, 0);
    push(NULL, 100, 101);
    sending.stop_at = 201;
    loop_run(&sending.loop);
    assert_int_equal(sending.drained, 1);
    push(NULL, 201, 50);
    push(NULL, 251, 51);
    sending.stop_at = 302;
    loop_run(&sending.loop);
    assert_int_equal(sending.drained, 2);
    push(NULL, 302, 100);
    sending.stop_at = 402;
    loop_run(&sending.loop);
    assert_int_equal(sending.drained, 2);
    assert_int_equal(sending.wrong, 0);
    close_sending();
}

/* The queue may be freed when it reports that it drained. */
static void test_queue_freed_when_drained(void **state) {
    (void)state;
    open_sending(0);
    sending.free_when_drained = true;
    push(NULL, 0, 10);
    loop_run(&sending.loop);
    assert_null(sending.queue);
    close_sending();
}

/* Freed and closed in the middle of a large write: every slice is given back once the environment
 * lets go of it. */
static void test_queue_freed_under_way(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, SIZE_MAX);
    open_sending(0);
    for (int i = 0; i < 50; i++)
        push(&budget, 0, 1000000); /* the server does not read */
    struct env_timer *soon = env_timer_new(sending.loop.env, (void (*)(void *))loop_done,
                                           &sending.loop);
    env_timer_start(soon, 5000);
    loop_run(&sending.loop);
    env_timer_free(soon);
    assert_true(budget.used > 0);
    close_sending();
    assert_int_equal(budget.used, 0);
}

/* Freed before anything was written. */
static void test_queue_freed_at_once(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, SIZE_MAX);
    open_sending(0);
    push(&budget, 0, 1000);
    push(&budget, 0, 0);
    close_sending();
    assert_int_equal(budget.used, 0);
}

static void until_empty(void *arg) {
    struct env_timer *poll = *(struct env_timer **)arg;
    if (send_queue_bytes(sending.queue) == 0)
        loop_done(&sending.loop);
    else
        env_timer_start(poll, 1000);
}

/* The other side goes: the queue drops what it holds and everything that comes, the stream tells
 * the owner. */
static void test_queue_broken(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, SIZE_MAX);
    open_sending(0);
    for (int i = 0; i < 20; i++)
        push(&budget, 0, 1000000);
    struct env_timer *soon = env_timer_new(sending.loop.env, (void (*)(void *))loop_done,
                                           &sending.loop);
    env_timer_start(soon, 5000);
    loop_run(&sending.loop);
    env_timer_free(soon);
    env_stream_close(sending.server);
    sending.server = NULL;
    loop_run(&sending.loop); /* until `ended` */
    assert_int_equal(sending.ended, ERR_CONNECTION);
    struct env_timer *poll = env_timer_new(sending.loop.env, until_empty,
                                           &poll); /* the write may end after the stream */
    env_timer_start(poll, 0);
    loop_run(&sending.loop);
    env_timer_free(poll);
    push(&budget, 0, 1000);
    assert_int_equal(send_queue_bytes(sending.queue), 0);
    assert_int_equal(budget.used, 0);
    close_sending();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_keeps_order),
        cmocka_unit_test(test_queue_drained),
        cmocka_unit_test(test_queue_freed_when_drained),
        cmocka_unit_test(test_queue_freed_under_way),
        cmocka_unit_test(test_queue_freed_at_once),
        cmocka_unit_test(test_queue_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
