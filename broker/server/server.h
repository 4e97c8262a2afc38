/*
 * The client side of a broker: its listeners and all their connections, within their limits.
 *
 * Happy path: server_open binds every listener; who comes now waits in the kernel; server_accept
 * lets clients in; requests go to the dispatch table.
 * Failures: a port that is taken, a name that does not resolve: a sentence with the address. At
 * max.connections further clients wait at the door (door.h), but for a few of this machine; beyond
 * max.connection.creation.rate they wait in the kernel; one beyond max.connections.per.ip is closed
 * at once; a connection on which for
 * connections.max.idle.ms no request came and nothing of an answer was taken is closed, whatever
 * its requests wait for.
 * Invariant: after server_close `done` comes when the last request has ended, not before.
 */
#ifndef BROKER_SERVER_SERVER_H
#define BROKER_SERVER_SERVER_H

#include "base/env.h"
#include "base/log.h"
#include "broker/access/access.h"
#include "broker/config/broker_settings.h"
#include "broker/login/logins.h"
#include "broker/memory/server_memory.h"
#include "broker/quotas/quotas.h"
#include "broker/server/request.h"
#include "broker/server/server_stats.h"
#include "broker/tls/tls_listening.h"

struct server;

struct server_options {
    const struct broker_listener *listeners; /* stay as long as the server */
    size_t listener_count;
    struct tls_wish tls; /* of those that speak it */
    struct login_options logins;
    struct access_options access;
    struct quotas_options quotas;
    uint32_t setup_ms;      /* who has not logged in by then is closed */
    uint64_t request_bytes; /* memory for requests in flight */
    uint64_t parked_bytes;  /* memory for requests that wait for other clients */
    uint64_t answer_bytes;  /* memory for answers that clients have not read yet */
    uint32_t max_request_bytes;
    uint32_t max_in_flight; /* requests of one connection */
    uint32_t max_connections;
    uint32_t own_places; /* beyond it, for clients of this machine */
    uint32_t few_files;  /* the limit of open files, if that is why no more may connect; else 0 */
    uint32_t max_connections_per_ip; /* 0: no limit, of this and of the next */
    uint32_t max_connection_rate;    /* new ones in a second */
    uint32_t max_idle_ms;
    uint32_t max_slow_ms; /* while the memory is spent, who takes longer to send a large request is
                             closed */
};

/* Binds; serves nobody before server_accept. The dispatch table stays the caller's. ERR_BUSY,
 * ERR_NAME, ERR_DENIED, ERR_INVALID, ERR_SYSTEM; `why` has the sentence. */
int server_open(struct env *env, struct log *log, const struct dispatch *dispatch,
                const struct server_options *options, struct server **server,
                struct error_text *why);
/* Memory, connections and times of `options`, from now on; its listeners and the size of a request
 * stay as they were. Who is over a limit that was lowered keeps what he has. */
void server_set_limits(struct server *server, const struct server_options *options);
/* Until server_accept whoever comes, or has come, is closed instead of waiting without an answer.
 */
void server_turn_away(struct server *server);
struct server_tables {
    const struct user_table *users;
    const struct acl_table *rules;
    const struct quota_table *quotas;
};
/* Who may log in, what they may, and how much, from now on; tables stay until others, or NULL, are
 * given. */
void server_follow(struct server *server, const struct server_tables *tables);
/* The table must be complete. */
void server_accept(struct server *server);
void server_stop_accepting(struct server *server);
/* Closes all connections of the moment, as if the network had; others are taken. Not for inside a
 * request. */
void server_close_clients(struct server *server);
/* Closes listeners and connections at once. `done`, never inside the call, when all requests have
 * ended; the server is free then. */
void server_close(struct server *server, void (*done)(void *arg), void *arg);

/* NULL: no listener speaks it. As long as the server. */
struct tls_listening *server_tls(const struct server *server);
/* The port on which the listener of that name (NULL: the first) is bound; -1: there is no such
 * listener. */
int server_port(const struct server *server, const char *listener);
/* For metrics: who is asked who comes, and what he may. */
struct server_guards {
    const struct access *access; /* NULL: it is off */
    const struct logins *logins;
    const struct quotas *quotas;
};
struct server_guards server_guards_of(const struct server *server);
const struct server_stats *server_stats_of(const struct server *server);
struct client_book *server_clients(struct server *server);
size_t server_connection_count(const struct server *server);
/* What its clients make it hold. */
const struct server_memory *server_memory_of(const struct server *server);

#endif
