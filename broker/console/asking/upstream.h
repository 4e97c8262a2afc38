/*
 * The brokers of the cluster as a client sees them: connections, and requests of Kafka's protocol
 * on them.
 *
 * Happy path: upstream_ask; a connection to that address is made if there is none, versions are
 * negotiated, requests go out in the order in which they came, and `done` has the decoded answer.
 * Failures: ERR_REFUSED, ERR_NAME, ERR_CONNECTION and what else connecting gives; ERR_TIMEOUT
 * (nothing in UPSTREAM_WAIT_MS), ERR_VERSION (the broker does not serve it), ERR_MALFORMED,
 * ERR_TOO_LARGE. After any of the first ones all calls on that connection end with it.
 * Invariants: one connection to an address, UPSTREAM_CONNECTIONS of them at most; `done` is called
 * once, never inside upstream_ask, and not after upstream_cancel; frames are within one budget.
 */
#ifndef BROKER_CONSOLE_ASKING_UPSTREAM_H
#define BROKER_CONSOLE_ASKING_UPSTREAM_H

#include "base/buffer.h"
#include "base/env.h"
#include "protocol/messages/api_table.h"
#include "protocol/schema.h"

enum { UPSTREAM_CONNECTIONS = 32, UPSTREAM_WAIT_MS = 4000 };

struct upstream;
struct upstream_connection;

/* Lies in whoever asks, who sets what stands first. */
struct upstream_call {
    enum kp_api_key key;
    int version_min, version_max; /* version_max 0: any */
    const void *request;          /* stays until `done` */
    void *response;
    struct kp_arena *arena;
    void (*done)(struct upstream_call *call, int error);
    /* Of the answer: what is decoded points into it; the caller's, slice_unref. */
    struct slice frame;
    int version;
    struct upstream_connection *connection; /* the upstream's, all below; NULL: not under way */
    int32_t correlation;
    bool sent;
    int refused; /* what it ends with, later in this turn */
    uint64_t until_us;
    struct upstream_call *next, *prev;
};

struct upstream *upstream_new(struct env *env);
/* Calls under way are forgotten: nobody asks any more. NULL does nothing. */
void upstream_free(struct upstream *upstream);

/* `host` is copied. */
void upstream_ask(struct upstream *upstream, const char *host, int port,
                  struct upstream_call *call);
void upstream_cancel(struct upstream_call *call); /* nothing if it is over */

#endif
