/* Frames that are sent, and what the reader made of them. */
#include "tests/unit/base/fixture_reading.h"

#include <endian.h>
#include <string.h>

#include "base/io/send_queue.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

struct reading reading;

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

const struct frame_reader_events reading_events = {.frame = frame_came,
                                                   .ended = reader_ended,
                                                   .heard = bytes_heard};

void reading_open(struct budget *budget) {
    memset(&reading, 0, sizeof reading);
    reading.ended = -1;
    loop_open(&reading.loop);
    pair_open(&reading.loop, &reading.client, &reading.server);
    reading.queue = send_queue_new(reading.loop.env, reading.client, 0, NULL, NULL);
    reading.reader = frame_reader_new(reading.loop.env, reading.server, budget, 1, MAX_LENGTH,
                                      &reading_events, &reading);
}

void reading_drop_frames(void) {
    for (size_t i = 0; i < reading.count; i++)
        slice_unref(&reading.frames[i]);
}

void reading_close_client(void) {
    if (reading.client == NULL) return;
    send_queue_free(reading.queue);
    env_stream_close(reading.client);
    reading.client = NULL;
}

void reading_close(void) {
    reading_drop_frames();
    frame_reader_free(reading.reader);
    if (reading.server != NULL) env_stream_close(reading.server);
    reading_close_client();
    loop_close(&reading.loop);
}

void reading_send(const void *bytes, size_t len) {
    send_queue_push(reading.queue, slice_copy(NULL, bytes, len));
}

void reading_send_head(uint32_t length) {
    uint32_t head = htobe32(length);
    reading_send(&head, sizeof head);
}

uint8_t reading_byte_of(size_t i, size_t at) {
    return (uint8_t)(i * 31 + at * 7 + at / 253);
}

void reading_send_frame(size_t i, size_t len) {
    uint8_t *bytes = mem_alloc(len);
    for (size_t at = 0; at < len; at++)
        bytes[at] = reading_byte_of(i, at);
    reading_send_head((uint32_t)len);
    send_queue_push(reading.queue, slice_adopt(NULL, bytes, len));
}

void reading_assert_frame(size_t i, size_t len) {
    assert_true(i < reading.count);
    assert_int_equal(reading.frames[i].len, len);
    for (size_t at = 0; at < len; at++)
        if (reading.frames[i].data[at] != reading_byte_of(i, at))
            fail_msg("frame %zu differs at %zu", i, at);
}

void reading_run_for_us(uint64_t us) {
    struct env_timer *soon = env_timer_new(reading.loop.env, (void (*)(void *))loop_done,
                                           &reading.loop);
    env_timer_start(soon, us);
    loop_run(&reading.loop);
    env_timer_free(soon);
}

void reading_run_until(size_t count, uint64_t us) {
    reading.stop_at = count;
    if (reading.count < count) loop_run(&reading.loop);
    reading.stop_at = 0;
    reading_run_for_us(us);
}
