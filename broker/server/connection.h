/*
 * One client connection: frames in, requests to their handlers, answers out in the order of the
 * requests.
 *
 * Happy path: frame -> header -> decoded message -> handler -> answer -> queue to the client.
 * Pipelined requests are handed out in order, without waiting for each other's answers.
 * Failures: bytes that are no request of ours, an API that is not served, a broken stream: the
 * connection ends, with one line on the log (rate limited) where the client is to blame; requests
 * that came before such bytes are answered first, as in Kafka. ApiVersions of an unknown version is
 * answered in version 0, with error 35. A client that sends no more has gone, in whatever state its
 * connection is: its answers are dropped at once and its requests told; what it sent before is
 * still read to the end, because batches with acks 0 may be among it.
 * A client whose request is parked is not idle, however long it waits.
 * One that has used more than its quota is not read for a while, and is not idle then either.
 * Invariants: it is not read while too many of its requests are in flight, while one of them holds
 * it, while the work of two waits, while it is muted, or while the client leaves answers unread; it
 * outlives its stream until its last request has ended.
 */
#ifndef BROKER_SERVER_CONNECTION_H
#define BROKER_SERVER_CONNECTION_H

#include "base/env.h"
#include "base/log.h"
#include "broker/server/request.h"
#include "broker/server/server_stats.h"

struct access;
struct connection;
struct quotas;
struct logins;
struct strangers;
struct tls_listening;

/* For whose request the loop works, while somebody has a quota of that time. */
struct request_work {
    struct connection *connection; /* NULL: it has been charged, or is gone */
    uint64_t began_us;             /* 0: nobody measures */
};

/* What all connections of a server share. */
struct connection_host {
    struct env *env;
    struct log *log;
    struct log_limiter *complaints; /* lines about what clients did wrong */
    const struct dispatch *dispatch;
    /* Memory of requests in flight: sockets are not read while it is spent. */
    struct budget *requests;
    struct budget *larges;  /* of frames that are large, or much to decode */
    struct budget *decoded; /* of what is much to decode, when it is decoded */
    struct budget *answers;
    struct budget *parked;   /* of requests that wait for other clients (request_park) */
    struct parking *parking; /* of requests that wait because their clients like to */
    struct parking *crowd;   /* of those that wait to be decoded */
    struct much_work *much;  /* requests that take long (request_steps.h) */
    struct server_stats *stats;
    struct logins *logins;
    struct access *access; /* NULL: everybody may everything */
    struct quotas *quotas; /* what clients have used */
    struct request_work *work;
    struct strangers *strangers; /* who has yet to log in */
    uint32_t max_request_bytes;
    uint32_t max_in_flight;      /* requests of one connection */
    void (*active)(void *owner); /* a request came, or the last answer was taken */
    void (*closed)(void *owner); /* the stream is closed; requests may still wait. Called once */
    void (*gone)(void *owner);   /* the last request has ended, too: nothing is left of it */
};

/* How the clients of a listener come. */
struct connection_manner {
    const char *listener;      /* its name; stays */
    struct tls_listening *tls; /* what it speaks TLS with; NULL: it does not */
    bool logs_in;
};
/* Takes the stream over. `closed` and `gone` are not called inside. */
struct connection *connection_new(const struct connection_host *host, struct env_stream *stream,
                                  const struct connection_manner *manner, void *owner);
/* Closes it at once: `closed`, and `gone` when no request waits (now or later). */
void connection_close(struct connection *connection, enum connection_end why);
/* Closes it, with a line on the log, if a request has been arriving for longer than that. */
void connection_close_if_slow(struct connection *connection, uint32_t longest_ms);
/* The same, if it is half here for so long, whatever it waited for meanwhile. */
void connection_close_old_half(struct connection *connection, uint32_t longest_ms);
/* The same, if it has not taken the next piece of its answers for that long. */
void connection_close_if_deaf(struct connection *connection, uint32_t longest_ms);
/* The same, if others have waited for so long until it takes what is past the limit of answers. */
void connection_close_if_passing(struct connection *connection, uint32_t longest_ms);
/* Closes one that has not sent anything whole, because others wait; says so. */
void connection_close_unserved(struct connection *connection);
/* Closes those that have been here for so long without logging in, and of the others the oldest
 * until there are `most`. */
void connections_close_strangers(const struct connection_host *host, uint32_t longest_ms,
                                 size_t most);
/* Closes one that was not active for `idle_ms`, unless its client has taken something of an answer
 * in that time, or has a request that is parked. True: it is closed. */
bool connection_close_if_idle(struct connection *connection, uint32_t idle_ms);

#endif
