/*
 * Listening and connecting of the simulated process.
 *
 *   connect:  name -> on the way -> accepted there -> on the way back -> `connected`
 *                        |  ^- tried again every second while nobody answers, until time is over
 *                        +-> nobody listens -> on the way back -> ERR_REFUSED
 *
 * A host is "n<id>", "10.0.0.<id>", or the machine itself by its loopback names. Invariants: a port
 * has one listener; what waits to be accepted when the process dies is reset.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "tests/sim/env/connection.h"

struct env_listener {
    struct env_listener *next; /* all of the network */
    struct env *env;
    int port;
    bool ipv6, paused;
    void (*accepted)(void *arg, struct env_stream *stream);
    void *arg;
    struct delivery waiting;
    struct end *backlog[128];
    unsigned count;
};

static bool is_loopback(const char *host) {
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "::1") == 0;
}

/* The node of that name as seen from `self`; 0: there is none. */
static int node_named(const struct network *network, int self, const char *host) {
    int id = 0;

    if (is_loopback(host)) return self;
    if (sscanf(host, "n%d", &id) != 1 && sscanf(host, "10.0.0.%d", &id) != 1) return 0;
    return id > 0 && id < NODE_MAX && network->nodes[id] != NULL ? id : 0;
}

static struct env_listener *find_listener(const struct network *network, int node, int port,
                                          bool ipv6) {
    for (struct env_listener *listener = network->listeners; listener != NULL;
         listener = listener->next)
        if (listener->env->node->id == node && listener->port == port && listener->ipv6 == ipv6)
            return listener;
    return NULL;
}

/* ---- Listening ---- */

static void offer(struct env_listener *listener) {
    if (listener->count > 0 && !listener->paused) env_deliver(listener->env, &listener->waiting);
}

static void accept_one(struct delivery *delivery) {
    struct env_listener *listener = CONTAINER_OF(delivery, struct env_listener, waiting);

    if (listener->count == 0 || listener->paused) return;
    struct end *end = listener->backlog[0];
    listener->count--;
    memmove(listener->backlog, listener->backlog + 1,
            listener->count * sizeof listener->backlog[0]);
    offer(listener);
    world_trace(listener->env->world, end->node, "accept", "", end->connection->id, 0, 0);
    listener->accepted(listener->arg, stream_new(listener->env, end));
}

int env_listen(struct env *env, const char *host, int port, int backlog,
               void (*accepted)(void *arg, struct env_stream *stream), void *arg,
               struct env_listener **listener, int *bound_port) {
    struct network *network = world_network(env->world);
    bool ipv6 = strchr(host, ':') != NULL;
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;

    (void)backlog;
    *listener = NULL;
    if (!any && node_named(network, env->node->id, host) == 0) return ERR_NAME;
    if (!any && node_named(network, env->node->id, host) != env->node->id) return ERR_INVALID;
    if (port == 0) port = network->next_port++;
    if (find_listener(network, env->node->id, port, ipv6) != NULL) return ERR_BUSY;
    *listener = mem_zalloc(sizeof **listener);
    **listener = (struct env_listener){.next = network->listeners,
                                       .env = env,
                                       .port = port,
                                       .ipv6 = ipv6,
                                       .accepted = accepted,
                                       .arg = arg};
    (*listener)->waiting.run = accept_one;
    network->listeners = *listener;
    *bound_port = port;
    return ERR_NONE;
}

void env_listener_pause(struct env_listener *listener, bool pause) {
    listener->paused = pause;
    offer(listener);
}

static void unlink_listener(struct network *network, struct env_listener *listener) {
    struct env_listener **place = &network->listeners;

    while (*place != listener)
        place = &(*place)->next;
    *place = listener->next;
}

void env_listener_close(struct env_listener *listener) {
    if (listener == NULL) return;
    unlink_listener(world_network(listener->env->world), listener);
    env_undeliver(&listener->waiting);
    for (unsigned i = 0; i < listener->count; i++)
        end_close(listener->backlog[i]);
    mem_free(listener);
}

void listeners_end(struct network *network, struct env *env) {
    for (struct env_listener *listener = network->listeners, *next; listener != NULL;
         listener = next) {
        next = listener->next;
        if (listener->env == env)
            unlink_listener(
                network,
                listener); /* its backlog are ends of the process, which the network closes */
    }
}

/* ---- Connecting ---- */

struct env_connect {
    struct event event;
    struct delivery delivery;
    struct env *env;
    int target, port; /* target 0: a name that does not resolve */
    bool ipv6;
    uint64_t deadline_us;
    int error;
    struct end *end; /* ours, once it was accepted there */
    void (*connected)(void *arg, int error, struct env_stream *stream);
    void *arg;
};

static void tell(struct delivery *delivery) {
    struct env_connect *connect = CONTAINER_OF(delivery, struct env_connect, delivery);
    void (*connected)(void *arg, int error, struct env_stream *stream) = connect->connected;
    void *arg = connect->arg;
    int error = connect->error;
    struct env_stream *stream = connect->end == NULL ? NULL
                                                     : stream_new(connect->env, connect->end);

    mem_free(connect);
    connected(arg, error, stream);
}

static void came_back(struct event *event) {
    struct env_connect *connect = (struct env_connect *)event;

    _Static_assert(offsetof(struct env_connect, event) == 0, "an event is its connect");
    env_deliver(connect->env, &connect->delivery);
}

static void answer(struct env_connect *connect, int error, uint64_t at_us) {
    connect->error = error;
    connect->event.run = came_back;
    world_schedule(connect->env->world, &connect->event, at_us);
}

static void accepted_there(struct network *network, struct env_connect *connect,
                           struct env_listener *listener) {
    struct connection *connection = network_connection_new(
        network, connect->env->node->id, network->next_port++, connect->target, connect->port);

    connect->end = &connection->ends[0];
    connect->end->env = connect->env;
    connection->ends[1].env = listener->env;
    listener->backlog[listener->count++] = &connection->ends[1];
    world_trace(network->world, connect->env->node->id, "connect", "", connection->id,
                (uint64_t)connect->target, 0);
    offer(listener);
}

static void try_target(struct event *event) {
    struct env_connect *connect = (struct env_connect *)event;
    struct network *network = world_network(connect->env->world);
    int self = connect->env->node->id;
    uint64_t now = world_now_us(network->world);
    bool silent = network->links[self][connect->target].blocked ||
                  network->links[connect->target][self].blocked ||
                  node_is_dark(network->nodes[connect->target]);
    struct env_listener *listener = find_listener(network, connect->target, connect->port,
                                                  connect->ipv6);

    if (listener != NULL &&
        listener->count == sizeof listener->backlog / sizeof listener->backlog[0])
        silent = true;
    if (silent && now + 1000000 < connect->deadline_us) {
        world_schedule(network->world, event, now + 1000000);
    } else if (silent) {
        answer(connect, ERR_TIMEOUT, connect->deadline_us);
    } else {
        if (listener != NULL) accepted_there(network, connect, listener);
        answer(connect, listener != NULL ? ERR_NONE : ERR_REFUSED,
               now + network_latency_us(network, connect->target, self));
    }
}

struct env_connect *env_connect(struct env *env, const char *host, int port, uint64_t timeout_us,
                                void (*connected)(void *arg, int error, struct env_stream *stream),
                                void *arg) {
    struct env_connect *connect = mem_zalloc(sizeof *connect);
    struct network *network = world_network(env->world);
    uint64_t now = world_now_us(env->world);

    env_effect(env);
    connect->event.owner = env;
    connect->delivery.run = tell;
    connect->env = env;
    connect->port = port;
    connect->ipv6 = strchr(host, ':') != NULL;
    connect->deadline_us = now + timeout_us;
    connect->connected = connected;
    connect->arg = arg;
    connect->target = node_named(network, env->node->id, host);
    if (connect->target == 0) {
        answer(connect, ERR_NAME, now + 100);
        return connect;
    }
    connect->event.run = try_target;
    world_schedule(env->world, &connect->event,
                   now + network_latency_us(network, env->node->id, connect->target));
    return connect;
}

void env_connect_cancel(struct env_connect *connect) {
    world_unschedule(connect->env->world, &connect->event);
    env_undeliver(&connect->delivery);
    if (connect->end != NULL) end_close(connect->end);
    mem_free(connect);
}

/* ---- Resolving ---- */

struct env_resolve {
    struct event event;
    struct delivery delivery;
    struct env *env;
    int target; /* 0: a name that does not resolve */
    void (*resolved)(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n);
    void *arg;
};

static void tell_addresses(struct delivery *delivery) {
    struct env_resolve *resolve = CONTAINER_OF(delivery, struct env_resolve, delivery);
    void (*resolved)(void *arg, const char(*addresses)[ENV_ADDRESS_SIZE],
                     unsigned n) = resolve->resolved;
    void *arg = resolve->arg;
    unsigned count = resolve->target == 0 ? 0 : 1;
    char addresses[1][ENV_ADDRESS_SIZE];

    snprintf(addresses[0], sizeof addresses[0], "10.0.0.%d", resolve->target);
    mem_free(resolve);
    resolved(arg, (const char(*)[ENV_ADDRESS_SIZE])addresses, count);
}

static void resolver_answered(struct event *event) {
    struct env_resolve *resolve = (struct env_resolve *)event;

    _Static_assert(offsetof(struct env_resolve, event) == 0, "an event is its resolve");
    env_deliver(resolve->env, &resolve->delivery);
}

struct env_resolve *env_resolve(
    struct env *env, const char *host,
    void (*resolved)(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n), void *arg) {
    struct env_resolve *resolve = mem_zalloc(sizeof *resolve);

    env_effect(env);
    *resolve = (struct env_resolve){
        .event = {.owner = env, .run = resolver_answered},
        .delivery = {.run = tell_addresses},
        .env = env,
        .target = node_named(world_network(env->world), env->node->id, host),
        .resolved = resolved,
        .arg = arg};
    world_schedule(env->world, &resolve->event, world_now_us(env->world) + 100);
    return resolve;
}

void env_resolve_cancel(struct env_resolve *resolve) {
    if (resolve == NULL) return;
    world_unschedule(resolve->env->world, &resolve->event);
    env_undeliver(&resolve->delivery);
    mem_free(resolve);
}
