/* One connection between brokers: handshake, framing, checksums. The picture is in
 * peer_connection.h. */
#include "raft-glue/peer/peer_connection.h"

#include <stdio.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/io/foreign_protocol.h"
#include "base/mem.h"

static void send_hello(struct peer_connection *connection) {
    struct peer_bytes bytes = {0};
    peer_hello_encode(&bytes, connection->owner->hello, connection->session);
    struct slice slice = peer_bytes_take(&bytes);
    peer_connection_send(connection, PEER_KIND_HELLO, &slice, 1);
}

static void send_verdict(struct peer_connection *connection, enum peer_answer answer,
                         const struct peer_journal *seen, const char *sentence) {
    struct peer_bytes bytes = {0};
    peer_verdict_encode(&bytes, answer, seen, sentence);
    struct slice slice = peer_bytes_take(&bytes);
    peer_connection_send(connection, PEER_KIND_VERDICT, &slice, 1);
}

static void establish_if_agreed(struct peer_connection *connection) {
    if (!connection->accepted_other || !connection->accepted_by_other) return;
    connection->state = CONNECTION_ESTABLISHED;
    frame_reader_set_max(connection->reader, connection->owner->frame_max);
    if (connection->channel == PEER_CONTROL)
        frame_reader_set_patience(connection->reader, FRAMES_WAIT_BUT_ONE);
    connection->owner->events->established(connection->owner->peers, connection);
}

static void connection_end(struct peer_connection *connection, const char *why) {
    connection->owner->events->ended(connection->owner->peers, connection, why);
}

static void end_malformed(struct peer_connection *connection, const char *why) {
    connection->malformed = true;
    connection_end(connection, why);
}

static void received_hello(struct peer_connection *connection, uint8_t channel,
                           struct slice payload) {
    struct peer_hello hello;
    uint64_t session = 0;
    int error = peer_hello_decode(payload, &hello, &session);
    if (error == ERR_MALFORMED || connection->heard_hello) {
        end_malformed(connection, "its hello is malformed");
        return;
    }
    connection->heard_hello = true;
    if (connection->dialled && error == ERR_NONE &&
        (channel != connection->channel || session != connection->session)) {
        connection_end(connection, "its hello is for another connection");
        return;
    }
    connection->said = slice_ref(payload);
    if (connection->dialled) {
        peer_connection_judge(connection);
        return;
    }
    connection->channel = channel;
    connection->session = session;
    connection->owner->events->named(connection->owner->peers, connection, hello.node);
}

void peer_connection_judge(struct peer_connection *connection) {
    struct peer_hello hello;
    struct peer_journal seen = {0};
    struct error_text refusal = {""};
    uint64_t session;
    struct slice said = connection->said;
    connection->said = (struct slice){0};
    int error = peer_hello_decode(said, &hello, &session);
    if (error == ERR_VERSION)
        error_set(
            &refusal, error,
            "broker %d speaks version %d of the peer protocol and this one version %d; run the same version of drave on both",
            hello.node, hello.version, PEER_PROTOCOL_VERSION);
    else
        error = connection->owner->events->hello(connection->owner->peers, connection, &hello,
                                                 &seen, &refusal);
    slice_unref(&said);
    if (error == ERR_AGAIN) {
        connection_end(connection, refusal.text);
        return;
    }
    connection->accepted_other = error == ERR_NONE;
    if (error == ERR_NONE && !connection->dialled) send_hello(connection);
    send_verdict(connection,
                 error == ERR_NONE     ? PEER_ACCEPTED
                 : error == ERR_DENIED ? PEER_REFUSED_FOR_GOOD
                                       : PEER_REFUSED,
                 &seen, refusal.text);
    if (error != ERR_NONE) connection->state = CONNECTION_REFUSED;
    /* Even then the other's verdict is read: it may have a sentence for us. */
}

void peer_connection_refuse(struct peer_connection *connection, const char *sentence) {
    struct peer_journal nothing = {0};
    slice_unref(&connection->said);
    connection->said = (struct slice){0};
    send_verdict(connection, PEER_REFUSED, &nothing, sentence);
    connection->state = CONNECTION_REFUSED;
}

/* Who dialled may be refused without a hello; who was dialled has answered ours first. */
static void received_verdict(struct peer_connection *connection, struct slice payload) {
    enum peer_answer answer;
    struct peer_journal seen;
    const char *sentence;
    bool early = connection->dialled ? !connection->heard_hello
                                     : !connection->heard_hello || connection->said.len > 0;
    if (peer_verdict_decode(payload, &answer, &seen, &sentence) != ERR_NONE ||
        (early && (answer == PEER_ACCEPTED || !connection->dialled))) {
        end_malformed(connection, "its verdict is malformed");
        return;
    }
    if (answer != PEER_ACCEPTED) {
        connection->state = CONNECTION_REFUSED;
        connection->owner->events->refused(connection->owner->peers, connection,
                                           answer == PEER_REFUSED_FOR_GOOD, sentence);
        return;
    }
    if (!connection->accepted_other) return; /* refused by us */
    if (!connection->owner->events->accepted(connection->owner->peers, connection, &seen)) {
        connection_end(connection, "the journal of this broker went back in time");
        return;
    }
    connection->accepted_by_other = true;
    establish_if_agreed(connection);
}

static void received_ping(struct peer_connection *connection, struct slice payload) {
    struct peer_ping ping;
    bool control = connection->channel == PEER_CONTROL;
    bool sound = control ? peer_ping_decode(payload, &ping) == ERR_NONE : payload.len == 0;
    slice_unref(&payload);
    if (!sound)
        end_malformed(connection, "its ping is malformed");
    else if (control)
        connection->owner->events->ping(connection->owner->peers, connection, &ping);
}

static void on_heard(void *arg) {
    struct peer_connection *connection = arg;
    connection->heard_ms = env_now_ms(connection->owner->env);
}

static void on_frame(void *arg, struct slice frame) {
    struct peer_connection *connection = arg;
    on_heard(connection); /* its bytes may have come long ago, and nothing was read meanwhile */
    uint8_t kind, channel;
    struct slice payload;
    int error = peer_frame_open(frame, &kind, &channel, &payload);
    if (error != ERR_NONE) {
        slice_unref(&frame);
        end_malformed(
            connection,
            !connection->heard_hello
                ? "it does not speak as brokers do; a client belongs at an address of listeners, "
                  "and only brokers at this port (peer.listen)"
            : error == ERR_CORRUPT ? "it sent a frame with a wrong checksum"
                                   : "it sent a malformed frame");
        return;
    }
    if (connection->state == CONNECTION_ESTABLISHED) {
        if (kind == PEER_KIND_PING && channel == connection->channel) {
            received_ping(connection, payload);
            return;
        }
        if (kind == PEER_KIND_HELLO || kind == PEER_KIND_VERDICT ||
            channel != connection->channel) {
            slice_unref(&payload);
            end_malformed(connection, "it sent a frame that does not belong there");
            return;
        }
        connection->owner->events->frame(connection->owner->peers, connection, kind, payload);
        return;
    }
    if (kind == PEER_KIND_HELLO) {
        received_hello(connection, channel, payload);
    } else if (kind == PEER_KIND_VERDICT) {
        received_verdict(connection, payload);
    } else {
        end_malformed(connection, "it sent something else than a hello");
    }
    slice_unref(&payload);
}

bool peer_connection_is_tls(const struct peer_connection *connection) {
    return connection->stream.secure != NULL && secure_stream_is_tls(connection->stream.secure);
}

bool peer_connection_awaits_tls(const struct peer_connection *connection) {
    return connection->stream.secure != NULL && !secure_stream_is_agreed(connection->stream.secure);
}

/* TLS ended it, or it ended before TLS was agreed on. */
static bool tls_failed(struct peer_connection *connection, char *why, size_t room) {
    struct secure_stream *stream = connection->stream.secure;
    const char *reason = stream == NULL ? NULL : secure_stream_why(stream);
    if (reason == NULL && !peer_connection_awaits_tls(connection)) return false;
    connection->malformed = reason != NULL;
    connection->disagreed = reason != NULL && secure_stream_is_refused(stream);
    if (reason == NULL)
        snprintf(why, room,
                 "it closes connections when TLS is to begin; if it runs, it needs the same "
                 "peer.secret.file, and peer.tls.mode=allow at least");
    else
        snprintf(why, room, "%s%s", reason,
                 connection->disagreed ? "; brokers need the same peer.secret.file" : "");
    return true;
}

static void on_ended(void *arg, int error, uint32_t length) {
    struct peer_connection *connection = arg;
    char why[400];
    if (tls_failed(connection, why, sizeof why)) {
        connection_end(connection, why);
        return;
    }
    if (error == ERR_TOO_LARGE || error == ERR_MALFORMED) {
        const char *foreign = foreign_protocol(length);
        if (foreign != NULL)
            snprintf(why, sizeof why, "it speaks %s, which no broker does at a peer port", foreign);
        else
            snprintf(why, sizeof why, "it sent a frame of %u bytes", length);
        connection->malformed = true;
    } else {
        snprintf(why, sizeof why, "%s", error_phrase(error));
    }
    connection_end(connection, why);
}

static void on_drained(void *arg) {
    struct peer_connection *connection = arg;
    connection->owner->events->drained(connection->owner->peers, connection);
}

struct peer_connection *peer_connection_new(const struct peer_connection_owner *owner,
                                            struct either_stream stream, bool dialled,
                                            uint8_t channel, uint64_t session) {
    static const struct frame_reader_events reader_events = {
        .frame = on_frame, .ended = on_ended, .heard = on_heard};
    struct peer_connection *connection = mem_zalloc(sizeof *connection);
    connection->owner = owner;
    connection->stream = stream;
    connection->dialled = dialled;
    connection->channel = channel;
    connection->session = session;
    connection->started_ms = env_now_ms(owner->env);
    connection->queue = send_queue_new_on(owner->env, stream, owner->low_bytes, on_drained,
                                          connection);
    /* Entries are charged by the shard while they are not durable, not by who still holds the
     * frame. */
    connection->reader = frame_reader_new_on(
        owner->env, stream, NULL, PEER_FRAME_HEAD_SIZE - PEER_LENGTH_SIZE,
        owner->frame_max < PEER_HELLO_MAX ? owner->frame_max : PEER_HELLO_MAX, &reader_events,
        connection);
    /* What thousands of groups say is more than one turn may take; what clients want must not keep
     * it waiting. */
    frame_reader_set_patience(connection->reader, FRAMES_WAIT_FIRST);
    if (dialled) send_hello(connection);
    return connection;
}

void peer_connection_close(struct peer_connection *connection) {
    frame_reader_free(connection->reader);
    send_queue_free(connection->queue);
    slice_unref(&connection->said);
    either_close(connection->stream);
    mem_free(connection);
}

void peer_connection_pause(struct peer_connection *connection, bool pause) {
    frame_reader_pause(connection->reader, pause);
}

void peer_connection_send(struct peer_connection *connection, uint8_t kind, struct slice *slices,
                          size_t n) {
    size_t len = 0;
    uint32_t crc = 0;
    for (size_t i = 0; i < n; i++) {
        len += slices[i].len;
        if (i == 0 || kind != PEER_KIND_ENTRIES) crc = crc32c(crc, slices[i].data, slices[i].len);
    }
    uint8_t head[PEER_FRAME_HEAD_SIZE];
    peer_frame_head(head, kind, connection->channel, crc, len);
    send_queue_push(connection->queue, slice_copy(NULL, head, sizeof head));
    for (size_t i = 0; i < n; i++)
        send_queue_push(connection->queue, slices[i]);
    connection->sent_ms = env_now_ms(connection->owner->env);
    connection->flow.sent += sizeof head + len;
}

uint64_t peer_connection_received(const struct peer_connection *connection) {
    return frame_reader_bytes(connection->reader);
}

size_t peer_connection_queued(const struct peer_connection *connection) {
    return send_queue_bytes(connection->queue);
}
