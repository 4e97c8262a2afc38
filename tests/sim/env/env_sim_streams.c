/*
 * Streams of the simulated process: reading, writing, closing; connection.h has the pipes.
 *
 * Happy path: a write is taken piece by piece as there is room on the way, and reported when all of
 * it was; what arrives is handed over in pieces of random size while the owner reads. Failures as
 * in base/env.h: a reset lets writes fail, and the owner gets `ended` even while it does not read,
 * and `hung_up` as soon as the other side's end arrives. Invariant: each write is reported once, in
 * a later turn, also after a close.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "tests/sim/env/connection.h"

struct env_stream {
    struct env *env;
    struct end *end;
    const struct env_stream_events *events; /* NULL until attached */
    void *arg;
    struct delivery readable;
    bool reading, ended, write_failed;
    bool told; /* that the other side hung up */
};

/* ---- Reading ---- */

static void end_stream(struct env_stream *stream, int error) {
    stream->reading = false;
    stream->ended = true;
    stream->events->ended(stream->arg, error);
}

static bool hang_up_is_news(const struct env_stream *stream) {
    return stream->end->fin && !stream->told && stream->events->hung_up != NULL;
}

void end_notify(struct end *end) {
    struct env_stream *stream = end->stream;

    if (stream == NULL || stream->events == NULL || stream->ended) return;
    bool something = end->received.first != NULL || end->fin || end->reset;
    if ((stream->reading && something) || stream->write_failed || end->reset ||
        hang_up_is_news(stream))
        env_deliver(stream->env, &stream->readable);
}

static void consumed(struct end *end, size_t len) {
    struct network *network = end->connection->network;
    struct end *sender = end->peer;

    sender->read_by_peer += len;
    if (network->links[end->node][sender->node].blocked)
        return; /* the acknowledgement does not come through */
    sender->acked = sender->read_by_peer;
    end_pump(sender);
}

static void hand_over(struct env_stream *stream) {
    struct end *end = stream->end;
    struct world *world = stream->env->world;
    struct chunk *chunk = end->received.first;
    void *into = NULL;
    size_t len = chunk->len - chunk->read;
    size_t room = stream->events->room(stream->arg, &into);

    CHECK(room > 0 && into != NULL);
    if (len > room) len = room;
    if (len > 1 && world_chance(world, 50000)) len = 1 + world_below(world, len - 1);
    memcpy(into, chunk->data + chunk->read, len);
    world_trace(world, end->node, "receive", "", end->connection->id, len, 0);
    chunk->read += len;
    if (chunk->read == chunk->len) {
        end->received.first = chunk->next;
        if (chunk->next == NULL) end->received.last = NULL;
        mem_free(chunk);
    }
    consumed(end, len);
    stream->events->received(stream->arg, len);
}

static void readable(struct delivery *delivery) {
    struct env_stream *stream = CONTAINER_OF(delivery, struct env_stream, readable);
    struct end *end = stream->end;

    if (hang_up_is_news(stream)) {
        stream->told = true;
        stream->events->hung_up(stream->arg); /* may close the stream */
    }
    while (end->stream == stream && stream->reading && end->received.first != NULL)
        hand_over(stream); /* may close the stream, or stop reading */
    if (end->stream != stream || stream->ended) return;
    if (stream->write_failed || (end->reset && !stream->reading))
        end_stream(stream, ERR_CONNECTION);
    else if (stream->reading && (end->fin || end->reset))
        end_stream(stream, end->reset ? ERR_CONNECTION : ERR_EOF);
}

void env_stream_attach(struct env_stream *stream, const struct env_stream_events *events,
                       void *arg) {
    CHECK(stream->events == NULL);
    stream->events = events;
    stream->arg = arg;
}

void env_stream_read(struct env_stream *stream, bool on) {
    CHECK(stream->events != NULL);
    if (stream->ended) return;
    stream->reading = on;
    end_notify(stream->end);
}

void env_stream_set_patient(struct env_stream *stream) {
    (void)stream; /* its bytes arrive in turns of their own */
}

/* ---- Writing ---- */

static void report(struct delivery *delivery) {
    struct sent *sent = (struct sent *)delivery;
    struct env_write *write = sent->write;
    int error = sent->error;

    _Static_assert(offsetof(struct sent, delivery) == 0, "a delivery is its write");
    mem_free(sent);
    write->done(write, error);
}

static void finish(struct sent *sent, int error) {
    sent->error = error;
    env_deliver(sent->env, &sent->delivery);
}

static void fail_queue(struct end *end, int error) {
    while (end->queue != NULL) {
        struct sent *sent = end->queue;
        end->queue = sent->next;
        finish(sent, error);
    }
}

void end_drop_queue(struct end *end) {
    while (end->queue != NULL) {
        struct sent *sent = end->queue;
        end->queue = sent->next;
        mem_free(sent);
    }
}

void end_break(struct end *end) {
    if (end->stream != NULL && end->queue != NULL) end->stream->write_failed = true;
    fail_queue(end, ERR_CONNECTION);
}

/* How much goes as one piece: mostly all that fits, now and then less, so that frames are cut
 * anywhere. */
static size_t piece_len(struct world *world, size_t left, uint64_t room) {
    size_t len = left < room ? left : room;

    if (len > 1 && world_chance(world, 100000)) len = 1 + world_below(world, len - 1);
    return len;
}

void end_pump(struct end *end) {
    struct connection *connection = end->connection;
    struct world *world = connection->network->world;

    while (end->queue != NULL) {
        struct sent *sent = end->queue;
        while (sent->part < sent->n && sent->offset == sent->iov[sent->part].len) {
            sent->part++;
            sent->offset = 0;
        }
        if (sent->part == sent->n) {
            end->queue = sent->next;
            finish(sent, ERR_NONE);
            continue;
        }
        uint64_t room = connection->capacity - (end->accepted - end->acked);
        if (room == 0) return;
        const struct env_iov *piece = &sent->iov[sent->part];
        size_t len = piece_len(world, piece->len - sent->offset, room);
        const uint8_t *data = (const uint8_t *)piece->base + sent->offset;
        world_trace(world, end->node, "send", "", connection->id, len, trace_content(data, len));
        end_send(end, CHUNK_DATA, data, len);
        sent->offset += len;
        end->accepted += len;
    }
}

void env_stream_write(struct env_stream *stream, struct env_write *write, const struct env_iov *iov,
                      unsigned n) {
    struct end *end = stream->end;
    struct sent *sent = mem_zalloc(sizeof *sent + n * sizeof *iov);

    CHECK(n <= ENV_WRITE_IOV);
    env_effect(stream->env);
    sent->delivery.run = report;
    sent->write = write;
    sent->env = stream->env;
    sent->n = n;
    if (n > 0) memcpy(sent->iov, iov, n * sizeof *iov);
    if (end->reset || stream->ended) {
        stream->write_failed = true;
        finish(sent, ERR_CONNECTION);
        end_notify(end);
        return;
    }
    if (end->queue == NULL)
        end->queue = sent;
    else
        end->queue_last->next = sent;
    end->queue_last = sent;
    end_pump(end);
}

/* ---- Life ---- */

struct env_stream *stream_new(struct env *env, struct end *end) {
    struct env_stream *stream = mem_zalloc(sizeof *stream);

    stream->env = env;
    stream->end = end;
    stream->readable.run = readable;
    end->stream = stream;
    return stream;
}

void end_close(struct end *end) {
    bool unread = end->received.first != NULL;

    end->closed = true;
    end->env = NULL;
    end->stream = NULL;
    if (!end->reset) end_send(end, unread ? CHUNK_RESET : CHUNK_FIN, NULL, 0);
}

void env_stream_close(struct env_stream *stream) {
    struct end *end = stream->end;

    env_effect(stream->env);
    world_trace(stream->env->world, end->node, "close", "", end->connection->id, 0, 0);
    env_undeliver(&stream->readable);
    fail_queue(end, ERR_CANCELED);
    end_close(end);
    mem_free(stream);
}

void env_stream_peer(struct env_stream *stream, char into[64]) {
    snprintf(into, 64, "10.0.0.%d:%d", stream->end->peer->node, stream->end->peer->port);
}
