/*
 * The port for those who watch a broker: /metrics, /health/live, ready, stoppable, cluster, and the
 * console.
 *
 * Happy path: runs on an environment of its own, on a thread of its own, so that it answers while
 * the event loop of the broker hangs. A request that needs newer numbers than of the last second
 * asks the loop and waits for them, a second at most. Failures: when none come, /metrics serves the
 * last ones with their age; /health/ready says so and is 503; 503 also before the first.
 * Invariants: nothing of the broker is reached but through the handover, and as a client
 * (broker/console/console.h); nothing here changes anything.
 */
#ifndef BROKER_OBSERVE_HTTP_PORT_H
#define BROKER_OBSERVE_HTTP_PORT_H

#include "base/env.h"
#include "broker/console/console.h"
#include "broker/observe/handover.h"

struct http_port;

struct http_port_options {
    const char *host; /* stays */
    int port;         /* 0: the system picks */
    struct handover *handover;
    const struct console_options *console; /* NULL: it is not served */
    void (*ask)(void *arg);                /* wakes the loop, for which handover_want was called */
    void *arg;
};

/* Errors as http_server_open. */
int http_port_open(struct env *env, const struct http_port_options *options,
                   struct http_port **port);
void http_port_close(struct http_port *port); /* NULL does nothing */
int http_port_number(const struct http_port *port);
/* The loop has put a snapshot. */
void http_port_arrived(struct http_port *port);

#endif
