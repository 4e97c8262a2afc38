/*
 * The bytes that wait to be written to one stream, in order: slices go in, big writes come out.
 *
 * Happy path: everything queued in one turn of the loop leaves in one write (up to ENV_WRITE_IOV
 * pieces, 1 MiB); while a write is under way further slices gather for the next. A slice longer
 * than that leaves in several. Failures: after a broken write the queue drops what it holds and
 * everything that comes; the stream's own `ended` event tells the owner. Invariant:
 * send_queue_bytes() is exact.
 */
#ifndef BASE_IO_SEND_QUEUE_H
#define BASE_IO_SEND_QUEUE_H

#include "base/buffer.h"
#include "base/env.h"
#include "base/secure/either_stream.h"

struct send_queue;
/* `drained` (may be NULL) is called when the bytes queued fall to `low_bytes` or below, after
 * having been above. */
struct send_queue *send_queue_new(struct env *env, struct env_stream *stream, size_t low_bytes,
                                  void (*drained)(void *arg), void *arg);
/* The same of a stream that may speak TLS. */
struct send_queue *send_queue_new_on(struct env *env, struct either_stream stream, size_t low_bytes,
                                     void (*drained)(void *arg), void *arg);
/* What is queued in a turn that has grown long leaves in a later one. */
void send_queue_set_patient(struct send_queue *queue);
void send_queue_push(struct send_queue *queue, struct slice slice); /* takes the slice over */
size_t send_queue_bytes(const struct send_queue *queue);            /* queued and under way */
/* For how long the other side has not taken the last piece (1 MiB at most) that was given to the
 * stream; 0: it waits for nothing. */
uint64_t send_queue_stalled_us(const struct send_queue *queue);
/* Drops what is queued. The write under way (if any) keeps its slices until the environment reports
 * it. Call before env_stream_close. */
void send_queue_free(struct send_queue *queue);

#endif
