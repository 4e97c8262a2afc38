/*
 * The web console: pages for people, and the JSON under /api/ that they are made of. It only reads,
 * unless it has a token: then whoever sends that may change things, too (broker/console/changes/).
 *
 * Happy path: runs on the thread of those who watch (broker/observe/http_port.h). A page is a file
 * that was built into the program; what it shows is asked of the brokers in Kafka's protocol, over
 * their ordinary listeners, as any client does: within the limits of clients, and without a pointer
 * into the broker. So it costs the event loop no more than a client that asks the same.
 * Failures: a broker that does not answer is shown as such; when too much is asked at once a
 * request gets 503. Invariants: without a token there is no route that changes anything;
 * CONSOLE_INQUIRIES requests are under way at most; it answers only to names that no stranger's
 * page can have (421 else), so that a page from elsewhere cannot read through a name that it turned
 * to this address.
 */
#ifndef BROKER_CONSOLE_CONSOLE_H
#define BROKER_CONSOLE_CONSOLE_H

#include <stdbool.h>

#include "base/env.h"
#include "base/log.h"
#include "broker/http/http_server.h"

/* A change has CONSOLE_BODY bytes at most. */
enum { CONSOLE_INQUIRIES = 8, CONSOLE_BODY = 3 << 20 };

struct console;

struct console_options {
    int32_t node;            /* of the broker that serves it */
    const char *broker_host; /* where its first listener is reached from this machine; stays */
    /* The port of that listener; 0: it takes no clients yet. On the console's thread. */
    int (*broker_port)(void *arg);
    void *arg;
    /* Names by which browsers may call this port, beside addresses and localhost, with commas;
     * stays. */
    const char *hosts;
    const char *token; /* of whoever may change things; "": nobody; stays */
    struct log *log;   /* of this thread: a line for each change */
};

struct console *console_new(struct env *env, const struct console_options *options);
void console_free(struct console *console); /* NULL does nothing */

/* Whether a path is the console's. */
bool console_serves(const struct http_request *request);
/* Whether a POST is let in, from its head: http_server_options.takes. */
int console_takes(struct console *console, const struct http_request *request, const char **text);
/* What a 405 says that is taken there: http_server_options.allows. */
const char *console_allows(const struct console *console, const struct http_request *request);
/* Answers it, at once or later; exchange->wish is the console's until then. */
void console_handle(struct console *console, struct http_exchange *exchange);
/* The browser has gone; nothing if the exchange is not the console's. */
void console_gone(struct console *console, struct http_exchange *exchange);

/* Streams of records that are open. */
unsigned console_streams(const struct console *console);

/* The tags of its answers, for http_respond's `answered`. */
extern const char console_page_tag[], console_api_tag[];

#endif
