/*
 * Binding listeners, accepting connections, counting what they use, closing who is over a limit.
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
#include "broker/arrival/address_counts.h"
#include "broker/arrival/coming.h"
#include "broker/arrival/door.h"
#include "broker/server/connection.h"
#include "broker/server/listening.h"
#include "broker/server/request_steps.h"
#include "broker/server/strangers.h"

enum {
    PEER_ROOM = 64,
    LIMITS_CHECK_US = 1000 * 1000,
    DEAF_PART = 5, /* while the memory for answers is spent, 1 MiB may be under way for this part of
                      max_slow_ms */
};

struct client {
    struct server *server;
    struct connection *connection;
    struct address_count *address;
    const char *listener; /* its name */
    uint64_t active_us;
    struct client *next, *prev;
    bool served; /* has sent a whole request */
    bool closed; /* not in the list any more */
    bool beyond; /* of this machine, let in though the server was full */
};

struct server {
    struct env *env;
    struct log *log;
    struct server_options options;
    struct listening listening;
    struct tls_listening *tls; /* NULL: no listener speaks it */
    struct server_memory memory;
    struct logins *logins;
    struct access *access; /* NULL: the authorizer is off */
    struct quotas *quotas;
    struct strangers strangers;
    struct much_work much;
    struct log_limiter complaints, crowded;
    struct server_stats stats;
    struct connection_host host;
    struct client *oldest; /* and behind it the others, by the time of their last request */
    size_t client_count;   /* with an open stream */
    size_t beyond_count;   /* of them, let in while it was full */
    size_t left;           /* connections that are not gone */
    struct address_count *addresses; /* of those with an open stream */
    struct coming coming;
    struct request_work work;
    struct env_timer *idle_timer, *limits_timer;
    struct log_limiter crowds; /* of one address */
    struct door door;          /* of those that wait while it is full */
    bool accepting, turning_away, full, closing;
    struct env_task door_task, done_task;
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

static void update_listening(void *arg) {
    struct server *server = arg;
    listening_pause(&server->listening,
                    server->coming.hasty || !(server->accepting || server->turning_away));
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
    if (!budget_spent(&server->memory.halves) || server->memory.halves.waiters == NULL) return;
    for (struct client *client = server->oldest, *next; client != NULL; client = next) {
        next = client->next;
        connection_close_old_half(client->connection, server->options.max_slow_ms);
    }
}

/* Who has yet to log in takes a quarter of all places at the most. */
static void close_strangers(struct server *server) {
    enum { LEAST = 16, PART = 4 };
    size_t most = server->options.max_connections / PART;
    connections_close_strangers(&server->host, server->options.setup_ms,
                                most < LEAST ? LEAST : most);
}

/* While the memory is spent, clients that send a request or take an answer too slowly are closed,
 * the longest silent first. */
static void check_limits(void *arg) {
    struct server *server = arg;
    env_timer_start(server->limits_timer, LIMITS_CHECK_US);
    for (struct client *client = server->oldest, *next;
         client != NULL && server_memory_is_spent(&server->memory); client = next) {
        next = client->next;
        connection_close_if_slow(client->connection, server->options.max_slow_ms);
    }
    close_halves(server);
    for (struct client *client = server->oldest, *next;
         client != NULL && budget_spent(&server->memory.answers); client = next) {
        next = client->next;
        connection_close_if_deaf(client->connection, server->options.max_slow_ms / DEAF_PART);
    }
    for (struct client *client = server->oldest, *next;
         client != NULL && server->memory.answers.waiters != NULL; client = next) {
        next = client->next;
        connection_close_if_passing(client->connection, server->options.max_slow_ms);
    }
    close_silent(server);
    close_strangers(server);
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
    address_counts_leave(&server->addresses, client->address);
    server->client_count--;
    server->beyond_count -= client->beyond;
    if (server->full && !server->closing &&
        server->client_count < server->options.max_connections) {
        server->full = false;
        env_defer(server->env, &server->door_task);
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

/* NULL: that address has as many as it may. */
static struct address_count *enter(struct server *server, const char *peer) {
    struct address_count *address = address_counts_enter(&server->addresses, peer,
                                                         server->options.max_connections_per_ip);
    if (address != NULL) return address;
    server->stats.refused[REFUSED_ADDRESS]++;
    log_limited(server->log, &server->crowds, LOGGED_CONNECTIONS_OF_ADDRESS,
                "a connection of %s is closed: its address has %u (max.connections.per.ip) "
                "already",
                peer, server->options.max_connections_per_ip);
    return NULL;
}

static void let_in(const struct listening_socket *socket, struct env_stream *stream) {
    struct server *server = socket->owner;
    char peer[PEER_ROOM];
    env_stream_peer(stream, peer);
    if (coming_holds(&server->coming, stream, peer)) {
        server->stats.refused[REFUSED_QUOTA]++;
        return;
    }
    struct address_count *address = enter(server, peer);
    if (address == NULL) {
        env_stream_close(stream);
        return;
    }
    struct client *client = mem_zalloc(sizeof *client);
    client->server = server;
    client->address = address;
    client->listener = socket->name;
    client->beyond = server->full;
    server->beyond_count += client->beyond;
    server_stats_listener(&server->stats, client->listener)->accepted++;
    server->left++;
    server->client_count++;
    list_push(server, client);
    const struct connection_manner manner = {.listener = socket->name,
                                             .tls = socket->tls ? server->tls : NULL,
                                             .logs_in = socket->logs_in};
    client->connection = connection_new(&server->host, stream, &manner, client);
    if (socket->logs_in) close_strangers(server);
    if (server->oldest == client) watch_idle(server);
    if (server->client_count < server->options.max_connections) return;
    server->full = true;
    door_tell_full(server->log, &server->crowded, server->client_count,
                   server->options.max_connections, server->options.few_files);
}

static bool has_own_place(const struct server *server) {
    return server->client_count <
               (uint64_t)server->options.max_connections + server->options.own_places ||
           server->beyond_count < server->options.own_places; /* the limit was lowered */
}

/* Beyond the limit there are a few places for clients of this machine: whoever operates the broker
 * can always ask it, and raise the limit. When all are taken, the one of those that came in
 * beyond it that asked for something longest ago leaves: never one that came in as anybody does. */
static bool take_own_place(struct server *server) {
    if (server->options.own_places == 0) return false;
    for (struct client *client = server->oldest, *next; !has_own_place(server) && client != NULL;
         client = next) {
        next = client->next;
        if (client->beyond) connection_close(client->connection, ENDED_PLACE);
    }
    return has_own_place(server);
}

static bool may_come_in(struct server *server, struct env_stream *stream) {
    char peer[PEER_ROOM];
    if (!server->full) return true;
    env_stream_peer(stream, peer);
    return door_is_own(peer) && take_own_place(server);
}

static void wait_at_door(struct server *server, struct env_stream *stream,
                         struct listening_socket *socket) {
    server->stats.refused[REFUSED_LIMIT] += server->door.count == DOOR_PLACES;
    door_push(&server->door, stream, socket);
}

static void accepted(void *arg, struct env_stream *stream) {
    struct listening_socket *socket = arg;
    struct server *server = socket->owner;
    coming_count(&server->coming);
    if (!server->accepting)
        env_stream_close(stream);
    else if (may_come_in(server, stream))
        let_in(socket, stream);
    else
        wait_at_door(server, stream, socket);
}

/* Who waited longest comes in, as many as may. */
static void open_door(struct env_task *task) {
    struct server *server = CONTAINER_OF(task, struct server, door_task);
    struct env_stream *stream;
    void *socket;
    while (server->accepting && !server->full &&
           (stream = door_take(&server->door, &socket)) != NULL)
        let_in(socket, stream);
}

/* ---- Life ---- */

static void server_free(struct server *server) {
    much_work_close(&server->much);
    tls_listening_close(server->tls);
    logins_free(server->logins);
    access_free(server->access);
    quotas_free(server->quotas);
    server_stats_close(&server->stats);
    mem_free(server);
}

static void finish_close(struct env_task *task) {
    struct server *server = CONTAINER_OF(task, struct server, done_task);
    void (*done)(void *) = server->done;
    void *arg = server->done_arg;
    server_memory_close(&server->memory);
    env_timer_free(server->idle_timer);
    env_timer_free(server->limits_timer);
    coming_close(&server->coming);
    CHECK(server->addresses == NULL); /* every client has left */
    server_free(server);
    done(arg);
}

static struct server_memory_limits memory_limits(const struct server_options *options) {
    return (struct server_memory_limits){.request_bytes = options->request_bytes,
                                         .answer_bytes = options->answer_bytes,
                                         .parked_bytes = options->parked_bytes};
}

void server_set_limits(struct server *server, const struct server_options *options) {
    struct server_memory_limits limits = memory_limits(options);
    struct server_options *now = &server->options;
    now->max_connections = options->max_connections;
    now->own_places = options->own_places;
    now->few_files = options->few_files;
    now->max_connections_per_ip = options->max_connections_per_ip;
    now->max_connection_rate = options->max_connection_rate;
    now->max_idle_ms = options->max_idle_ms;
    quotas_set_longest(server->quotas, options->max_idle_ms);
    now->max_in_flight = server->host.max_in_flight = options->max_in_flight;
    server_memory_set_limits(&server->memory, &limits);
    server->full = server->client_count >= now->max_connections;
    coming_set_rate(&server->coming, now->max_connection_rate);
    update_listening(server);
    watch_idle(server);
    env_defer(server->env, &server->door_task);
}

int server_open(struct env *env, struct log *log, const struct dispatch *dispatch,
                const struct server_options *options, struct server **server_out,
                struct error_text *why) {
    CHECK(options->listener_count > 0 && options->listener_count <= BROKER_LISTENERS_MAX);
    CHECK(options->max_connections > 0 && options->max_in_flight > 0 && options->max_idle_ms > 0 &&
          options->max_slow_ms > 0);
    struct server_memory_limits limits = memory_limits(options);
    struct server *server = mem_zalloc(sizeof *server);
    server->env = env;
    server->log = log;
    server->options = *options;
    server_memory_open(&server->memory, env, log, &limits);
    much_work_open(&server->much, env);
    server_stats_open(&server->stats);
    server->logins = logins_new(env, log, &options->logins);
    server->access = access_new(log, &options->access);
    server->quotas = quotas_new(env, &options->quotas);
    server->host = (struct connection_host){.env = env,
                                            .log = log,
                                            .complaints = &server->complaints,
                                            .dispatch = dispatch,
                                            .requests = &server->memory.requests,
                                            .larges = &server->memory.larges,
                                            .decoded = &server->memory.decoded,
                                            .answers = &server->memory.answers,
                                            .parked = &server->memory.parked,
                                            .parking = &server->memory.parking,
                                            .crowd = &server->memory.crowd,
                                            .much = &server->much,
                                            .stats = &server->stats,
                                            .logins = server->logins,
                                            .access = server->access,
                                            .quotas = server->quotas,
                                            .work = &server->work,
                                            .strangers = &server->strangers,
                                            .max_request_bytes = options->max_request_bytes,
                                            .max_in_flight = options->max_in_flight,
                                            .active = connection_active,
                                            .closed = connection_closed,
                                            .gone = connection_gone};
    server->done_task.run = finish_close;
    server->door_task.run = open_door;
    int error = logins_open_tokens(server->logins, why);
    if (error == ERR_NONE)
        error = tls_listening_open(env, log, &options->tls, options->listeners,
                                   options->listener_count, &server->memory.answers, &server->tls,
                                   why);
    if (error == ERR_NONE)
        error = listening_open(&server->listening, env, options->listeners, options->listener_count,
                               accepted, server, why);
    if (error != ERR_NONE) {
        server_free(server);
        return error;
    }
    server->idle_timer = env_timer_new(env, close_idle, server);
    server->limits_timer = env_timer_new(env, check_limits, server);
    coming_open(&server->coming, env, server->quotas, update_listening, server);
    coming_set_rate(&server->coming, options->max_connection_rate);
    env_timer_start(server->limits_timer, LIMITS_CHECK_US);
    *server_out = server;
    return ERR_NONE;
}

void server_turn_away(struct server *server) {
    server->turning_away = true;
    update_listening(server);
}

void server_follow(struct server *server, const struct server_tables *tables) {
    logins_follow(server->logins, tables->users);
    if (server->access != NULL) access_follow(server->access, tables->rules);
    quotas_follow(server->quotas, tables->quotas);
}

void server_accept(struct server *server) {
    CHECK(dispatch_complete(server->host.dispatch));
    server->accepting = true;
    server->turning_away = false;
    update_listening(server);
}

void server_stop_accepting(struct server *server) {
    server->accepting = false;
    update_listening(server);
}

void server_close_clients(struct server *server) {
    for (struct client *client = server->oldest, *next; client != NULL; client = next) {
        next = client->next;
        connection_close(client->connection, ENDED_BY_BROKER);
    }
}

void server_close(struct server *server, void (*done)(void *arg), void *arg) {
    CHECK(!server->closing);
    server->closing = true;
    server->accepting = false;
    server->done = done;
    server->done_arg = arg;
    listening_close(&server->listening);
    door_close(&server->door);
    env_defer_cancel(server->env, &server->door_task);
    env_timer_stop(server->idle_timer);
    env_timer_stop(server->limits_timer);
    coming_stop(&server->coming);
    while (server->oldest != NULL)
        connection_close(server->oldest->connection, ENDED_BY_BROKER);
    if (server->left == 0) env_defer(server->env, &server->done_task);
}

int server_port(const struct server *server, const char *listener) {
    return listening_port(&server->listening, listener);
}

struct tls_listening *server_tls(const struct server *server) {
    return server->tls;
}

struct server_guards server_guards_of(const struct server *server) {
    return (struct server_guards){
        .access = server->access, .logins = server->logins, .quotas = server->quotas};
}

const struct server_stats *server_stats_of(const struct server *server) {
    return &server->stats;
}

struct client_book *server_clients(struct server *server) {
    return &server->stats.clients;
}

size_t server_connection_count(const struct server *server) {
    return server->client_count;
}

const struct server_memory *server_memory_of(const struct server *server) {
    return &server->memory;
}
