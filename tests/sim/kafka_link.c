/* One client connection; kafka_link.h has the rules. */
#include "tests/sim/kafka_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/mem.h"

enum { CONNECT_US = 1000000, FRAME_MAX = 1 << 20, ARENA_MAX = 1 << 20, TICK_US = 50000 };

struct kafka_link {
    struct run *run;
    struct env *env;
    char host[16];
    int port;
    int32_t correlation;
    unsigned ended; /* connections */
    struct env_connect *connect;
    struct env_stream *stream;
    struct frame_reader *reader;
    struct send_queue *queue;
    struct kafka_call *first, **last; /* without answer, in order; those before `unsent` are sent */
    struct env_timer *tick;
    struct env_task broken; /* ends the calls, outside of whatever found it out */
    int error;
};

static void frame_received(void *arg, struct slice frame);
static void frame_ended(void *arg, int error, uint32_t length);
static const struct frame_reader_events reader_events = {.frame = frame_received,
                                                         .ended = frame_ended};

/* ---- Breaking ---- */

static void disconnect(struct kafka_link *link) {
    if (link->connect != NULL) env_connect_cancel(link->connect);
    link->connect = NULL;
    if (link->stream == NULL) return;
    frame_reader_free(link->reader);
    send_queue_free(link->queue);
    env_stream_close(link->stream);
    link->stream = NULL;
    link->reader = NULL;
    link->queue = NULL;
}

static void end_calls(struct env_task *task) {
    struct kafka_link *link = CONTAINER_OF(task, struct kafka_link, broken);
    struct kafka_call *call = link->first;
    int error = link->error;

    link->first = NULL;
    link->last = &link->first;
    link->ended++;
    disconnect(link);
    while (call != NULL) {
        struct kafka_call *next = call->next;
        slice_unref(&call->frame);
        call->done(call, error, NULL);
        call = next;
    }
}

static void fail(struct kafka_link *link, int error) {
    link->error = error;
    env_defer(link->env, &link->broken);
}

void kafka_link_break(struct kafka_link *link) {
    fail(link, ERR_CANCELED);
}

unsigned kafka_link_ended(const struct kafka_link *link) {
    return link->ended;
}

static void tick(void *arg) {
    struct kafka_link *link = arg;

    for (struct kafka_call *call = link->first; call != NULL; call = call->next)
        if (env_now_us(link->env) >= call->deadline_us) {
            fail(link, ERR_TIMEOUT);
            break;
        }
    if (link->first != NULL) env_timer_start(link->tick, TICK_US);
}

/* ---- Answers ---- */

static void frame_received(void *arg, struct slice frame) {
    struct kafka_link *link = arg;
    struct kafka_call *call = link->first;
    struct kp_arena arena;
    uint8_t response[512];

    if (link->broken.queued) {
        slice_unref(&frame);
        return;
    }
    if (call == NULL) run_fail(link->run, "broker %s answers what was not asked", link->host);
    link->first = call->next;
    if (link->first == NULL) link->last = &link->first;
    slice_unref(&call->frame);
    CHECK(call->api->response->size <= sizeof response);
    kp_arena_init(&arena, ARENA_MAX);
    int error = kp_response_decode(call->api, call->version, call->correlation, frame.data,
                                   frame.len, &arena, response);
    if (error != ERR_NONE)
        run_fail(link->run, "the answer of %s to %s version %d cannot be decoded (%s)", link->host,
                 call->api->name, call->version, error_phrase(error));
    call->done(call, ERR_NONE, response);
    kp_arena_close(&arena);
    slice_unref(&frame);
}

static void frame_ended(void *arg, int error, uint32_t length) {
    struct kafka_link *link = arg;

    if (error == ERR_MALFORMED || error == ERR_TOO_LARGE)
        run_fail(link->run, "broker %s sends a frame of %u bytes", link->host, length);
    fail(link, error == ERR_EOF ? ERR_CONNECTION : error);
}

/* ---- Calls ---- */

static void connected(void *arg, int error, struct env_stream *stream) {
    struct kafka_link *link = arg;

    link->connect = NULL;
    if (error != ERR_NONE) {
        fail(link, error);
        return;
    }
    link->stream = stream;
    link->queue = send_queue_new(link->env, stream, 0, NULL, NULL);
    link->reader = frame_reader_new(link->env, stream, NULL, 4, FRAME_MAX, &reader_events, link);
    for (struct kafka_call *call = link->first; call != NULL; call = call->next)
        send_queue_push(link->queue, slice_ref(call->frame));
}

void kafka_link_call(struct kafka_link *link, struct kafka_call *call, enum kp_api_key key,
                     int version, const void *request, uint64_t timeout_us) {
    struct kp_writer writer;
    uint8_t *data;
    size_t len;

    call->api = kp_api_find(key);
    CHECK(call->api != NULL && kp_api_serves(call->api, version));
    call->version = version;
    call->correlation = ++link->correlation;
    call->next = NULL;
    call->deadline_us = env_now_us(link->env) + timeout_us;
    kp_writer_init(&writer, FRAME_MAX);
    kp_request_encode(call->api, version, call->correlation, kp_string_of("sim"), request, &writer);
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE);
    struct buffer *buffer = buffer_adopt(NULL, data, len);
    call->frame = slice_of(buffer, 0, len);
    buffer_unref(buffer);
    *link->last = call;
    link->last = &call->next;
    if (call == link->first) env_timer_start(link->tick, TICK_US);
    if (link->stream != NULL && !link->broken.queued)
        send_queue_push(link->queue, slice_ref(call->frame));
    else if (link->stream == NULL && link->connect == NULL)
        link->connect = env_connect(link->env, link->host, link->port, CONNECT_US, connected, link);
}

struct kafka_link *kafka_link_new(struct run *run, struct env *env, const char *host, int port) {
    struct kafka_link *link = mem_zalloc(sizeof *link);

    link->run = run;
    link->env = env;
    snprintf(link->host, sizeof link->host, "%s", host);
    link->port = port;
    link->last = &link->first;
    link->tick = env_timer_new(env, tick, link);
    link->broken.run = end_calls;
    return link;
}
