/*
 * The requests of one client, from frame to answer.
 *
 *   frame -> request (list, oldest first) -> handler ... request_respond -> answer
 *
 * An answer goes to the send queue when its request is the first of the list, else it waits in its
 * request. Closing marks all requests that wait as dead, tells them, and frees the connection when
 * the last one has ended.
 *
 *   open ----> abandoned (the client hung up) ----> closed ----> gone (no request is left)
 *     `-------------------------------------------------^
 *
 * From `abandoned` on there is no send queue, and requests end in any order. The list and its
 * memory: connection_requests.c; whom the server closes: connection_limits.c; quotas:
 * connection_quotas.c.
 */
#include "broker/server/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/mem.h"
#include "broker/login/logins.h"
#include "broker/server/connection_internal.h"
#include "broker/server/request_decode.h"
#include "broker/server/request_encode.h"
#include "broker/server/request_steps.h"
#include "broker/tls/tls_listening.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/frame.h"

enum {
    ANSWER_MOST = 64 << 20,   /* an answer may take so much memory (all topics of a cluster) */
    INLINE_BYTES = 256 << 10, /* one that takes more is encoded off the loop */
    FRAME_PREFIX = 4,
};

/* ---- Ends ---- */

static void free_if_gone(struct connection *connection) {
    if (!connection->closed || connection->inside > 0 || connection->first != NULL) return;
    CHECK(connection->in_flight == 0); /* the list is empty */
    connection_recount(connection);
    const struct connection_host *host = connection->host;
    if (host->work->connection == connection) host->work->connection = NULL;
    void *owner = connection->owner;
    env_defer_cancel(host->env, &connection->sweep);
    connection_end_login(connection);
    mem_free(connection);
    host->gone(owner);
}

/* Frees requests that have ended, and later the others: a client may leave a hundred that hold
 * much, and hundreds may leave at once. One in any case if it `must_one`. */
static void free_ended(struct connection *connection, bool must_one) {
    struct request **at = &connection->first, *last = NULL;
    bool freed = !must_one;
    while (*at != NULL) {
        struct request *request = *at;
        if (!request->ended) {
            last = request;
            at = &request->next;
        } else if (freed && env_turn_is_long(connection->host->env)) {
            env_yield(connection->host->env, &connection->sweep);
            return;
        } else {
            *at = request->next;
            if (connection->last == request) connection->last = last;
            if (request->close_after) connection->closing = true;
            request_free(request);
            freed = true;
        }
    }
}

/* Frees what has ended of a connection to which nobody listens. It may be gone when this returns.
 */
static void sweep(struct connection *connection, bool must_one) {
    if (connection->inside > 0) return;
    free_ended(connection, must_one);
    connection_recount(connection);
    if (connection->closing && !connection->closed)
        connection_close(connection, ENDED_REFUSED);
    else if (connection->closed)
        free_if_gone(connection);
    else
        connection_update_reading(connection);
}

static void sweep_ended(struct connection *connection) {
    sweep(connection, false);
}

static void sweep_on(struct env_task *task) {
    sweep(CONTAINER_OF(task, struct connection, sweep), true);
}

static void tell_requests(struct connection *connection) {
    connection->inside++;
    for (struct request *request = connection->first; request != NULL; request = request->next) {
        request->dead = true;
        void (*canceled)(struct request *) = request->canceled;
        bool stepping = request->step != NULL;
        request->canceled = NULL;
        if (request->ended) continue;
        request_steps_stop(request);
        if (canceled != NULL)
            canceled(request);
        else if (stepping)
            request->ended = true; /* freed by whoever tells */
    }
    connection->inside--;
}

static void stop_listening(struct connection *connection) {
    send_queue_free(connection->queue);
    connection->queue = NULL;
    connection_recount(connection);
    tell_requests(connection);
    if (connection->tells_gone) dispatch_gone(connection->host->dispatch, connection);
    connection->tells_gone = false;
}

void connection_close(struct connection *connection, enum connection_end why) {
    if (connection->closed) return;
    connection->closed = true;
    connection->counts->closed[why]++;
    client_book_remove(&connection->host->stats->clients, &connection->entry);
    strangers_remove(connection->host->strangers, &connection->stranger);
    env_timer_free(connection->mute_timer);
    frame_reader_free(connection->reader);
    stop_listening(connection);
    either_close(connection->stream);
    connection->host->closed(connection->owner);
    sweep_ended(connection);
}

/* The client has gone. What it sent and is not here yet is read, up to its end, at which the
 * connection closes. */
static void client_hung_up(void *arg) {
    struct connection *connection = arg;
    if (connection->closing || connection->queue == NULL) {
        connection_close(connection, connection->closing ? ENDED_REFUSED : ENDED_BY_CLIENT);
        return;
    }
    stop_listening(connection);
    sweep_ended(connection);
}

static void send_answer(struct connection *connection, struct slice answer) {
    connection->counts->sent_bytes += answer.len;
    connection->entry.sent_bytes += answer.len;
    send_queue_push(connection->queue, answer);
}

/* Sends the answers that have their turn. The connection may be gone when it returns. */
static void flush_answers(struct connection *connection) {
    while (connection->first != NULL && connection->first->ended && !connection->closing) {
        struct request *request = connection_take_first(connection);
        for (uint32_t i = 0; i < request->answer_count; i++) {
            connection->stored_bytes -= request->answer[i].len;
            send_answer(connection, request->answer[i]);
        }
        request_leaves(request);
        request->answer_count = 0;
        if (request->close_after) connection->closing = true;
        request_free(request);
    }
    connection_recount(connection);
    if (connection->first != NULL) request_steps_first(connection->first);
    if (connection->closing && send_queue_bytes(connection->queue) == 0)
        connection_close(connection, ENDED_REFUSED);
    else
        connection_update_reading(connection);
}

static void queue_drained(void *arg) {
    struct connection *connection = arg;
    connection->host->active(connection->owner);
    flush_answers(connection);
}

/* ---- Ends of requests ---- */

static void request_end(struct request *request) {
    CHECK(!request->ended); /* each handler ends its request once, whatever is in it */
    struct connection *connection = request->connection;
    request_timed(request);
    request_note(request);
    request->ended = true;
    request->canceled = NULL;
    if (connection->queue == NULL) {
        sweep_ended(connection);
        return;
    }
    connection_recount(connection); /* before it is given back: nobody is to see room between */
    request_give_back(request);
    flush_answers(connection);
}

static void emit(void *arg, struct slice slice) {
    struct request *request = arg;
    struct connection *connection = request->connection;
    if (connection->closing) { /* behind a request that was answered by that */
        slice_unref(&slice);
        return;
    }
    if (connection->first == request) {
        send_answer(connection, slice);
        return;
    }
    request->answer = mem_grow(request->answer, request->answer_count, &request->answer_room,
                               sizeof *request->answer);
    request->answer[request->answer_count++] = slice;
    connection->stored_bytes += slice.len;
}

/* Ends the request with what was encoded, or with that error. */
static void respond_encoded(struct request *request, struct kp_writer *writer, int error) {
    request_told(request, writer);
    if (error == ERR_NONE && !request->dead) error = kp_writer_emit(writer, NULL, emit, request);
    kp_writer_close(writer);
    if (error != ERR_NONE) {
        request->close_after = true;
        log_event(
            request->connection->host->log, LOGGED_INTERNAL_ERROR,
            "the answer to %s version %d of %s cannot be encoded (%s); its connection is closed",
            kp_api_find(request->api_key)->name, request->api_version, request->ctx.peer,
            error_phrase(error));
    }
    request_end(request);
}

void request_respond(struct request *request, const void *response) {
    struct kp_writer writer;
    struct kp_told_errors told = {.count = 0};
    kp_writer_init(&writer, INT32_MAX);
    writer.told = &told;
    request_steps_charge(request);
    uint32_t throttle_ms = request_charge_work(request);
    respond_encoded(request, &writer,
                    request->dead ? ERR_NONE
                                  : request_encode(request, response, throttle_ms, &writer));
}

void request_respond_kept(struct request *request, const void *response) {
    request_steps_charge(request);
    request->canceled = NULL;
    if (request->dead || request->arena.used - request->decoded <= INLINE_BYTES) {
        request_respond(request, response);
        return;
    }
    request_encode_later(request, response, request_charge_work(request), respond_encoded);
}

void request_respond_nothing(struct request *request) {
    request_charge_work(request);
    request_end(request);
}

void request_respond_bare(struct request *request, const void *bytes, size_t len) {
    uint8_t prefix[FRAME_PREFIX] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                                    (uint8_t)len};
    if (!request->dead) {
        emit(request, slice_copy(NULL, prefix, sizeof prefix));
        if (len > 0) emit(request, slice_copy(NULL, bytes, len));
    }
    request_end(request);
}

void request_close_connection(struct request *request) {
    request->close_after = true;
    request_end(request);
}

void request_close_because(struct request *request, const char *format, ...) {
    char why[256];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (!request->dead) connection_complain(request->connection, why);
    request_close_connection(request);
}

void request_close_too_large(struct request *request) {
    request_close_because(
        request,
        "the answer to its %s request takes more than the %d MiB that one may; ask for less at a time",
        kp_api_find(request->api_key)->name, ANSWER_MOST >> 20);
}

void request_hold_connection(struct request *request) {
    if (request->holds || request->dead) return;
    request->holds = true;
    request->connection->holds++;
    connection_update_reading(request->connection);
}

void request_tell_when_gone(struct request *request) {
    request->connection->tells_gone = request->connection->queue != NULL;
}

void request_work_waits(struct request *request) {
    if (request->waits || request->dead) return;
    request->waits = true;
    request->connection->waits++;
    connection_update_reading(request->connection);
}

void request_work_goes_on(struct request *request) {
    if (!request->waits) return;
    request->waits = false;
    request->connection->waits--;
    connection_update_reading(request->connection);
}

/* ---- Frames ---- */

void connection_complain(struct connection *connection, const char *what) {
    log_limited(connection->host->log, connection->host->complaints, LOGGED_CLIENT_REFUSED,
                "the connection of client %s (listener %s) is closed: %s", connection->peer,
                connection->listener, what);
}

static void run_handler(struct request *request) {
    struct env *env = request->env;
    if (!connection_may_serve(request)) {
        request_close_because(request, "nothing says who may ask it, so nobody may");
        return;
    }
    const char *before = env_running(env, kp_api_find(request->api_key)->name);
    dispatch_call(request->connection->host->dispatch, request);
    env_running(env, before);
}

/* Nobody wants to know what comes of it. */
static void run_abandoned(struct connection *connection, struct request *request) {
    request->dead = true;
    connection->inside++;
    if (request->api_key == KP_PRODUCE)
        run_handler(request);
    else
        request->ended = true;
    tell_requests(connection);
    connection->inside--;
    sweep_ended(connection);
}

/* It is none, and what may follow is not looked at: the connection closes once those before it are
 * answered, as in Kafka. */
static void connection_refuse(struct connection *connection, struct request *request,
                              const struct error_text *why) {
    connection->host->stats->refused[REFUSED_GARBAGE]++;
    connection_complain(connection, why->text);
    if (connection->queue != NULL) {
        request_hold_connection(request);
        request_close_connection(request);
    } else {
        request->ended = true;
        connection_close(connection, ENDED_REFUSED);
    }
}

/* Goes on with a request that was decoded, or was not. */
static void take_up(struct connection *connection, struct request *request, int error,
                    const struct error_text *why) {
    request->arena.limit = request->arena.used + ANSWER_MOST;
    if (error != ERR_NONE) {
        connection_refuse(connection, request, why);
        return;
    }
    connection->host->active(connection->owner);
    server_stats_request(connection->host->stats, request->api_key, request->api_version);
    client_book_request(&connection->entry, request->api_key, request->ctx.client_id,
                        env_now_ms(request->env));
    connection_update_reading(connection);
    if (connection->queue != NULL)
        run_handler(request);
    else
        run_abandoned(connection, request);
}

static void decoded(struct request *request, int error, const struct error_text *why) {
    struct connection *connection = request->connection;
    const struct connection_host *host = connection->host;
    bool measured = request_work_begins(request);
    request_charge_message(request);
    request->arena.limit = request->arena.used + ANSWER_MOST;
    if (request->dead && error == ERR_NONE)
        run_abandoned(connection, request);
    else if (request->dead)
        request_end(request);
    else
        take_up(connection, request, error, why);
    if (measured) request_work_ends(host);
}

static void refused(struct request *request) {
    struct error_text why;
    if (request->dead) {
        request_end(request);
        return;
    }
    error_set(
        &why, ERR_TOO_LARGE,
        "its request of %zu bytes has very many elements and waits to be decoded, and others need the memory "
        "(queued.max.request.bytes)",
        request->frame.len);
    take_up(request->connection, request, ERR_TOO_LARGE, &why);
}

static const struct request_decode_events decode_events = {.decoded = decoded, .refused = refused};

/* While a message is decoded in the pool its connection is not read before it has ended, as in
 * Kafka: requests are handed out in their order, and nobody fills the memory for requests with a
 * hundred that are much work. */
static void frame_came(void *arg, struct slice frame) {
    struct connection *connection = arg;
    const struct connection_host *host = connection->host;
    connection->counts->received_bytes += FRAME_PREFIX + frame.len;
    connection->entry.received_bytes += FRAME_PREFIX + frame.len;
    struct request *request = request_new(connection, frame);
    struct error_text why;
    bool measured = request_work_begins(request);
    int error = connection_admit(connection, request, &why);
    if (error == ERR_NONE && request->message == NULL) error = request_decode(request, &why);
    if (error == ERR_AGAIN)
        request_decode_later(request, host->decoded, host->larges, host->crowd, &decode_events);
    connection_add_request(connection, request);
    if (error == ERR_AGAIN)
        request_hold_connection(request);
    else
        take_up(connection, request, error, &why);
    if (measured) request_work_ends(host);
}

/* One that TLS has ended is told of, as far as its client was heard at all. */
static enum connection_end tell_of_tls(struct connection *connection) {
    const char *why = connection->stream.secure == NULL
                          ? NULL
                          : secure_stream_why(connection->stream.secure);
    if (why == NULL) return ENDED_BY_CLIENT;
    connection->host->stats->refused[REFUSED_TLS]++;
    connection_complain(connection, why);
    return ENDED_REFUSED;
}

static void stream_ended(void *arg, int error, uint32_t length) {
    struct connection *connection = arg;
    struct error_text why;
    if (error != ERR_MALFORMED && error != ERR_TOO_LARGE) {
        connection_close(connection, tell_of_tls(connection));
        return;
    }
    connection_explain_length(connection, error, length, &why);
    struct request *request = request_new(connection, (struct slice){0});
    connection_add_request(connection, request);
    connection_refuse(connection, request, &why);
}

static const struct frame_reader_events frame_events = {.frame = frame_came,
                                                        .ended = stream_ended,
                                                        .hung_up = client_hung_up};

struct connection *connection_new(const struct connection_host *host, struct env_stream *stream,
                                  const struct connection_manner *manner, void *owner) {
    struct connection *connection = mem_zalloc(sizeof *connection);
    connection->host = host;
    connection->owner = owner;
    connection->listener = manner->listener;
    connection->counts = server_stats_listener(host->stats, manner->listener);
    connection->sweep.run = sweep_on;
    env_stream_set_patient(stream);
    env_stream_peer(stream, connection->peer);
    connection->connected_us = env_now_us(host->env);
    connection->entry.listener = manner->listener;
    connection->entry.peer = connection->peer;
    client_book_add(&host->stats->clients, &connection->entry, env_now_ms(host->env));
    connection->stream = manner->tls == NULL ? either_plain(stream)
                                             : tls_listening_take(manner->tls, stream);
    connection_begin_login(connection, manner);
    connection->queue = send_queue_new_on(host->env, connection->stream, 0, queue_drained,
                                          connection);
    send_queue_set_patient(connection->queue);
    connection->reader = frame_reader_new_on(
        host->env, connection->stream, host->requests, manner->logs_in ? 1 : KP_REQUEST_MIN,
        manner->logs_in ? logins_options(host->logins)->frame_max : host->max_request_bytes,
        &frame_events, connection);
    frame_reader_set_patience(connection->reader, FRAMES_WAIT);
    return connection;
}
