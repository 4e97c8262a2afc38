/*
 * Frames out of a stream. Three places hold what has arrived:
 *
 *   chunk   64 KiB; frames that lie whole in it are delivered from it
 *   rest    bytes that were moved out of a chunk, so that an idle or waiting connection holds none
 *   large   a frame that gets a buffer of its own: longer than a chunk, or the last one that the
 *           budget lets in
 *
 *           bytes arrive            whole frame: deliver (copy under 4 KiB, else a slice)
 *   read ---------------> cut ----> begins, will be large: admit -> read into it -> deliver -> cut
 *                          `------> else: read more
 *
 * The memory of a large frame doubles as its bytes arrive, and starts at the size of the largest
 * frame that this stream has already sent whole: a stranger pays in bytes for what we allocate, and
 * that is what the budget is charged. While the budget is spent no frame is begun, but what is here
 * is delivered, and a short frame that has begun is finished without reading past it. A large one
 * that has begun waits when its memory is full, unless it is the one that may pass the limit: so
 * two half frames never wait for each other.
 */
#include "base/io/frame_reader.h"

#include <endian.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"

enum {
    HEAD = 4, /* the length */
    CHUNK = 64 * 1024,
    SMALL = 4 * 1024, /* below this a copy costs less than a chunk that is pinned */
};

struct large {
    uint8_t *data; /* NULL: none */
    size_t len;    /* of the frame */
    size_t here;   /* bytes of it that have arrived */
    size_t room;   /* bytes allocated; charged to the budget */
    uint64_t begun_us;
    uint64_t since_us; /* it is being read for, without a wait of our own */
    uint64_t moved_us; /* when bytes of it came last, or a wait of our own ended */
};

struct frame_reader {
    struct env *env;
    struct either_stream stream;
    struct budget *budget; /* may be NULL */
    struct budget *halves; /* pays for `large`; may be `budget` */
    struct budget *larges; /* pays for large frames that are whole; may be `budget` */
    const struct frame_reader_events *events;
    void *arg;
    uint32_t min_length, max_length;

    struct buffer *chunk; /* NULL: none */
    size_t start, end;    /* the bytes of the chunk that are not cut yet */
    uint8_t *rest;        /* NULL: none */
    size_t rest_len;
    struct large large;
    size_t largest;   /* the largest frame that came whole */
    uint64_t half_us; /* when the first bytes of the frame that is not whole were seen; 0: none */
    uint64_t took_us; /* of the frame that is delivered, from then on */
    uint64_t bytes;   /* of the stream so far */

    enum frame_patience patience;
    bool paused;
    bool over;             /* `ended` was called */
    int end_error;         /* how the stream ended, to be told when all frames are delivered */
    struct env_task work;  /* cuts and reads on, outside of the call that made it possible */
    struct env_task later; /* the same, in a later turn */
    struct budget_waiter waiter;
    struct budget *waits_for; /* the budget that has the waiter */
    bool *freed;              /* while cutting: set when the reader is freed inside */
};

static bool is_large(size_t len) {
    return HEAD + len > CHUNK;
}

static struct budget *who_pays(const struct frame_reader *reader, size_t len) {
    return is_large(len) ? reader->larges : reader->budget;
}

static void drop_chunk(struct frame_reader *reader) {
    buffer_unref(reader->chunk);
    reader->chunk = NULL;
    reader->start = reader->end = 0;
}

static void drop_large(struct frame_reader *reader) {
    if (reader->large.data == NULL) return;
    mem_free(reader->large.data);
    size_t charged = reader->large.room;
    reader->large = (struct large){0};
    if (reader->halves == NULL) return;
    budget_release(reader->halves, charged);
    budget_end_pass(reader->halves, reader);
}

/* ---- Large frames ---- */

static void large_begin(struct frame_reader *reader, size_t len, const uint8_t *bytes,
                        size_t here) {
    /* need_more comes here only without a large frame, and with less than all of one */
    CHECK(reader->large.data == NULL && here <= len);
    size_t room = here * 2 + CHUNK;
    if (room < reader->largest) room = reader->largest;
    if (room > len) room = len;
    if (reader->halves != NULL) budget_charge(reader->halves, room);
    uint64_t now_us = env_now_us(reader->env);
    reader->large = (struct large){.data = mem_alloc(room),
                                   .len = len,
                                   .here = here,
                                   .room = room,
                                   .begun_us = now_us,
                                   .since_us = now_us,
                                   .moved_us = now_us};
    memcpy(reader->large.data, bytes, here);
}

/* Whether more of it can be read now; makes the room for that. */
static bool large_grow(struct frame_reader *reader) {
    struct large *large = &reader->large;
    if (large->here < large->room) return true;
    if (reader->halves != NULL && !budget_may_pass(reader->halves, reader)) return false;
    size_t room = large->room * 2 < large->len ? large->room * 2 : large->len;
    if (reader->halves != NULL) budget_charge(reader->halves, room - large->room);
    large->data = mem_realloc(large->data, room);
    large->room = room;
    return true;
}

static size_t large_room(struct large *large, void **into) {
    CHECK(large->here < large->room); /* large_grow has made room before reading went on */
    *into = large->data + large->here;
    return large->room - large->here;
}

static struct slice large_finish(struct frame_reader *reader) {
    struct large large = reader->large;
    /* cut_one has compared, and room never passes len. */
    CHECK(large.here == large.len && large.room == large.len);
    if (large.len > reader->largest) reader->largest = large.len;
    /* the slice takes over the charge: made first, so that nobody sees room in between */
    struct slice frame = slice_adopt(who_pays(reader, large.len), large.data, large.len);
    reader->large = (struct large){0};
    if (reader->halves != NULL) {
        budget_release(reader->halves, large.len);
        budget_end_pass(reader->halves, reader);
    }
    return frame;
}

/* ---- Cutting ---- */

enum cut {
    CUT_READ,  /* more bytes are needed, and may be read */
    CUT_WAIT,  /* for the owner or the budget */
    CUT_LATER, /* in another turn */
    CUT_OVER,  /* told `ended` */
    CUT_FREED, /* there is no reader any more */
};

static enum cut tell_end(struct frame_reader *reader, int error, uint32_t length) {
    either_read(reader->stream, false);
    reader->over = true;
    drop_chunk(reader);
    drop_large(reader);
    mem_free(reader->rest);
    reader->rest = NULL;
    reader->events->ended(reader->arg, error, length);
    return CUT_OVER;
}

static enum cut wait_for_budget(struct frame_reader *reader, struct budget *budget) {
    if (!reader->waiter.waiting) {
        reader->waits_for = budget;
        budget_wait(budget, &reader->waiter);
    }
    return CUT_WAIT;
}

static struct slice cut_from_chunk(struct frame_reader *reader, size_t len) {
    struct slice frame;
    if (len < SMALL) {
        frame = slice_copy(reader->budget, reader->chunk->data + reader->start + HEAD, len);
    } else {
        buffer_charge(reader->chunk, reader->budget);
        frame = slice_of(reader->chunk, reader->start + HEAD, len);
    }
    reader->start += HEAD + len;
    return frame;
}

/* What to do when no whole frame is here and the stream has not ended. */
static enum cut need_more(struct frame_reader *reader, size_t here, size_t len) {
    struct budget *payer = here < HEAD ? reader->budget : who_pays(reader, len);
    bool spent = payer != NULL && budget_spent(payer);
    if (here > 0 && reader->half_us == 0) reader->half_us = env_now_us(reader->env);
    if (here < HEAD) return spent ? wait_for_budget(reader, payer) : CUT_READ;
    if (!is_large(len) && !spent) return CUT_READ;
    if (is_large(len) && spent) return wait_for_budget(reader, payer);
    if (is_large(len) && reader->halves != NULL && budget_spent(reader->halves))
        return wait_for_budget(reader, reader->halves);
    large_begin(reader, len, reader->chunk->data + reader->start + HEAD, here - HEAD);
    drop_chunk(reader);
    return CUT_READ;
}

/* Finds the next frame. CUT_READ with *found: it is in *frame. */
static enum cut cut_one(struct frame_reader *reader, struct slice *frame, bool *found) {
    *found = true;
    if (reader->large.data != NULL && reader->large.here == reader->large.len) {
        *frame = large_finish(reader);
        return CUT_READ;
    }
    size_t here = reader->end - reader->start;
    uint32_t len = 0;
    if (reader->large.data == NULL && here >= HEAD) {
        memcpy(&len, reader->chunk->data + reader->start, HEAD);
        len = be32toh(len);
        if (len < reader->min_length || len > INT32_MAX)
            return tell_end(reader, ERR_MALFORMED, len);
        if (len > reader->max_length) return tell_end(reader, ERR_TOO_LARGE, len);
        if (len <= here - HEAD) {
            *frame = cut_from_chunk(reader, len);
            return CUT_READ;
        }
    }
    *found = false;
    bool inside = reader->large.data != NULL || here > 0;
    if (reader->end_error != ERR_NONE)
        return tell_end(
            reader, reader->end_error == ERR_EOF && inside ? ERR_CONNECTION : reader->end_error, 0);
    if (reader->large.data == NULL) return need_more(reader, here, len);
    return large_grow(reader) ? CUT_READ : wait_for_budget(reader, reader->halves);
}

/* Delivers what is here, as long as the owner wants it, and one frame in any case if it `may_one`.
 */
static enum cut cut_all(struct frame_reader *reader, bool may_one) {
    bool freed = false, found = true;
    enum cut cut = CUT_WAIT;
    /* cutting does not begin inside of cutting: only in events of the stream, and deferred */
    CHECK(reader->freed == NULL);
    reader->freed = &freed;
    for (; !reader->paused; may_one = false) {
        struct slice frame;
        if (reader->patience != FRAMES_WAIT_NOT && !may_one && env_turn_is_long(reader->env)) {
            cut = CUT_LATER;
            break;
        }
        cut = cut_one(reader, &frame, &found);
        if (freed) return CUT_FREED;
        if (!found || cut == CUT_OVER) break;
        cut = CUT_WAIT; /* in case that the owner pauses */
        reader->took_us = reader->half_us == 0 ? 0 : env_now_us(reader->env) - reader->half_us;
        reader->half_us = 0;
        reader->events->frame(reader->arg, frame);
        if (freed) return CUT_FREED;
    }
    reader->freed = NULL;
    return cut;
}

/*
 * Lets go of the chunk if it holds little or nothing: a stream that is idle shall not hold 64 KiB.
 * One that waits holds no chunk that the budget pays for (because slices of it were delivered), or
 * it could wait for itself.
 */
static void shrink(struct frame_reader *reader, enum cut cut) {
    size_t here = reader->end - reader->start;
    if (reader->chunk == NULL) return;
    bool waits_on_charge = cut == CUT_WAIT && reader->chunk->budget != NULL;
    if (here >= SMALL && !waits_on_charge) return;
    if (here > 0) {
        reader->rest = mem_alloc(here);
        reader->rest_len = here;
        memcpy(reader->rest, reader->chunk->data + reader->start, here);
    }
    drop_chunk(reader);
}

/* The rest goes back to the head of a chunk, where cutting finds it. */
static void reader_restore(struct frame_reader *reader) {
    if (reader->chunk != NULL || reader->rest == NULL) return;
    reader->chunk = buffer_new(NULL, CHUNK);
    memcpy(reader->chunk->data, reader->rest, reader->rest_len);
    reader->end = reader->rest_len;
    mem_free(reader->rest);
    reader->rest = NULL;
    reader->rest_len = 0;
}

static void cut_on(struct frame_reader *reader, bool may_one) {
    if (reader->over) return;
    reader_restore(reader);
    enum cut cut = cut_all(reader, may_one);
    if (cut == CUT_FREED || cut == CUT_OVER) return;
    shrink(reader, cut);
    if (cut == CUT_LATER && reader->patience == FRAMES_WAIT)
        env_yield(reader->env, &reader->later);
    else if (cut == CUT_LATER)
        env_yield_first(reader->env, &reader->later);
    either_read(reader->stream, cut == CUT_READ);
}

static void cut_and_read(struct frame_reader *reader) {
    cut_on(reader, reader->patience == FRAMES_WAIT_BUT_ONE);
}

static void reader_later(struct env_task *task) {
    cut_on(CONTAINER_OF(task, struct frame_reader, later), true);
}

static void reader_work(struct env_task *task) {
    struct frame_reader *reader = CONTAINER_OF(task, struct frame_reader, work);
    /* whatever made it wait, it was not the other side */
    reader->large.since_us = reader->large.moved_us = env_now_us(reader->env);
    cut_and_read(reader);
}

/* Called from a release somewhere: the work is done later, at a place where frames may be
 * delivered. */
static void budget_has_room(struct budget_waiter *waiter) {
    struct frame_reader *reader = CONTAINER_OF(waiter, struct frame_reader, waiter);
    env_defer(reader->env, &reader->work);
}

/* ---- Events of the stream ---- */

static size_t room(void *arg, void **into) {
    struct frame_reader *reader = arg;
    if (reader->large.data != NULL) return large_room(&reader->large, into);
    reader_restore(reader);
    struct buffer *old = reader->chunk;
    size_t here = reader->end - reader->start;
    if (old == NULL || old->size - reader->end < SMALL) {
        /* nothing, or the beginning of one frame that is shorter than a chunk */
        reader->chunk = buffer_new(NULL, CHUNK);
        if (here > 0) memcpy(reader->chunk->data, old->data + reader->start, here);
        buffer_unref(old);
        reader->start = 0;
        reader->end = here;
    }
    /* A new chunk is larger than the one short frame that it takes over. */
    CHECK(reader->end < reader->chunk->size);
    *into = reader->chunk->data + reader->end;
    return reader->chunk->size - reader->end;
}

static void reader_received(void *arg, size_t len) {
    struct frame_reader *reader = arg;
    reader->bytes += len;
    if (reader->events->heard != NULL) reader->events->heard(reader->arg);
    if (reader->large.data != NULL) {
        reader->large.here += len;
        reader->large.moved_us = env_now_us(reader->env);
        /* The stream fills at most what room() offered. */
        CHECK(reader->large.here <= reader->large.room);
        if (reader->large.here < reader->large.room) return;
    } else {
        reader->end += len;
        CHECK(reader->end <= reader->chunk->size); /* as above */
    }
    cut_and_read(reader);
}

static void stream_ended(void *arg, int error) {
    struct frame_reader *reader = arg;
    reader->end_error = error;
    if (error == ERR_EOF)
        cut_and_read(reader);
    else if (!reader->over)
        tell_end(reader, error, 0);
    else if (reader->events->hung_up != NULL)
        reader->events->hung_up(reader->arg);
}

static void stream_hung_up(void *arg) {
    struct frame_reader *reader = arg;
    if (reader->events->hung_up != NULL) reader->events->hung_up(reader->arg);
}

/* ---- The owner's side ---- */

static const struct env_stream_events stream_events = {.room = room,
                                                       .received = reader_received,
                                                       .ended = stream_ended,
                                                       .hung_up = stream_hung_up};

struct frame_reader *frame_reader_new(struct env *env, struct env_stream *stream,
                                      struct budget *budget, uint32_t min_length,
                                      uint32_t max_length, const struct frame_reader_events *events,
                                      void *arg) {
    return frame_reader_new_on(env, either_plain(stream), budget, min_length, max_length, events,
                               arg);
}

struct frame_reader *frame_reader_new_on(struct env *env, struct either_stream stream,
                                         struct budget *budget, uint32_t min_length,
                                         uint32_t max_length,
                                         const struct frame_reader_events *events, void *arg) {
    /* Constants, and a setting with that limit. */
    CHECK(min_length <= max_length && max_length <= INT32_MAX);
    struct frame_reader *reader = mem_zalloc(sizeof *reader);
    reader->env = env;
    reader->stream = stream;
    reader->budget = budget;
    reader->halves = budget != NULL && budget->halves != NULL ? budget->halves : budget;
    reader->larges = budget != NULL && budget->larges != NULL ? budget->larges : budget;
    reader->events = events;
    reader->arg = arg;
    reader->min_length = min_length;
    reader->max_length = max_length;
    reader->work.run = reader_work;
    reader->later.run = reader_later;
    reader->waiter.room = budget_has_room;
    either_attach(stream, &stream_events, reader);
    env_defer(env, &reader->work);
    return reader;
}

void frame_reader_set_max(struct frame_reader *reader, uint32_t max_length) {
    CHECK(reader->min_length <= max_length && max_length <= INT32_MAX); /* as above */
    reader->max_length = max_length;
}

void frame_reader_set_patience(struct frame_reader *reader, enum frame_patience patience) {
    reader->patience = patience;
}

void frame_reader_pause(struct frame_reader *reader, bool pause) {
    if (reader->paused == pause || reader->over) return;
    reader->paused = pause;
    if (pause)
        either_read(reader->stream, false);
    else
        env_defer(reader->env, &reader->work);
}

static bool waits_for_the_other_side(const struct frame_reader *reader) {
    return reader->large.data != NULL && !reader->paused && !reader->waiter.waiting;
}

uint64_t frame_reader_slow_us(const struct frame_reader *reader) {
    return waits_for_the_other_side(reader) ? env_now_us(reader->env) - reader->large.since_us : 0;
}

uint64_t frame_reader_half_us(const struct frame_reader *reader) {
    return reader->large.data != NULL ? env_now_us(reader->env) - reader->large.begun_us : 0;
}

uint64_t frame_reader_silent_us(const struct frame_reader *reader) {
    return waits_for_the_other_side(reader) ? env_now_us(reader->env) - reader->large.moved_us : 0;
}

uint64_t frame_reader_took_us(const struct frame_reader *reader) {
    return reader->took_us;
}

uint64_t frame_reader_bytes(const struct frame_reader *reader) {
    return reader->bytes;
}

void frame_reader_free(struct frame_reader *reader) {
    if (reader == NULL) return;
    if (reader->freed != NULL) *reader->freed = true;
    if (!reader->over) either_read(reader->stream, false);
    env_defer_cancel(reader->env, &reader->work);
    env_defer_cancel(reader->env, &reader->later);
    if (reader->waiter.waiting) budget_wait_cancel(reader->waits_for, &reader->waiter);
    drop_chunk(reader);
    drop_large(reader);
    mem_free(reader->rest);
    mem_free(reader);
}
