/*
 * Clients that take what others need. Those that are slow, deaf, idle, or without a request while
 * others wait: the server asks about each of them in turn, the oldest first; who has a good reason
 * stays, and who has none is named on the log and closed.
 */
#include "base/container_of.h"
#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "broker/server/connection_internal.h"

/* A request that is half here may be silent for this part of the time that it may take. */
enum { SILENT_PART = 5 };

void connection_close_if_slow(struct connection *connection, uint32_t longest_ms) {
    struct error_text why;
    uint64_t longest_us = (uint64_t)longest_ms * 1000;
    if (connection->muted_until_us > 0) return; /* it may not send */
    if (frame_reader_slow_us(connection->reader) >= longest_us)
        error_set(
            &why, ERR_TIMEOUT,
            "its request has been arriving for more than %u ms while the memory for requests is spent (queued.max.request.bytes)",
            longest_ms);
    else if (frame_reader_silent_us(connection->reader) >= longest_us / SILENT_PART)
        error_set(
            &why, ERR_TIMEOUT,
            "nothing more of its request has come for %u ms while the memory for requests is spent "
            "(queued.max.request.bytes)",
            longest_ms / SILENT_PART);
    else
        return;
    connection_complain(connection, why.text);
    connection_close(connection, ENDED_MEMORY);
}

void connection_close_old_half(struct connection *connection, uint32_t longest_ms) {
    struct error_text why;
    if (frame_reader_half_us(connection->reader) < (uint64_t)longest_ms * 1000) return;
    error_set(
        &why, ERR_TIMEOUT,
        "its request is half here for more than %u ms, and others wait for the memory that it has taken (queued.max.request.bytes)",
        longest_ms);
    connection_complain(connection, why.text);
    connection_close(connection, ENDED_MEMORY);
}

void connection_close_if_deaf(struct connection *connection, uint32_t longest_ms) {
    struct error_text why;
    if (connection->queue == NULL ||
        send_queue_stalled_us(connection->queue) < (uint64_t)longest_ms * 1000)
        return;
    error_set(&why, ERR_TIMEOUT,
              "it has taken nothing of its answers for %u ms, and the memory for answers is spent "
              "(queued.max.request.bytes)",
              longest_ms);
    connection_complain(connection, why.text);
    connection_close(connection, ENDED_MEMORY);
}

void connection_close_if_passing(struct connection *connection, uint32_t longest_ms) {
    struct error_text why;
    uint64_t now_us = env_now_us(connection->host->env), since_us = connection->passes_since_us;
    if (since_us == 0 || now_us - since_us < (uint64_t)longest_ms * 1000) return;
    error_set(
        &why, ERR_TIMEOUT,
        "it has been taking %zu bytes of answers for more than %u ms, and others wait for the memory for answers "
        "(queued.max.request.bytes)",
        connection->charged_answers, longest_ms);
    connection_complain(connection, why.text);
    connection_close(connection, ENDED_MEMORY);
}

bool connection_close_if_idle(struct connection *connection, uint32_t idle_ms) {
    struct error_text why;
    if (connection->parked > 0) return false; /* it waits for us, and for others */
    if (connection->muted_until_us > 0) return false;
    uint64_t stalled_us = connection->queue == NULL ? 0 : send_queue_stalled_us(connection->queue);
    if (stalled_us > 0 && stalled_us < (uint64_t)idle_ms * 1000) return false;
    if (stalled_us > 0) {
        error_set(&why, ERR_TIMEOUT,
                  "it has taken nothing of its answers for %u ms (connections.max.idle.ms)",
                  idle_ms);
        connection_complain(connection, why.text);
    }
    connection_close(connection, ENDED_IDLE);
    return true;
}

void connection_close_unserved(struct connection *connection) {
    connection_complain(
        connection, "it has not sent a request, and others wait to be let in (max.connections)");
    connection_close(connection, ENDED_PLACE);
}

void connections_close_strangers(const struct connection_host *host, uint32_t longest_ms,
                                 size_t most) {
    struct strangers *strangers = host->strangers;
    struct error_text why;
    uint64_t now_us = env_now_us(host->env);
    while (strangers->oldest != NULL) {
        struct connection *connection = CONTAINER_OF(strangers->oldest, struct connection,
                                                     stranger);
        bool late = now_us - strangers->oldest->since_us >= (uint64_t)longest_ms * 1000;
        if (!late && strangers->count <= most) return;
        if (late)
            error_set(&why, ERR_TIMEOUT,
                      "it has not logged in for %u ms (connection.setup.timeout.ms)", longest_ms);
        else
            error_set(&why, ERR_LIMIT,
                      "it has not logged in yet, and more than %zu like it are here, a quarter of "
                      "max.connections",
                      most);
        connection_complain(connection, why.text);
        connection_close(connection, late ? ENDED_REFUSED : ENDED_PLACE);
    }
}
