/*
 * One request of a client: decoded message in, one answer out. What every handler in broker/api/
 * gets.
 *
 * Happy path: the connection decodes the body by the API table and calls the handler of the key;
 * the handler reads `message`, and now or later ends the request with request_respond(). Answers
 * leave in the order in which the requests came, whatever the order in which they end.
 * Failures: a body that does not decode never reaches a handler (its connection is closed). When
 * the connection breaks while a request waits, the request lives on as dead: its handler ends it as
 * always, and the answer goes nowhere.
 * Invariants: a handler ends each request exactly once; `message`, `arena` and `ctx` are valid
 * until then and not a moment longer.
 */
#ifndef BROKER_SERVER_REQUEST_H
#define BROKER_SERVER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/env.h"
#include "broker/access/acl.h"
#include "broker/quotas/quota.h"
#include "protocol/schema.h"

struct access;
struct connection;
struct parking;

/* Who asks, by which way, and what pays for the answer. */
struct request_ctx {
    const char *listener;  /* the name of that on which it came in ("PLAINTEXT"): answers have its
                              addresses */
    const char *principal; /* "User:alice"; "User:ANONYMOUS" where nobody logs in */
    const char *peer;      /* "10.0.0.7:41234", for messages */
    struct access *access; /* what it may (broker/access/access.h); NULL: everything */
    int16_t api_key;       /* of the request */
    uint64_t connected_us; /* when its connection came: later ones have more */
    struct kp_string client_id; /* as the client named itself; may be null */
    struct budget *memory;      /* of requests in flight: charge what waits with a request */
    /* Of answers that are not written yet: large ones get smaller while it is spent. */
    struct budget *answers;
    struct parking *parking; /* where a request waits that could as well be answered */
};

struct request {
    struct request_ctx ctx;
    int16_t api_key, api_version;
    int32_t correlation_id;
    /* struct kp_<api>_request; texts and records point into the request's frame. */
    const void *message;
    /* That frame: take a slice_ref to keep bytes of it longer than the request. */
    struct slice frame;
    struct kp_arena arena; /* holds the message; build the answer in it, too, which is charged to
                              ctx.answers. Freed with the request */
    /* The handler's own: its state, and two hooks (NULL: none). `canceled` runs once when the
     * connection breaks while the request waits; inside, the handler may end the request, it need
     * not. `released` runs last, just before the memory goes: for what `state` holds. */
    void *state;
    void (*canceled)(struct request *request);
    void (*released)(struct request *request);
    /* The connection's. */
    struct connection *connection;
    struct request *next;
    struct slice *answer;
    uint32_t answer_count;
    size_t answer_room;
    size_t charged;    /* bytes of the message and the request, to ctx.memory */
    uint64_t began_us; /* when it was here; 0: its time was taken */
    uint64_t took_us;  /* ... and is this */
    uint64_t read_us;  /* that it was here in part */
    uint64_t ended_us; /* of Produce; 0: it has not */
    uint64_t answer_bytes;
    int16_t told; /* the first error that its answer tells; 0: none */
    bool dead, ended, holds, waits, parked, close_after;
    bool bare; /* a token of a login, without a header: request_respond_bare */
    /* For broker/server/request_steps.h. */
    struct env *env;
    bool (*step)(struct request *request); /* NULL: none is wanted */
    struct env_task steps;
    uint64_t spent_us; /* in steps that were followed by others in a later turn */
    bool is_much;      /* it waits in a line for that */
    struct request *much_next, *much_prev;
    struct budget_waiter room;
    size_t decoded;            /* bytes of the arena that are the message */
    size_t encoded;            /* bytes that the answer takes when it is encoded */
    size_t charged_answer;     /* for the rest of the arena, and for that, to ctx.answers */
    struct encoding *encoding; /* of broker/server/request_encode.h, while it waits */
};

/* Ends it with `response` (struct kp_<api>_response of the request's key), encoded at the request's
 * version before the call returns: neither `response` nor what it points to is needed after that.
 * Slices of records in it are sent without a copy. */
void request_respond(struct request *request, const void *response);
/* The same for an answer that may be large: `response`, and all that it points to, lies in the
 * request's arena or stays as long as the request (its slices until `released`). It may be encoded
 * off the loop, so the handler touches none of it any more. */
void request_respond_kept(struct request *request, const void *response);
/* Ends it without an answer (Produce with acks 0). */
void request_respond_nothing(struct request *request);
/* Ends it and closes the connection behind the answers of the requests before it: for what Kafka
 * answers with a closed connection. Nothing is said of it: for when the client knows, or has gone,
 * or the broker stops. */
void request_close_connection(struct request *request);
/* The same with a line in the log, one a second at most of all clients: what the client did, and
 * what it may do instead. */
void request_close_because(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for one whose answer takes more memory than an answer may (the arena's limit). */
void request_close_too_large(struct request *request);
/* Nothing more is read from this client until the request ends: what it asks for waits for room. */
void request_hold_connection(struct request *request);
/* It waits for what other clients do, perhaps for minutes (JoinGroup): its frame and message are
 * not needed any more, and are gone when this returns; what is left of it, the arena with the
 * handler's state, is charged to a budget of its own, so that those who wait never keep others from
 * being read. False: that budget is spent; nothing has changed, end it with an error. */
bool request_park(struct request *request);
/* When its client has gone, who listens (dispatch_on_gone) is told with request->connection, once.
 */
void request_tell_when_gone(struct request *request);
/* Its client has said which software it is. */
void request_name_client(struct request *request, struct kp_string software,
                         struct kp_string version);
/* Whether it has said that it is this one. */
bool request_client_is(const struct request *request, const char *software);
/* From here on it waits because its client likes to: the time that it took is up to here. Nothing
 * the second time. */
void request_timed(struct request *request);
/* Its work waits for a place among that of all clients, until request_work_goes_on or its end: a
 * client with two such requests is not read, so that what waits is bounded by how many clients
 * there are and not by how much each sends ahead. */
void request_work_waits(struct request *request);
void request_work_goes_on(struct request *request); /* nothing if it does not wait */

/* ---- Quotas (broker/quotas/quotas.h): nothing while there are none ---- */

/* It has used so much more. Returns for how long its client is not read from now on, for its
 * answer; 0: it is read. */
uint32_t request_charge_quota(struct request *request, enum quota_key key, uint64_t used);
/* The same of what it would be answered with; not `given`: it is not to have it now. */
uint32_t request_try_quota(struct request *request, enum quota_key key, uint64_t wanted,
                           bool *given);
/* The most that it may be answered with; UINT64_MAX: there is no limit. */
uint64_t request_quota_most(const struct request *request, enum quota_key key);

/* ---- Logins (broker/login/login.h) ---- */

struct login;
/* What its client is at; NULL: its listener wants no logins. */
struct login *request_login(struct request *request);
/* It is known now. */
void request_logged_in(struct request *request);
/* It failed, and hears so later: the time that it has to log in is over for it, and does not close
 * it before. */
void request_login_failed(struct request *request);
/* Behind its answer the connection is closed. */
void request_close_behind(struct request *request);
/* Ends it with these bytes as a frame. */
void request_respond_bare(struct request *request, const void *bytes, size_t len);

/* ---- Authorization ---- */

/* Whether the principal may do it; a refusal is counted, and told on the log. `name` is not
 * terminated; NULL for the cluster. Always while the authorizer is off. What an API asks stands in
 * its row (broker/access/access_rows.h). */
bool authorize(const struct request_ctx *ctx, enum authorize_operation operation,
               enum authorize_resource resource, const void *name, size_t len);
/* The same of what is left out where it may not be seen: nothing is told. */
bool authorize_seeing(const struct request_ctx *ctx, enum authorize_operation operation,
                      enum authorize_resource resource, const void *name, size_t len);
/* Whether rules grant it, also while the authorizer only observes: for one of two rights of which
 * either is enough. Nothing is told: the other is asked behind it. */
bool authorize_has(const struct request_ctx *ctx, enum authorize_operation operation,
                   enum authorize_resource resource, const void *name, size_t len);
/* authorize() of any resource of that kind. */
bool authorize_some(const struct request_ctx *ctx, enum authorize_operation operation,
                    enum authorize_resource resource);
/* What is answered to who wants to know what he may (KIP-430). */
bool authorize_could(const struct request_ctx *ctx, enum authorize_operation operation,
                     enum authorize_resource resource, const void *name, size_t len);

/* ---- Dispatch: API key -> handler ---- */

struct dispatch;
typedef void request_handler(void *service, struct request *request);

/* `service`: what all handlers get. */
struct dispatch *dispatch_new(void *service);
void dispatch_free(struct dispatch *dispatch);
/* The key must be in protocol/messages/api_table.h and not be set yet. */
void dispatch_set(struct dispatch *dispatch, int16_t api_key, request_handler *handler);
/* Of each connection of which request_tell_when_gone asked for it. One listener; its `service` is
 * that of the handlers. Inside it no request is ended. */
void dispatch_on_gone(struct dispatch *dispatch,
                      void (*gone)(void *service, const struct connection *connection));
void dispatch_gone(const struct dispatch *dispatch, const struct connection *connection);
/* While `parting`, a client that asks for topics and partitions, or for what leads to them, is
 * answered, and then its connection is closed: it does better to ask another broker. Who asks about
 * the cluster is kept. */
void dispatch_part(struct dispatch *dispatch, bool parting);
/* Whether every API of the table has its handler, and its row of what it asks: what is advertised
 * is served, and nothing is served unasked. */
bool dispatch_complete(const struct dispatch *dispatch);
/* The request's key has a handler (checked). The request may be gone when it returns. */
void dispatch_call(const struct dispatch *dispatch, struct request *request);

#endif
