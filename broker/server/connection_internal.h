/* What the files of a connection share: connection_requests.c (the list, its memory), connection.c
 * (from frame to answer) and connection_limits.c (whom the server closes, and why). */
#ifndef BROKER_SERVER_CONNECTION_INTERNAL_H
#define BROKER_SERVER_CONNECTION_INTERNAL_H

#include "base/env.h"
#include "base/secure/either_stream.h"
#include "broker/server/connection.h"
#include "broker/server/server_stats.h"

struct connection {
    const struct connection_host *host;
    void *owner;
    const char *listener;
    struct listener_stats *counts; /* of that listener */
    struct client_entry entry;     /* in the book of clients, until it is closed */
    struct either_stream stream;
    struct frame_reader *reader;
    struct send_queue *queue; /* NULL: nobody listens any more */
    struct request *first, *last;
    uint32_t in_flight;
    uint32_t holds;         /* requests that hold the connection */
    uint32_t waits;         /* requests whose work waits for a place */
    uint32_t parked;        /* requests that wait for other clients */
    size_t stored_bytes;    /* answers that wait in their requests */
    size_t charged_answers; /* to host->answers */
    bool tells_gone;        /* somebody wants to know when its client has gone */
    bool closing;           /* when what is queued is written */
    bool closed;
    struct env_task sweep; /* goes on to free requests that have ended */
    unsigned inside; /* calls that walk over its requests: what ends meanwhile is freed after */
    char peer[64];
};

/* ---- connection_requests.c ---- */

/* Takes the frame over. */
struct request *request_new(struct connection *connection, struct slice frame);
/* Gives back all that it holds but its answer, which may wait for those before it: they may need
 * the memory to get on. */
void request_give_back(struct request *request);
/* It is in the list no more. */
void request_free(struct request *request);
/* The charge follows the size of the message, which has just been decoded. */
void request_charge_message(struct request *request);
/* What its answer tells is counted, before it is sent. */
void request_told(struct request *request, const struct kp_writer *answer);
/* It ends: for those who trace requests. */
void request_note(const struct request *request);
/* Charged, and last of the list. */
void connection_add_request(struct connection *connection, struct request *request);
/* There is one: the oldest is in the list no more. */
struct request *connection_take_first(struct connection *connection);
/* The charge follows the bytes that the client has not taken yet. */
void connection_recount(struct connection *connection);

/* ---- connection.c ---- */

/* One line of the log about this client: what it did, and that it is closed. */
void connection_complain(struct connection *connection, const char *what);

#endif
