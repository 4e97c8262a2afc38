/*
 * Binding listeners, accepting connections, counting what they use, closing those that go over a
 * limit.
 *
 * Connections are in a list by when they last asked for something, longest ago first: one timer
 * closes those that are idle for too long.
 */
#include "broker/server/server.h"

#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/server/connection.h"
#include "broker/server/parking.h"

enum {
    BACKLOG = 1024,
    SOCKETS_MAX = 2 * BROKER_LISTENERS_MAX,
    LIMITS_CHECK_US = 1000 * 1000,
    DEAF_PART = 5, /* while the memory for answers is spent, 1 MiB may be under way for this part of
                      max_slow_ms */
};

struct socket {
    struct server *server;
    struct env_listener *listener;
    const char *name;
    int port;
};

struct client {
    struct server *server;
    struct connection *connection;
    uint64_t active_us;
    struct client *next, *prev;
    bool served; /* has sent a whole request */
    bool closed; /* not in the list any more */
};

struct server {
    struct env *env;
    struct log *log;
    struct server_options options;
    struct socket sockets[SOCKETS_MAX];
    size_t socket_count;
    /* queued.max.request.bytes is shared between the first four: short requests, large ones, those
     * that are half here, and what is decoded of those that are much to decode */
    struct budget requests, larges, halves, decoded, answers, parked;
    struct parking parking, crowd; /* who waits because he likes to, and for memory */
    struct log_limiter complaints, crowded;
    struct connection_host host;
    struct client *oldest; /* and behind it the others, by the time of their last request */
    size_t client_count;   /* with an open stream */
    size_t left;           /* connections that are not gone */
    struct env_timer *idle_timer, *limits_timer;
    bool accepting, full, closing;
    struct env_task done_task;
    void (*done)(void *arg);
    void *done_arg;
};

/* ---- Connections ---- */

static void list_push(struct server *server, struct client *client) {
    client->active_us = env_now_us(server->env);
    DL_APPEND(server->oldest, client);
}

static void touch(struct client *client) {
    DL_DELETE(client->server->oldest, client);
    list_push(client->server, client);
}

static void update_listening(struct server *server) {
    for (size_t i = 0; i < server->socket_count; i++)
        env_listener_pause(server->sockets[i].listener, !server->accepting || server->full);
}

static uint64_t idle_at_us(const struct server *server, const struct client *client) {
    return client->active_us + (uint64_t)server->options.max_idle_ms * 1000;
}

static void watch_idle(struct server *server) {
    if (server->oldest != NULL)
        env_timer_start_at(server->idle_timer, idle_at_us(server, server->oldest));
}

static void close_idle(void *arg) {
    struct server *server = arg;
    uint64_t now_us = env_now_us(server->env);
    while (server->oldest != NULL && idle_at_us(server, server->oldest) <= now_us) {
        struct client *client = server->oldest;
        if (!connection_close_if_idle(client->connection, server->options.max_idle_ms))
            touch(client);
    }
    watch_idle(server);
}

static bool memory_is_spent(const struct server *server) {
    return budget_spent(&server->requests) || budget_spent(&server->larges) ||
           budget_spent(&server->halves);
}

/* While no more connections are accepted, those that have never asked for anything are closed, the
 * longest silent first. */
static void close_silent(struct server *server) {
    uint64_t now_us = env_now_us(server->env),
             longest_us = (uint64_t)server->options.max_slow_ms * 1000;
    if (!server->full) return;
    for (struct client *client = server->oldest, *next;
         client != NULL && now_us - client->active_us >= longest_us; client = next) {
        next = client->next;
        if (!client->served) connection_close_unserved(client->connection);
    }
}

/* Others wait for the memory for halves: all that are half here for too long give way, whatever
 * they wait for themselves, so that who sends halves does not keep out who sends whole ones,
 * neither by being slow nor by not reading answers. */
static void close_halves(struct server *server) {
    if (!budget_spent(&server->halves) || server->halves.waiters == NULL) return;
    for (struct client *client = server->oldest, *next; client != NULL; client = next) {
        next = client->next;
        connection_close_old_half(client->connection, server->options.max_slow_ms);
    }
}

/* While the memory is spent, clients that send a request or take an answer too slowly are closed,
 * the longest silent first. */
static void check_limits(void *arg) {
    struct server *server = arg;
    env_timer_start(server->limits_timer, LIMITS_CHECK_US);
    for (struct client *client = server->oldest, *next; client != NULL && memory_is_spent(server);
         client = next) {
        next = client->next;
        connection_close_if_slow(client->connection, server->options.max_slow_ms);
    }
    close_halves(server);
    for (struct client *client = server->oldest, *next;
         client != NULL && budget_spent(&server->answers); client = next) {
        next = client->next;
        connection_close_if_deaf(client->connection, server->options.max_slow_ms / DEAF_PART);
    }
    close_silent(server);
}

static void connection_active(void *owner) {
    struct client *client = owner;
    client->served = true;
    touch(client);
}

static void connection_closed(void *owner) {
    struct client *client = owner;
    struct server *server = client->server;
    DL_DELETE(server->oldest, client);
    client->closed = true;
    server->client_count--;
    if (server->full && !server->closing) {
        server->full = false;
        update_listening(server);
    }
}

static void connection_gone(void *owner) {
    struct client *client = owner;
    struct server *server = client->server;
    CHECK(client->closed);
    mem_free(client);
    server->left--;
    if (server->closing && server->left == 0) env_defer(server->env, &server->done_task);
}

static void accepted(void *arg, struct env_stream *stream) {
    struct socket *socket = arg;
    struct server *server = socket->server;
    if (!server->accepting) {
        env_stream_close(stream);
        return;
    }
    struct client *client = mem_zalloc(sizeof *client);
    client->server = server;
    server->left++;
    server->client_count++;
    list_push(server, client);
    client->connection = connection_new(&server->host, stream, socket->name, client);
    if (server->oldest == client) watch_idle(server);
    if (server->client_count < server->options.max_connections) return;
    server->full = true;
    update_listening(server);
    log_limited(
        server->log, &server->crowded, LOG_WARN,
        "%zu clients are connected; further ones wait until one leaves. Raise %s (now %u) to let more in",
        server->client_count,
        server->options.few_files
            ? "the hard limit of open files (ulimit -Hn, LimitNOFILE), of which clients get half"
            : "max.connections",
        server->options.few_files ? server->options.few_files : server->options.max_connections);
}

/* ---- Listeners ---- */

static int bind_one(struct server *server, const struct broker_listener *listener, const char *host,
                    int port, struct error_text *why) {
    struct socket *socket = &server->sockets[server->socket_count];
    char address[HOST_PORT_TEXT];
    host_port_text(host, port, address);
    *socket = (struct socket){.server = server, .name = listener->name};
    int error = env_listen(server->env, host, port, BACKLOG, accepted, socket, &socket->listener,
                           &socket->port);
    if (error == ERR_NONE) {
        env_listener_pause(socket->listener, true);
        server->socket_count++;
    } else if (error == ERR_BUSY) {
        error_set(
            why, error,
            "cannot listen for clients on %s (listener %s): that port is in use by another program; stop it, or name another port in listeners",
            address, listener->name);
    } else if (error == ERR_NAME) {
        error_set(
            why, error,
            "cannot listen for clients on %s (listener %s): the name does not resolve; correct it in listeners",
            address, listener->name);
    } else {
        error_set(
            why, error,
            "cannot listen for clients on %s (listener %s): %s; name an address of this machine in listeners",
            address, listener->name, error_phrase(error));
    }
    return error;
}

static int bind_listener(struct server *server, const struct broker_listener *listener,
                         struct error_text *why) {
    int error = bind_one(server, listener, listener->host, listener->port, why);
    if (error != ERR_NONE || !listener->bind_ipv6_loopback_too) return error;
    struct error_text ipv6_why;
    error = bind_one(server, listener, "::1", server->sockets[server->socket_count - 1].port,
                     &ipv6_why);
    if (error == ERR_BUSY) {
        *why = ipv6_why;
        return error;
    }
    return ERR_NONE; /* a machine without IPv6 has no ::1, and no client that asks for it */
}

static void close_listeners(struct server *server) {
    for (size_t i = 0; i < server->socket_count; i++)
        env_listener_close(server->sockets[i].listener);
    server->socket_count = 0;
}

/* Every charge has an owner whose end is certain, and all owners have ended. */
static void check_charges(const struct server *server) {
    size_t halves = server->halves.used, requests = server_request_bytes(server) - halves;
    size_t answers = server->answers.used, parked = server->parked.used;
    if (requests == 0 && halves == 0 && answers == 0 && parked == 0) return;
    log_error(
        server->log,
        "memory is still charged after the last client has gone (requests %zu, half requests %zu, answers %zu, parked %zu bytes): a bug "
        "of draved, please report it",
        requests, halves, answers, parked);
#ifndef NDEBUG
    CHECK(requests == 0 && halves == 0 && answers == 0 && parked == 0);
#endif
}

static void finish_close(struct env_task *task) {
    struct server *server = CONTAINER_OF(task, struct server, done_task);
    void (*done)(void *) = server->done;
    void *arg = server->done_arg;
    check_charges(server);
    parking_close(&server->crowd);
    parking_close(&server->parking);
    env_timer_free(server->idle_timer);
    env_timer_free(server->limits_timer);
    mem_free(server);
    done(arg);
}

static void memory_is_wanted(void *arg) {
    struct server *server = arg;
    parking_wanted(&server->parking);
    parking_wanted(&server->crowd);
}

static void open_budgets(struct server *server) {
    size_t part = server->options.request_bytes / 4;
    struct budget *budgets[] = {&server->requests, &server->larges, &server->halves,
                                &server->decoded, &server->answers};
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        budget_init(budgets[i],
                    budgets[i] == &server->answers ? server->options.answer_bytes : part);
        budgets[i]->wanted = memory_is_wanted;
        budgets[i]->wanted_arg = server;
    }
    budget_init(&server->parked, server->options.parked_bytes);
    server->requests.halves = &server->halves;
    server->requests.larges = &server->larges;
    parking_open(&server->parking, server->env, NULL);
    parking_for(&server->parking, &server->requests);
    parking_for(&server->parking, &server->larges);
    parking_for(&server->parking, &server->decoded);
    parking_for(&server->parking, &server->answers);
    parking_open(&server->crowd, server->env, &server->parking);
    parking_for(&server->crowd, &server->larges);
}

int server_open(struct env *env, struct log *log, const struct dispatch *dispatch,
                const struct server_options *options, struct server **server_out,
                struct error_text *why) {
    CHECK(options->listener_count > 0 && options->listener_count <= BROKER_LISTENERS_MAX);
    CHECK(options->max_connections > 0 && options->max_in_flight > 0 && options->max_idle_ms > 0 &&
          options->max_slow_ms > 0);
    struct server *server = mem_zalloc(sizeof *server);
    server->env = env;
    server->log = log;
    server->options = *options;
    open_budgets(server);
    server->host = (struct connection_host){.env = env,
                                            .log = log,
                                            .complaints = &server->complaints,
                                            .dispatch = dispatch,
                                            .requests = &server->requests,
                                            .larges = &server->larges,
                                            .decoded = &server->decoded,
                                            .answers = &server->answers,
                                            .parked = &server->parked,
                                            .parking = &server->parking,
                                            .crowd = &server->crowd,
                                            .max_request_bytes = options->max_request_bytes,
                                            .max_in_flight = options->max_in_flight,
                                            .active = connection_active,
                                            .closed = connection_closed,
                                            .gone = connection_gone};
    server->done_task.run = finish_close;
    for (size_t i = 0; i < options->listener_count; i++) {
        int error = bind_listener(server, &options->listeners[i], why);
        if (error != ERR_NONE) {
            close_listeners(server);
            mem_free(server);
            return error;
        }
    }
    server->idle_timer = env_timer_new(env, close_idle, server);
    server->limits_timer = env_timer_new(env, check_limits, server);
    env_timer_start(server->limits_timer, LIMITS_CHECK_US);
    *server_out = server;
    return ERR_NONE;
}

void server_accept(struct server *server) {
    CHECK(dispatch_complete(server->host.dispatch));
    server->accepting = true;
    update_listening(server);
}

void server_stop_accepting(struct server *server) {
    server->accepting = false;
    update_listening(server);
}

void server_close_clients(struct server *server) {
    for (struct client *client = server->oldest, *next; client != NULL; client = next) {
        next = client->next;
        connection_close(client->connection);
    }
}

void server_close(struct server *server, void (*done)(void *arg), void *arg) {
    CHECK(!server->closing);
    server->closing = true;
    server->accepting = false;
    server->done = done;
    server->done_arg = arg;
    close_listeners(server);
    env_timer_stop(server->idle_timer);
    env_timer_stop(server->limits_timer);
    while (server->oldest != NULL)
        connection_close(server->oldest->connection);
    if (server->left == 0) env_defer(server->env, &server->done_task);
}

int server_port(const struct server *server, const char *listener) {
    for (size_t i = 0; i < server->socket_count; i++) {
        if (listener == NULL || strcmp(server->sockets[i].name, listener) == 0)
            return server->sockets[i].port;
    }
    return -1;
}

size_t server_connection_count(const struct server *server) {
    return server->client_count;
}

size_t server_request_bytes(const struct server *server) {
    return server->requests.used + server->larges.used + server->halves.used + server->decoded.used;
}

size_t server_parked_bytes(const struct server *server) {
    return server->parked.used;
}

size_t server_answer_bytes(const struct server *server) {
    return server->answers.used;
}
