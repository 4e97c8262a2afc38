/*
 * A small HTTP/1.1 server for scrapers, probes and people: GET and HEAD, and POST where `takes`
 * says so; one request of a connection at a time.
 *
 * Happy path: a request is read, `handle` gets it and answers it with http_respond, at once or
 * later; then the next one of the connection is looked at. The body of a POST is read only once
 * `takes` has looked at its head.
 * An answer may also be a stream of pieces (http_stream_begin), each sent when the one before was
 * taken. Failures: what is no request that is served is refused with its status, and the connection
 * ends behind it. A request that is not whole in time, an answer that is not taken in time and a
 * connection that is silent for long are closed. When there are as many connections as may be, or
 * as much is unread, one gives way, of the address that has most: the one that has waited longest
 * for its client, else the one whose client is slowest to take its answer, else the one that has
 * waited longest for us. So who comes anew is always let in, whatever others leave lying.
 * Invariants: memory is bounded by connections, unread_bytes and body_bytes; `handle` has at most
 * one exchange of a connection, and is told when its client has gone; on env.h alone,
 * single-threaded.
 */
#ifndef BROKER_HTTP_HTTP_SERVER_H
#define BROKER_HTTP_HTTP_SERVER_H

#include "base/buffer.h"
#include "base/env.h"
#include "broker/http/http_request.h"

struct http_server;
struct http_exchange;

struct http_server_options {
    const char *host; /* stays */
    int port;         /* 0: the system picks */
    unsigned connections;
    uint32_t head_ms;   /* within which the head of a request is whole, and then its body */
    uint32_t answer_ms; /* within which an answer is taken */
    uint32_t silent_ms; /* between requests */
    /* Of answers that clients have not taken, over all; beyond are only as many short ones as there
     * are connections. An answer that is larger by itself is refused with 503. */
    size_t unread_bytes;
    /* Of a POST whose head is there: 0 where its body is to be read, or the status that it is
     * refused with, and the sentence (static). NULL: there is no POST. */
    int (*takes)(void *arg, const struct http_request *request, const char **text);
    /* What an answer of 405 says that is taken at that place (static). NULL: GET and HEAD. */
    const char *(*allows)(void *arg, const struct http_request *request);
    size_t body_bytes; /* of bodies, over all; a POST beyond gets 503 */
    /* Gets the exchange, with request `http_exchange_request`, until it responds or is told that it
     * is gone. */
    void (*handle)(void *arg, struct http_exchange *exchange);
    void (*gone)(void *arg, struct http_exchange *exchange);
    /* Behind every answer: its status, of a request that was handled (its `tag`) or refused (NULL).
     */
    void (*answered)(void *arg, const char *tag, int status);
    void *arg;
};

/* ERR_BUSY, ERR_NAME, ERR_DENIED, ERR_INVALID, ERR_SYSTEM. */
int http_server_open(struct env *env, const struct http_server_options *options,
                     struct http_server **server);
int http_server_port(const struct http_server *server);
/* Closes everything at once; `gone` is called for what was being handled. NULL does nothing. */
void http_server_close(struct http_server *server);

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
/* The address of its client, without the port. */
const char *http_exchange_peer(const struct http_exchange *exchange);
/* Takes the body over. `tag` (static) is for `answered`. */
void http_respond(struct http_exchange *exchange, const char *tag, int status, const char *type,
                  struct slice body);

/* The same with header lines of its own, each with its end, instead of what says that nobody keeps
 * the answer; at most HTTP_LINES_MAX bytes. */
enum { HTTP_LINES_MAX = 1024 };
void http_respond_with(struct http_exchange *exchange, const char *tag, int status,
                       const char *type, const char *lines, struct slice body);

/* An answer without an end that is known, in pieces: first its head. The exchange stays the
 * handler's, until it ends it or is told that it is gone; its connection ends with it. */
void http_stream_begin(struct http_exchange *exchange, const char *tag, const char *type,
                       const char *lines);
/* Takes the piece over. False: nothing was sent, since the client has not taken the one before, or
 * too much is unread; the same may be sent later. */
bool http_stream_send(struct http_exchange *exchange, struct slice piece);
/* Whether the client has taken all that was sent: it is worth making the next piece. */
bool http_stream_taken(const struct http_exchange *exchange);
void http_stream_end(struct http_exchange *exchange);

/* For whoever keeps exchanges in a list. */
struct http_exchange {
    struct http_exchange *next, *prev; /* the handler's */
    void *wish;                        /* the handler's */
    uint64_t since_us;                 /* when it was handed over */
    struct http_request request;
    bool handled; /* the handler has it */
};

#endif
