/*
 * Slices to one stream. A ring of slices, of which the first `flying` are in the write that is
 * under way.
 *
 *   push -> (end of the turn) -> write up to 256 slices, 1 MiB -> done -> release them
 *                                  ^--- the next write ------------------------'
 *
 * One write is under way at a time. The last slice of a write may be in it in part: the rest leads
 * the next write. Invariant: `bytes` is the sum of the lengths in the ring, each without what of it
 * was written. The queue itself lives until the environment has reported its last write, also after
 * send_queue_free.
 */
#include "base/io/send_queue.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"

enum { WRITE_BYTES = 1024 * 1024, FIRST_ROOM = 16 };

struct send_queue {
    struct env_write write; /* first: the environment gives it back */
    struct env *env;
    struct either_stream stream;
    size_t low_bytes;
    void (*drained)(void *arg);
    void *arg;
    struct slice *ring;
    size_t room, first, count; /* of the ring, in slices; room is a power of two */
    unsigned flying;           /* slices of the write under way, the last maybe in part; 0: none */
    size_t flying_bytes;
    uint64_t since_us; /* that it is under way */
    size_t bytes;
    bool patient; /* begins no write when the turn is long */
    bool broken, freed;
    bool was_above; /* above low_bytes since the last time that `drained` was called */
    struct env_task flush;
};

static struct slice *slice_at(struct send_queue *queue, size_t i) {
    return &queue->ring[(queue->first + i) & (queue->room - 1)];
}

static void drop_first(struct send_queue *queue) {
    struct slice *slice = slice_at(queue, 0);
    queue->bytes -= slice->len;
    queue->first = (queue->first + 1) & (queue->room - 1);
    queue->count--;
    slice_unref(slice);
}

/* The first slice was written in part. */
static void take_from_first(struct send_queue *queue, size_t len) {
    struct slice *slice = slice_at(queue, 0);
    slice->data += len;
    slice->len -= len;
    queue->bytes -= len;
}

/* Drops what is behind the write under way. */
static void drop_waiting(struct send_queue *queue) {
    while (queue->count > queue->flying) {
        struct slice *last = slice_at(queue, queue->count - 1);
        queue->bytes -= last->len;
        queue->count--;
        slice_unref(last);
    }
}

static void queue_grow(struct send_queue *queue) {
    size_t room = queue->room == 0 ? FIRST_ROOM : queue->room * 2;
    struct slice *ring = mem_alloc(room * sizeof *ring);
    for (size_t i = 0; i < queue->count; i++)
        ring[i] = *slice_at(queue, i);
    mem_free(queue->ring);
    queue->ring = ring;
    queue->room = room;
    queue->first = 0;
}

static void free_memory(struct send_queue *queue) {
    CHECK(queue->count == 0 && queue->bytes == 0);
    mem_free(queue->ring);
    mem_free(queue);
}

static void queue_flush(struct env_task *task) {
    struct send_queue *queue = CONTAINER_OF(task, struct send_queue, flush);
    if (queue->flying > 0 || queue->count == 0) return;
    if (queue->patient && !task->yielded && env_turn_is_long(queue->env)) {
        env_yield(queue->env, task);
        return;
    }
    struct env_iov parts[ENV_WRITE_IOV];
    unsigned n = 0;
    size_t bytes = 0;
    while (n < queue->count && n < ENV_WRITE_IOV && bytes < WRITE_BYTES) {
        const struct slice *slice = slice_at(queue, n);
        size_t len = slice->len < WRITE_BYTES - bytes ? slice->len : WRITE_BYTES - bytes;
        parts[n++] = (struct env_iov){slice->data, len};
        bytes += len;
    }
    queue->flying = n;
    queue->flying_bytes = bytes;
    queue->since_us = env_now_us(queue->env);
    either_write(queue->stream, &queue->write, parts, n);
}

static void queue_written(struct env_write *write, int error) {
    struct send_queue *queue = (struct send_queue *)write;
    CHECK(queue->flying > 0 && queue->flying <= queue->count);
    size_t left = queue->flying_bytes;
    while (left > 0 && left >= slice_at(queue, 0)->len) {
        left -= slice_at(queue, 0)->len;
        drop_first(queue); /* may wake somebody who pushes, or frees the queue: it stays while
                              something flies */
        queue->flying--;
    }
    CHECK(queue->flying == (left > 0));
    if (left > 0) take_from_first(queue, left);
    queue->flying = 0;
    if (error != ERR_NONE) queue->broken = true;
    if (queue->broken || queue->freed) drop_waiting(queue);
    if (queue->freed) {
        free_memory(queue);
        return;
    }
    if (queue->broken) return;
    if (queue->count > 0) env_defer(queue->env, &queue->flush);
    if (queue->was_above && queue->bytes <= queue->low_bytes) {
        queue->was_above = false;
        if (queue->drained != NULL) queue->drained(queue->arg);
    }
}

struct send_queue *send_queue_new(struct env *env, struct env_stream *stream, size_t low_bytes,
                                  void (*drained)(void *arg), void *arg) {
    return send_queue_new_on(env, either_plain(stream), low_bytes, drained, arg);
}

struct send_queue *send_queue_new_on(struct env *env, struct either_stream stream, size_t low_bytes,
                                     void (*drained)(void *arg), void *arg) {
    struct send_queue *queue = mem_zalloc(sizeof *queue);
    queue->env = env;
    queue->stream = stream;
    queue->low_bytes = low_bytes;
    queue->drained = drained;
    queue->arg = arg;
    queue->write.done = queue_written;
    queue->flush.run = queue_flush;
    return queue;
}

void send_queue_set_patient(struct send_queue *queue) {
    queue->patient = true;
}

void send_queue_push(struct send_queue *queue, struct slice slice) {
    CHECK(!queue->freed);
    if (queue->broken || slice.len == 0) {
        slice_unref(&slice);
        return;
    }
    if (queue->count == queue->room) queue_grow(queue);
    queue->count++;
    *slice_at(queue, queue->count - 1) = slice;
    queue->bytes += slice.len;
    if (queue->bytes > queue->low_bytes) queue->was_above = true;
    if (queue->flying == 0) env_defer(queue->env, &queue->flush);
}

size_t send_queue_bytes(const struct send_queue *queue) {
    return queue->bytes;
}

uint64_t send_queue_stalled_us(const struct send_queue *queue) {
    return queue->flying == 0 ? 0 : env_now_us(queue->env) - queue->since_us;
}

void send_queue_free(struct send_queue *queue) {
    if (queue == NULL) return;
    CHECK(!queue->freed);
    env_defer_cancel(queue->env, &queue->flush);
    drop_waiting(queue);
    queue->freed = true;
    if (queue->flying == 0) free_memory(queue);
}
