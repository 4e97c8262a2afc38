/* What the files of a connection share: connection.c (requests and answers) and connection_limits.c
 * (whom the server closes, and why). */
#ifndef BROKER_SERVER_CONNECTION_INTERNAL_H
#define BROKER_SERVER_CONNECTION_INTERNAL_H

#include "base/env.h"
#include "broker/server/connection.h"

struct connection {
    const struct connection_host *host;
    void *owner;
    const char *listener;
    struct env_stream *stream;
    struct frame_reader *reader;
    struct send_queue *queue; /* NULL: nobody listens any more */
    struct request *first, *last;
    uint32_t in_flight;
    uint32_t holds;         /* requests that hold the connection */
    uint32_t waits;         /* requests whose work waits for a place */
    size_t stored_bytes;    /* answers that wait in their requests */
    size_t charged_answers; /* to host->answers */
    bool closing;           /* when what is queued is written */
    bool closed;
    struct env_task sweep; /* goes on to free requests that have ended */
    unsigned inside; /* calls that walk over its requests: what ends meanwhile is freed after */
    char peer[64];
};

/* One line of the log about this client: what it did, and that it is closed. */
void connection_complain(struct connection *connection, const char *what);

#endif
