/*
 * Clients that take what others need: slow, deaf, idle, or without a request while others wait. The
 * server asks about each of them in turn, the oldest first; who has a good reason stays, and who
 * has none is named on the log and closed.
 */
#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "broker/server/connection_internal.h"

/* A request that is half here may be silent for this part of the time that it may take. */
enum { SILENT_PART = 5 };

void connection_close_if_slow(struct connection *connection, uint32_t longest_ms) {
    struct error_text why;
    uint64_t longest_us = (uint64_t)longest_ms * 1000;
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
    connection_close(connection);
}

void connection_close_old_half(struct connection *connection, uint32_t longest_ms) {
    struct error_text why;
    if (frame_reader_half_us(connection->reader) < (uint64_t)longest_ms * 1000) return;
    error_set(
        &why, ERR_TIMEOUT,
        "its request is half here for more than %u ms, and others wait for the memory that it has taken (queued.max.request.bytes)",
        longest_ms);
    connection_complain(connection, why.text);
    connection_close(connection);
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
    connection_close(connection);
}

bool connection_close_if_idle(struct connection *connection, uint32_t idle_ms) {
    struct error_text why;
    if (connection->parked > 0) return false; /* it waits for us, and for others */
    uint64_t stalled_us = connection->queue == NULL ? 0 : send_queue_stalled_us(connection->queue);
    if (stalled_us > 0 && stalled_us < (uint64_t)idle_ms * 1000) return false;
    if (stalled_us > 0) {
        error_set(&why, ERR_TIMEOUT,
                  "it has taken nothing of its answers for %u ms (connections.max.idle.ms)",
                  idle_ms);
        connection_complain(connection, why.text);
    }
    connection_close(connection);
    return true;
}

void connection_close_unserved(struct connection *connection) {
    connection_complain(
        connection, "it has not sent a request, and others wait to be let in (max.connections)");
    connection_close(connection);
}
