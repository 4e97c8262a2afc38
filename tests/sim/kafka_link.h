/*
 * One connection of a simulated Kafka client to one broker: requests out, answers back, in order.
 *
 * Happy path: kafka_link_call encodes, sends, and calls `done` with the decoded answer. Failures: a
 * connection that is refused, breaks, or leaves a call without answer until its time is over is
 * closed, and every call on it ends with an error: the result is unknown. An answer that cannot be
 * decoded fails the run. Invariants: `done` is called once, never inside kafka_link_call; the next
 * call connects anew.
 */
#ifndef SIM_KAFKA_LINK_H
#define SIM_KAFKA_LINK_H

#include "protocol/messages/frame.h"
#include "tests/sim/run.h"

struct kafka_link;
struct kafka_link *kafka_link_new(struct run *run, struct env *env, const char *host, int port);

struct kafka_call {
    /* `response`: the C struct of the message, valid until return; NULL with an error. */
    void (*done)(struct kafka_call *call, int error, const void *response);
    struct kafka_call *next; /* the link's, all below */
    const struct kp_api *api;
    int version;
    int32_t correlation;
    struct slice frame;
    uint64_t deadline_us;
};

/* `version` must be served. The request may go away on return. */
void kafka_link_call(struct kafka_link *link, struct kafka_call *call, enum kp_api_key key,
                     int version, const void *request, uint64_t timeout_us);
/* Closes the connection: calls end with ERR_CANCELED. */
void kafka_link_break(struct kafka_link *link);
/* How many of its connections have ended. */
unsigned kafka_link_ended(const struct kafka_link *link);

#endif
