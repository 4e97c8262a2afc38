/*
 * A frame reader at one end of a pair of streams, and a client that sends to it at the other.
 *
 * reading_open begins a test, reading_close ends it and asserts that the loop closed clean.
 */
#ifndef TESTS_UNIT_BASE_FIXTURE_READING_H
#define TESTS_UNIT_BASE_FIXTURE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/io/frame_reader.h"
#include "tests/unit/base/fixture_pair.h"

enum { MOST_FRAMES = 4096, MAX_LENGTH = 8 * 1024 * 1024 };

struct reading {
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
};
extern struct reading reading; /* one test at a time */

/* They fill `reading`, which is their argument. */
extern const struct frame_reader_events reading_events;

void reading_open(struct budget *budget);
void reading_close(void);
void reading_close_client(void);
/* Gives back all frames that have come. */
void reading_drop_frames(void);

void reading_send(const void *bytes, size_t len);
void reading_send_head(uint32_t length);
/* The bytes of frame number i. */
uint8_t reading_byte_of(size_t i, size_t at);
void reading_send_frame(size_t i, size_t len);
void reading_assert_frame(size_t i, size_t len);

void reading_run_for_us(uint64_t us);
/* Until so many frames have come, and a while longer, in which no more should. */
void reading_run_until(size_t count, uint64_t us);

#endif
