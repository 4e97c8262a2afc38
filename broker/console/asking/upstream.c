/* Calls of a connection in the order of their requests, since answers come in that order; a call
 * that was canceled leaves a mark there, so that its answer is thrown away. */
#include "broker/console/asking/upstream.h"

#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/mem.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/frame.h"

enum {
    CONNECT_US = 2000 * 1000,
    CHECK_US = 200 * 1000,
    IDLE_US = 30 * 1000 * 1000,
    FRAME_MIN = 4,
    FRAME_MAX = 32 << 20,
    FRAMES_MEMORY = 64 << 20,
    REQUEST_MAX = 4 << 20,
    VERSIONS_ARENA = 64 << 10,
    APIS_MAX = 128,
    HOST_ROOM = 256,
};

static const char CLIENT_ID[] = "drave-console";

struct served {
    int16_t key, from, to;
};

struct upstream_connection {
    struct upstream *upstream;
    char host[HOST_ROOM];
    int port;
    struct env_connect *connect;
    struct env_stream *stream;
    struct send_queue *queue;
    struct frame_reader *reader;
    struct served *served; /* NULL: not negotiated yet */
    size_t served_count;
    int32_t correlation;         /* of the last request */
    int32_t answered;            /* of the last answer */
    struct upstream_call *calls; /* those that were sent first */
    uint64_t used_us;
    int failed; /* what its calls end with, later in this turn */
    struct upstream_connection *next, *prev;
};

struct upstream {
    struct env *env;
    struct env_timer *timer;
    struct env_task end; /* calls that get no answer, connections that have failed */
    struct budget memory;
    struct upstream_connection *connections;
    unsigned count;
};

/* ---- Ends ---- */

static void forget(struct upstream_connection *connection) {
    struct upstream *upstream = connection->upstream;
    DL_DELETE(upstream->connections, connection);
    upstream->count--;
    if (connection->connect != NULL) env_connect_cancel(connection->connect);
    frame_reader_free(connection->reader);
    if (connection->queue != NULL) send_queue_free(connection->queue);
    if (connection->stream != NULL) env_stream_close(connection->stream);
    mem_free(connection->served);
    mem_free(connection);
}

static void end_call(struct upstream_call *call, int error) {
    DL_DELETE(call->connection->calls, call);
    call->connection = NULL;
    call->done(call, error);
}

/* The first call that ends without an answer; NULL: there is none. */
static struct upstream_call *lost_call(const struct upstream_connection *connection) {
    struct upstream_call *call;
    DL_FOREACH(connection->calls, call)
    if (connection->failed != ERR_NONE || call->refused != ERR_NONE) return call;
    return NULL;
}

/* Whoever is told may ask, or cancel, inside: the list is looked at anew. */
static void end_lost(struct env_task *task) {
    struct upstream *upstream = CONTAINER_OF(task, struct upstream, end);
    struct upstream_connection *connection = upstream->connections;
    while (connection != NULL) {
        struct upstream_call *call = lost_call(connection);
        if (call != NULL) {
            end_call(call, call->refused != ERR_NONE ? call->refused : connection->failed);
            connection = upstream->connections;
        } else if (connection->failed != ERR_NONE) {
            forget(connection);
            connection = upstream->connections;
        } else {
            connection = connection->next;
        }
    }
}

/* No new call joins it. */
static void fail(struct upstream_connection *connection, int error) {
    if (connection->failed == ERR_NONE) connection->failed = error;
    env_defer(connection->upstream->env, &connection->upstream->end);
}

void upstream_cancel(struct upstream_call *call) {
    if (call->connection == NULL) return;
    DL_DELETE(call->connection->calls, call);
    call->connection = NULL;
}

/* ---- Requests ---- */

/* -1: the broker does not serve it. What is private is not advertised, and has one version. */
static int version_of(const struct upstream_connection *connection, const struct kp_api *api,
                      const struct upstream_call *call) {
    int to = api->key >= KP_PRIVATE ? api->to : -1;
    for (size_t i = 0; i < connection->served_count; i++) {
        const struct served *served = &connection->served[i];
        if (served->key == api->key && served->from <= api->to)
            to = served->to < api->to ? served->to : api->to;
    }
    if (call->version_max > 0 && to > call->version_max) to = call->version_max;
    return to >= call->version_min && to >= api->from ? to : -1;
}

static int write_request(struct upstream_connection *connection, const struct kp_api *api,
                         int version, const void *request) {
    struct kp_writer writer;
    uint8_t *data = NULL;
    size_t len = 0;
    kp_writer_init(&writer, REQUEST_MAX);
    kp_request_encode(api, version, connection->correlation + 1, kp_string_of(CLIENT_ID), request,
                      &writer);
    int error = kp_writer_take(&writer, &data, &len);
    if (error != ERR_NONE) return error;
    connection->correlation++;
    send_queue_push(connection->queue, slice_adopt(NULL, data, len));
    return ERR_NONE;
}

static void send_call(struct upstream_connection *connection, struct upstream_call *call) {
    const struct kp_api *api = kp_api_find(call->key);
    CHECK(api != NULL);
    call->version = version_of(connection, api, call);
    int error = call->version < 0 ? ERR_VERSION
                                  : write_request(connection, api, call->version, call->request);
    call->sent = error == ERR_NONE;
    call->refused = error;
    call->correlation = connection->correlation;
    if (error != ERR_NONE) env_defer(connection->upstream->env, &connection->upstream->end);
}

/* ---- Answers ---- */

static int take_versions(struct upstream_connection *connection, const uint8_t *data, size_t len) {
    struct kp_arena arena;
    struct kp_api_versions_response response;
    kp_arena_init(&arena, VERSIONS_ARENA);
    int error = kp_response_decode(kp_api_find(KP_API_VERSIONS), 0, connection->correlation, data,
                                   len, &arena, &response);
    size_t count = error == ERR_NONE ? (size_t)response.api_keys.count : 0;
    if (error == ERR_NONE && (response.error_code != 0 || count > APIS_MAX)) error = ERR_MALFORMED;
    if (error == ERR_NONE) {
        connection->served = mem_alloc((count + 1) * sizeof *connection->served);
        connection->served_count = count;
        for (size_t i = 0; i < count; i++) {
            const struct kp_api_versions_response_api *api = &response.api_keys.items[i];
            connection->served[i] = (struct served){api->api_key, api->min_version,
                                                    api->max_version};
        }
    }
    kp_arena_close(&arena);
    return error;
}

/* NULL: it was canceled. */
static struct upstream_call *answered_call(struct upstream_connection *connection) {
    struct upstream_call *call;
    DL_FOREACH(connection->calls, call)
    if (call->sent && call->correlation == connection->answered) return call;
    return NULL;
}

static void frame(void *arg, struct slice frame) {
    struct upstream_connection *connection = arg;
    connection->answered++;
    if (connection->failed != ERR_NONE) {
        slice_unref(&frame);
        return;
    }
    if (connection->served == NULL) {
        int error = take_versions(connection, frame.data, frame.len);
        slice_unref(&frame);
        if (error != ERR_NONE) {
            fail(connection, ERR_MALFORMED);
            return;
        }
        struct upstream_call *waiting;
        DL_FOREACH(connection->calls, waiting) send_call(connection, waiting);
        return;
    }
    struct upstream_call *call = answered_call(connection);
    if (call == NULL) {
        slice_unref(&frame);
        return;
    }
    call->frame = frame;
    int error = kp_response_decode(kp_api_find(call->key), call->version, call->correlation,
                                   frame.data, frame.len, call->arena, call->response);
    end_call(call, error);
}

static void ended(void *arg, int error, uint32_t length) {
    (void)length;
    fail(arg, error == ERR_EOF ? ERR_CONNECTION : error);
}

static const struct frame_reader_events reader_events = {.frame = frame, .ended = ended};

/* ---- Connections ---- */

static void connected(void *arg, int error, struct env_stream *stream) {
    struct upstream_connection *connection = arg;
    struct upstream *upstream = connection->upstream;
    connection->connect = NULL;
    if (error != ERR_NONE) {
        fail(connection, error);
        return;
    }
    connection->stream = stream;
    connection->queue = send_queue_new(upstream->env, stream, 0, NULL, NULL);
    connection->reader = frame_reader_new(upstream->env, stream, &upstream->memory, FRAME_MIN,
                                          FRAME_MAX, &reader_events, connection);
    struct kp_api_versions_request request;
    kp_set_fallbacks(&kp_api_versions_request_schema, &request);
    if (write_request(connection, kp_api_find(KP_API_VERSIONS), 0, &request) != ERR_NONE)
        fail(connection, ERR_INVALID);
}

static void check(void *arg) {
    struct upstream *upstream = arg;
    uint64_t now_us = env_now_us(upstream->env);
    for (struct upstream_connection *connection = upstream->connections, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        const struct upstream_call *call;
        DL_FOREACH(connection->calls, call)
        if (now_us >= call->until_us) fail(connection, ERR_TIMEOUT);
        if (connection->calls != NULL) connection->used_us = now_us;
        if (connection->failed == ERR_NONE && now_us - connection->used_us >= IDLE_US)
            forget(connection);
    }
    if (upstream->connections != NULL) env_timer_start(upstream->timer, CHECK_US);
}

static struct upstream_connection *find(struct upstream *upstream, const char *host, int port) {
    struct upstream_connection *connection;
    DL_FOREACH(upstream->connections, connection)
    if (connection->failed == ERR_NONE && connection->port == port &&
        strcmp(connection->host, host) == 0)
        return connection;
    return NULL;
}

/* Room for one more: the one that was used longest ago goes, of those that wait for nothing. */
static void make_room(struct upstream *upstream) {
    struct upstream_connection *connection, *oldest = NULL;
    if (upstream->count < UPSTREAM_CONNECTIONS) return;
    DL_FOREACH(upstream->connections, connection)
    if (connection->calls == NULL && (oldest == NULL || connection->used_us < oldest->used_us))
        oldest = connection;
    if (oldest != NULL) forget(oldest);
}

static struct upstream_connection *open_connection(struct upstream *upstream, const char *host,
                                                   int port) {
    struct upstream_connection *connection = mem_zalloc(sizeof *connection);
    connection->upstream = upstream;
    snprintf(connection->host, sizeof connection->host, "%s", host);
    connection->port = port;
    connection->used_us = env_now_us(upstream->env);
    DL_APPEND(upstream->connections, connection);
    if (upstream->count++ == 0) env_timer_start(upstream->timer, CHECK_US);
    if (upstream->count > UPSTREAM_CONNECTIONS)
        fail(connection, ERR_LIMIT);
    else
        connection->connect = env_connect(upstream->env, connection->host, port, CONNECT_US,
                                          connected, connection);
    return connection;
}

void upstream_ask(struct upstream *upstream, const char *host, int port,
                  struct upstream_call *call) {
    struct upstream_connection *connection = find(upstream, host, port);
    if (connection == NULL) {
        make_room(upstream);
        connection = open_connection(upstream, host, port);
    }
    connection->used_us = env_now_us(upstream->env);
    call->connection = connection;
    call->sent = false;
    call->refused = ERR_NONE;
    call->frame = (struct slice){0};
    call->until_us = connection->used_us + UPSTREAM_WAIT_MS * UINT64_C(1000);
    DL_APPEND(connection->calls, call);
    if (connection->served != NULL) send_call(connection, call);
}

/* ---- Life ---- */

struct upstream *upstream_new(struct env *env) {
    struct upstream *upstream = mem_zalloc(sizeof *upstream);
    upstream->env = env;
    upstream->timer = env_timer_new(env, check, upstream);
    upstream->end.run = end_lost;
    budget_init(&upstream->memory, FRAMES_MEMORY);
    return upstream;
}

void upstream_free(struct upstream *upstream) {
    if (upstream == NULL) return;
    while (upstream->connections != NULL) {
        while (upstream->connections->calls != NULL)
            upstream_cancel(upstream->connections->calls);
        forget(upstream->connections);
    }
    env_defer_cancel(upstream->env, &upstream->end);
    env_timer_free(upstream->timer);
    mem_free(upstream);
}
