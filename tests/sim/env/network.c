/* Links, connections and their faults; network.h has the rules. */
#include "tests/sim/env/network.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "tests/sim/env/connection.h"

struct network *network_new(struct world *world) {
    struct network *network = mem_zalloc(sizeof *network);

    network->world = world;
    network->typical_us = 150;
    network->capacity = 65536;
    network->next_port = 40000;
    network->connections.next = network->connections.prev = &network->connections;
    world_set_network(world, network);
    return network;
}

static void chunks_drop(struct chunks *chunks) {
    while (chunks->first != NULL) {
        struct chunk *chunk = chunks->first;
        chunks->first = chunk->next;
        mem_free(chunk);
    }
    chunks->last = NULL;
}

static void connection_free(struct connection *connection) {
    struct world *world = connection->network->world;

    connection->prev->next = connection->next;
    connection->next->prev = connection->prev;
    for (int i = 0; i < 2; i++) {
        world_unschedule(world, &connection->ends[i].arrive);
        chunks_drop(&connection->ends[i].flying);
        chunks_drop(&connection->ends[i].received);
    }
    mem_free(connection);
}

void network_free(struct network *network) {
    while (network->connections.next != &network->connections)
        connection_free(network->connections.next);
    world_set_network(network->world, NULL);
    mem_free(network);
}

void network_add(struct network *network, struct node *node) {
    CHECK(network->nodes[node_id(node)] == NULL);
    network->nodes[node_id(node)] = node;
}

uint64_t network_latency_us(struct network *network, int from, int to) {
    uint64_t typical = from == to ? 20 : network->typical_us;

    return 1 + world_delay_us(network->world, typical) + network->links[from][to].extra_us;
}

/* ---- Pieces on the way ---- */

static void chunks_append(struct chunks *chunks, struct chunk *chunk) {
    chunk->next = NULL;
    if (chunks->first == NULL)
        chunks->first = chunk;
    else
        chunks->last->next = chunk;
    chunks->last = chunk;
}

static void schedule_arrival(struct end *end, uint64_t at_us) {
    world_schedule(end->connection->network->world, &end->arrive, at_us);
}

void end_send(struct end *end, enum chunk_kind kind, const void *data, size_t len) {
    struct network *network = end->connection->network;
    struct chunk *chunk = mem_alloc(sizeof *chunk + len);
    uint64_t at = world_now_us(network->world) +
                  network_latency_us(network, end->node, end->peer->node) + end->extra_us;

    chunk->kind = kind;
    chunk->at_us = end->last_at_us = at > end->last_at_us ? at : end->last_at_us;
    chunk->len = len;
    chunk->read = 0;
    if (len > 0) memcpy(chunk->data, data, len);
    bool first = end->flying.first == NULL;
    chunks_append(&end->flying, chunk);
    if (first) schedule_arrival(end, chunk->at_us);
}

static struct chunk *take_first(struct chunks *chunks) {
    struct chunk *chunk = chunks->first;

    chunks->first = chunk->next;
    if (chunks->first == NULL) chunks->last = NULL;
    return chunk;
}

static bool is_over(const struct connection *connection) {
    const struct end *a = &connection->ends[0], *b = &connection->ends[1];

    return a->closed && b->closed && a->flying.first == NULL && b->flying.first == NULL;
}

static void answer_with_reset(struct end *end) {
    if (!end->gone && !end->peer->closed) end_send(end, CHUNK_RESET, NULL, 0);
}

static void arrived(struct end *to, struct chunk *chunk) {
    if (to->closed) {
        if (chunk->kind == CHUNK_DATA) answer_with_reset(to);
        mem_free(chunk);
        return;
    }
    if (to->reset ||
        (to->fin &&
         chunk->kind == CHUNK_DATA)) { /* what was lost by a reset is followed by nothing */
        mem_free(chunk);
        return;
    }
    if (chunk->kind == CHUNK_DATA) {
        chunks_append(&to->received, chunk);
    } else {
        to->fin = to->fin || chunk->kind == CHUNK_FIN;
        to->reset = to->reset || chunk->kind == CHUNK_RESET;
        mem_free(chunk);
    }
    if (to->reset) end_break(to);
    end_notify(to);
}

static void arrive(struct event *event) {
    struct end *end = CONTAINER_OF(event, struct end, arrive);
    struct network *network = end->connection->network;

    if (end->flying.first == NULL) return;
    if (end->hung || network->links[end->node][end->peer->node].blocked) {
        end->stalled = true;
        return;
    }
    arrived(end->peer, take_first(&end->flying));
    if (end->flying.first != NULL)
        schedule_arrival(end, end->flying.first->at_us);
    else if (is_over(end->connection))
        connection_free(end->connection);
}

static void end_init(struct end *end, struct connection *connection, struct end *peer, int node,
                     int port) {
    end->connection = connection;
    end->peer = peer;
    end->node = node;
    end->port = port;
    end->arrive.run = arrive;
}

struct connection *network_connection_new(struct network *network, int from, int from_port, int to,
                                          int to_port) {
    struct connection *connection = mem_zalloc(sizeof *connection);

    connection->network = network;
    connection->id = ++network->next_id;
    connection->capacity = network->capacity;
    connection->next = &network->connections;
    connection->prev = network->connections.prev;
    connection->prev->next = connection->next->prev = connection;
    end_init(&connection->ends[0], connection, &connection->ends[1], from, from_port);
    end_init(&connection->ends[1], connection, &connection->ends[0], to, to_port);
    return connection;
}

/* ---- Faults ---- */

static void heal_pipe(struct network *network, struct end *end, uint64_t blocked_us) {
    end->acked = end->read_by_peer;
    end_pump(end);
    if (!end->stalled) return;
    end->stalled = false;
    schedule_arrival(
        end, world_now_us(network->world) +
                 world_below(network->world, 1 + (blocked_us < 2000000 ? blocked_us : 2000000)));
}

void network_block(struct network *network, int from, int to, bool blocked) {
    struct link *link = &network->links[from][to];
    uint64_t now = world_now_us(network->world);

    if (link->blocked == blocked) return;
    link->blocked = blocked;
    world_trace(network->world, from, blocked ? "block" : "heal", "", (uint64_t)to, 0, 0);
    if (blocked) {
        link->blocked_since_us = now;
        return;
    }
    for (struct connection *c = network->connections.next; c != &network->connections; c = c->next)
        for (int i = 0; i < 2; i++) {
            struct end *end = &c->ends[i];
            bool this_way = end->node == from && end->peer->node == to;
            bool other_way = end->node == to &&
                             end->peer->node == from; /* its acknowledgements come through again */
            if (this_way || other_way)
                heal_pipe(network, end, this_way ? now - link->blocked_since_us : 0);
        }
}

bool network_is_blocked(const struct network *network, int from, int to) {
    return network->links[from][to].blocked;
}

void network_heal_all(struct network *network) {
    for (int from = 0; from < NODE_MAX; from++)
        for (int to = 0; to < NODE_MAX; to++) {
            network_block(network, from, to, false);
            network->links[from][to].extra_us = 0;
        }
    for (struct connection *c = network->connections.next; c != &network->connections; c = c->next)
        c->ends[0].extra_us = c->ends[1].extra_us = 0;
}

void network_set_latency(struct network *network, uint64_t typical_us) {
    network->typical_us = typical_us;
}

void network_set_slow(struct network *network, int from, int to, uint64_t extra_us) {
    network->links[from][to].extra_us = extra_us;
}

void network_set_capacity(struct network *network, uint64_t bytes) {
    CHECK(bytes > 0);
    network->capacity = bytes;
}

static bool is_between(const struct connection *connection, int a, int b) {
    int from = connection->ends[0].node, to = connection->ends[1].node;

    return (from == a && to == b) || (from == b && to == a);
}

/* One direction of a connection between the two machines that lives on both; NULL: there is none.
 */
static struct end *any_pipe(struct network *network, int a, int b) {
    struct end *chosen = NULL;
    uint64_t count = 0;

    for (struct connection *c = network->connections.next; c != &network->connections;
         c = c->next) {
        if (!is_between(c, a, b) || c->ends[0].closed || c->ends[1].closed) continue;
        if (world_below(network->world, ++count) == 0)
            chosen = &c->ends[world_below(network->world, 2)];
    }
    return chosen;
}

bool network_hang_one(struct network *network, int a, int b) {
    struct end *end = any_pipe(network, a, b);

    if (end == NULL) return false;
    world_trace(network->world, end->node, "hang", "", (uint64_t)end->peer->node,
                end->connection->id, 0);
    end->hung = true;
    return true;
}

bool network_slow_one(struct network *network, int a, int b, uint64_t extra_us) {
    struct end *end = any_pipe(network, a, b);

    if (end == NULL) return false;
    world_trace(network->world, end->node, "slow", "", (uint64_t)end->peer->node,
                end->connection->id, extra_us);
    end->extra_us = extra_us;
    return true;
}

/* Loses what is on the way from a random byte on. */
static void cut_flying(struct network *network, struct end *end) {
    struct chunks kept = {0};

    while (end->flying.first != NULL) {
        struct chunk *chunk = take_first(&end->flying);
        if (world_chance(network->world, 500000)) {
            if (chunk->len > 1 && chunk->kind == CHUNK_DATA) {
                chunk->len = 1 + world_below(network->world, chunk->len - 1);
                chunks_append(&kept, chunk);
            } else {
                mem_free(chunk);
            }
            break;
        }
        chunks_append(&kept, chunk);
    }
    chunks_drop(&end->flying);
    end->flying = kept;
    if (kept.first == NULL) world_unschedule(network->world, &end->arrive);
}

unsigned network_reset(struct network *network, int a, int b) {
    unsigned count = 0;

    for (struct connection *c = network->connections.next; c != &network->connections;
         c = c->next) {
        int from = c->ends[0].node, to = c->ends[1].node;
        if ((a != 0 && a != from && a != to) || (b != 0 && b != from && b != to) ||
            (a != 0 && a == b && from != to))
            continue;
        world_trace(network->world, from, "reset", "", (uint64_t)to, c->id, 0);
        for (int i = 0; i < 2; i++) {
            cut_flying(network, &c->ends[i]);
            end_send(&c->ends[i], CHUNK_RESET, NULL, 0);
        }
        count++;
    }
    return count;
}

/* ---- What the kernel of a machine does ---- */

static void end_orphaned(struct network *network, struct end *end, bool dark) {
    end_drop_queue(end);
    end->env = NULL;
    end->stream = NULL;
    if (end->closed) return;
    end->closed = true;
    if (dark || world_chance(network->world, 500000)) cut_flying(network, end);
    if (dark)
        end->gone = true;
    else
        end_send(end, world_chance(network->world, 500000) ? CHUNK_RESET : CHUNK_FIN, NULL, 0);
}

void network_process_died(struct network *network, struct env *env, bool dark) {
    listeners_end(network, env);
    for (struct connection *c = network->connections.next; c != &network->connections; c = c->next)
        for (int i = 0; i < 2; i++)
            if (c->ends[i].env == env) end_orphaned(network, &c->ends[i], dark);
}

/* The other side's next packet, or its keep-alive, meets a machine that knows nothing of the
 * connection. */
void network_power_on(struct network *network, int node) {
    for (struct connection *c = network->connections.next; c != &network->connections; c = c->next)
        for (int i = 0; i < 2; i++) {
            struct end *end = &c->ends[i];
            if (end->node != node || !end->gone) continue;
            end->gone = false;
            end->last_at_us = world_now_us(network->world) + world_below(network->world, 500000);
            answer_with_reset(end);
        }
}
