/*
 * Header, version, then the message by the schema of its API; what is much goes this way:
 *
 *   wait for room ----> in the pool ----> decoded
 *          `----> refused, also because the client has gone (a Produce is stored all the same)
 */
#include "broker/server/request_decode.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/memory/parking.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/frame.h"

enum {
    MESSAGE_LEAST = 64 << 10, /* a decoded message may take so much memory, */
    MESSAGE_FACTOR = 16,      /* and so many times the size of the request, */
    MESSAGE_MOST = 16 << 20,  /* but never more: some 100,000 partitions */
    INLINE_ITEMS = 4000,      /* a message of more elements is decoded off the loop */
};

/* `items`: elements of arrays and tagged fields that may be read; ERR_AGAIN when there are more. */
static int decode(struct request *request, uint32_t items, struct error_text *why) {
    struct kp_reader reader;
    struct kp_request_header header;
    size_t most = MESSAGE_LEAST + MESSAGE_FACTOR * request->frame.len;
    kp_arena_init(&request->arena, most < MESSAGE_MOST ? most : MESSAGE_MOST);
    kp_reader_init(&reader, request->frame.data, request->frame.len);
    reader.items = items;
    int error = kp_request_header_decode(&reader, &header);
    if (error == ERR_AGAIN) return error;
    if (error == ERR_MALFORMED)
        return error_set(why, error, "what it sent is no request of the Kafka protocol");
    request->api_key = header.api_key;
    request->correlation_id = header.correlation_id;
    if (error == ERR_VERSION) {
        /* KIP-511: answered in version 0, from a request that nobody can read. */
        if (header.api_key == KP_API_VERSIONS) return ERR_NONE;
        kp_api_refusal(header.api_key, header.api_version, why);
        return error;
    }
    request->api_version = header.api_version;
    request->ctx.client_id = header.client_id;
    const struct kp_schema *schema = header.api->request;
    void *message = kp_arena_alloc(&request->arena, schema->size);
    CHECK(message != NULL); /* MESSAGE_LEAST is more */
    error = kp_decode(schema, header.api_version, &reader, &request->arena, message);
    if (error == ERR_AGAIN) return error;
    if (error != ERR_NONE)
        return error_set(why, error, "its %s request (version %d, %zu bytes) cannot be read: %s",
                         header.api->name, header.api_version, request->frame.len,
                         error_phrase(error));
    request->message = message;
    return ERR_NONE;
}

int request_decode(struct request *request, struct error_text *why) {
    int error = decode(request, INLINE_ITEMS, why);
    if (error == ERR_AGAIN) kp_arena_close(&request->arena);
    return error;
}

/* ---- In the pool ---- */

struct decoding {
    struct env_job job; /* first */
    struct request *request;
    const struct request_decode_events *events;
    struct parking *crowd;
    struct budget_waiter room;
    struct env_task begin;
    struct parked parked;
    struct error_text why;
    int error;
};

static void stop_waiting(struct decoding *decoding) {
    struct request *request = decoding->request;
    parking_leave(decoding->crowd, &decoding->parked);
    budget_wait_cancel(request->ctx.memory, &decoding->room);
    env_defer_cancel(request->env, &decoding->begin);
    request->state = NULL;
    request->canceled = NULL;
}

static void decode_work(struct env_job *job) {
    struct decoding *decoding = (struct decoding *)job;
    decoding->error = decode(decoding->request, UINT32_MAX, &decoding->why);
}

static void decode_done(struct env_job *job) {
    struct decoding *decoding = (struct decoding *)job;
    decoding->events->decoded(decoding->request, decoding->error, &decoding->why);
    mem_free(decoding);
}

static void decode_begin(struct env_task *task) {
    struct decoding *decoding = CONTAINER_OF(task, struct decoding, begin);
    struct request *request = decoding->request;
    if (!budget_may_pass(request->ctx.memory, request)) {
        budget_wait(request->ctx.memory, &decoding->room);
        if (!decoding->parked.waiting) parking_park(decoding->crowd, &decoding->parked);
        return;
    }
    stop_waiting(decoding);
    budget_charge(request->ctx.memory, request->arena.limit);
    request->charged += request->arena.limit;
    env_pool_run(request->env, &decoding->job);
}

static void there_is_room(struct budget_waiter *waiter) {
    struct decoding *decoding = CONTAINER_OF(waiter, struct decoding, room);
    env_yield(decoding->request->env, &decoding->begin);
}

static void give_way(struct parked *parked) {
    struct decoding *decoding = CONTAINER_OF(parked, struct decoding, parked);
    struct request *request = decoding->request;
    const struct request_decode_events *events = decoding->events;
    stop_waiting(decoding);
    mem_free(decoding);
    events->refused(request);
}

/* What was produced without a wish for an answer is stored although the client has gone. */
static void client_gone(struct request *request) {
    struct decoding *decoding = request->state;
    if (request->api_key == KP_PRODUCE) return;
    give_way(&decoding->parked);
}

/* It may be a part of a chunk that others hold, too: a copy, which at most doubles 64 KiB for a
 * moment. */
static void charge_frame(struct request *request, struct budget *frames) {
    struct slice frame = request->frame;
    if (frame.buffer->budget == frames) return;
    request->frame = slice_copy(frames, frame.data, frame.len);
    slice_unref(&frame);
}

void request_decode_later(struct request *request, struct budget *memory, struct budget *frames,
                          struct parking *crowd, const struct request_decode_events *events) {
    /* Nobody has charged or handled it yet. */
    CHECK(request->charged == 0 && request->state == NULL);
    struct decoding *decoding = mem_zalloc(sizeof *decoding);
    *decoding = (struct decoding){.job = {.work = decode_work, .done = decode_done},
                                  .request = request,
                                  .events = events,
                                  .crowd = crowd,
                                  .room.room = there_is_room,
                                  .begin.run = decode_begin,
                                  .parked.give_way = give_way};
    charge_frame(request, frames);
    request->ctx.memory = memory;
    request->state = decoding;
    request->canceled = client_gone;
    env_yield(request->env, &decoding->begin);
}
