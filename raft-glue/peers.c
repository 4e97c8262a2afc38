/*
 * All links of this broker: who dials, when a link is up, when it is down, and whether the other process is dead.
 *
 *   down --(control established, bulk established, one session)--> up --(either breaks, or silence)--> down
 *
 * Happy path: the lower node id dials control, then bulk with the same session; both established: `up`.
 * Failures: whatever breaks one connection closes both, so nothing of an old session arrives in a new one. The dialling
 * side dials again at once, then with a growing pause; the other side probes in the same rhythm. A refused connect means
 * that the process is dead. A peer that says nothing for SILENCE_MS (pings come far more often) is broken off: TCP alone
 * would wait minutes behind a cut, and resume late.
 * Invariants: `up` and `down` alternate; reading starts when the link is up, on both connections.
 */
#include "raft-glue/peers.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "raft-glue/peer_connection.h"

enum {
    TICK_US = 250 * 1000,
    PING_MS = 500,
    SILENCE_MS = 3000,
    HANDSHAKE_MS = 2000,
    STEADY_MS = 50, /* a link that held so long is dialled, or probed, again without a pause */
    CONNECT_TIMEOUT_US = 2000 * 1000,
    RETRY_MIN_US = 20 * 1000,
    RETRY_MAX_US = 500 * 1000,
    REFUSED_RETRY_US = 1000 * 1000, /* our hello was refused: only what a person does can change that */
    SHAKING_MAX = 64,               /* accepted connections that did not say who they are */
    CONTROL_QUEUE_MAX = 64 << 20,   /* bytes queued to a peer that sends and does not read */
    BACKLOG = 128,
};

struct peer {
    struct peers *peers;
    int32_t node;
    char *host;
    int port;
    bool up, dead;
    bool was_up;   /* a link broke and `down` with dead = true was not called since */
    bool refused;  /* by the other's verdict, or by ours */
    char *refusal; /* the last sentence that it gave us */
    uint64_t up_since_ms;
    struct peer_connection *connections[2];
    uint64_t session;
    struct env_connect *connect;
    struct env_timer *retry;
    uint64_t retry_us;
    struct log_limiter limiter, up_limiter, down_limiter;
    struct peer *next;
};

struct peers {
    struct env *env;
    struct log *log;
    struct peers_options options;
    const struct peers_events *events;
    void *arg;
    struct env_listener *listener;
    int port;
    bool has_hello, bulk_paused;
    struct peer_hello hello; /* its texts and record are ours */
    struct peer *peers;
    struct peer_connection *connections;
    size_t shaking;
    struct env_timer *tick;
    struct log_limiter limiter;
};

static void dial(struct peer *peer);
static void retry_later(struct peer *peer);

static struct peer *find_peer(const struct peers *peers, int32_t node) {
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (peer->node == node) return peer;
    return NULL;
}

static bool we_dial(const struct peer *peer) {
    return peer->peers->options.node < peer->node;
}

/* ---- Connections ---- */

static void link_connection(struct peers *peers, struct peer_connection *connection) {
    connection->next = peers->connections;
    if (peers->connections != NULL) peers->connections->prev = connection;
    peers->connections = connection;
    if (connection->peer == NULL) peers->shaking++;
}

static void drop_connection(struct peers *peers, struct peer_connection *connection) {
    if (connection->prev != NULL) connection->prev->next = connection->next;
    if (connection->next != NULL) connection->next->prev = connection->prev;
    if (peers->connections == connection) peers->connections = connection->next;
    if (connection->peer == NULL) {
        peers->shaking--;
    } else if (connection->peer->connections[connection->channel] == connection) {
        connection->peer->connections[connection->channel] = NULL;
    }
    peer_connection_close(connection);
}

/* Closes both connections. `down` comes within the call if the link was up. */
static void break_link(struct peer *peer, const char *why) {
    struct peers *peers = peer->peers;
    for (int channel = 0; channel < 2; channel++)
        if (peer->connections[channel] != NULL) drop_connection(peers, peer->connections[channel]);
    if (peer->connect != NULL) {
        env_connect_cancel(peer->connect);
        peer->connect = NULL;
    }
    bool was_up = peer->up;
    peer->up = false;
    if (was_up) {
        log_limited(peers->log, &peer->down_limiter, LOG_WARN, "lost the connection with broker %d at %s:%d: %s",
                    peer->node, peer->host, peer->port, why);
        peer->was_up = true;
        if (env_now_ms(peers->env) - peer->up_since_ms >= STEADY_MS) peer->retry_us = 0;
    }
    retry_later(peer);
    if (was_up) peers->events->down(peers->arg, peer->node, false);
}

static void found_dead(struct peer *peer) {
    struct peers *peers = peer->peers;
    peer->dead = true;
    if (!peer->was_up) return;
    peer->was_up = false;
    peers->events->down(peers->arg, peer->node, true);
}

/* ---- Dialling and probing ---- */

static void on_retry(void *arg) {
    struct peer *peer = arg;
    for (int channel = 0; channel < 2 && !peer->up && we_dial(peer); channel++) /* refused ones that still linger */
        if (peer->connections[channel] != NULL) drop_connection(peer->peers, peer->connections[channel]);
    dial(peer);
}

/* A jitter keeps two brokers, and the links of one, from moving in step. */
static void retry_later(struct peer *peer) {
    uint64_t pause_us = peer->retry_us;
    if (peer->refused && pause_us < REFUSED_RETRY_US) pause_us = REFUSED_RETRY_US;
    if (pause_us > 0) pause_us += env_random_u64(peer->peers->env) % (pause_us / 2 + 1);
    env_timer_start(peer->retry, pause_us);
    peer->retry_us = peer->retry_us == 0 ? RETRY_MIN_US : peer->retry_us * 2;
    if (peer->retry_us > RETRY_MAX_US) peer->retry_us = RETRY_MAX_US;
}

static const struct peer_connection_events connection_events;

static void on_connected(void *arg, int error, struct env_stream *stream) {
    struct peer *peer = arg;
    struct peers *peers = peer->peers;
    peer->connect = NULL;
    if (error != ERR_NONE) {
        log_limited(peers->log, &peer->limiter, LOG_DEBUG, "broker %d at %s:%d is not reachable: %s; trying again",
                    peer->node, peer->host, peer->port, error_phrase(error));
        if (peer->connections[PEER_CONTROL] != NULL) {
            break_link(peer, "its bulk connection could not be made");
            return;
        }
        retry_later(peer);
        if (error == ERR_REFUSED) found_dead(peer);
        return;
    }
    peer->dead = false;
    if (!we_dial(peer)) { /* only a probe: it lives, and dials us */
        env_stream_close(stream);
        retry_later(peer);
        return;
    }
    uint8_t channel = peer->connections[PEER_CONTROL] == NULL ? PEER_CONTROL : PEER_BULK;
    if (channel == PEER_CONTROL) peer->session = env_random_u64(peers->env);
    struct peer_connection *connection = peer_connection_new(
        peers, peers->env, stream, true, channel, peer->session, peers->options.frame_max,
        channel == PEER_BULK ? peers->options.queue_limit / 2 : 0, &connection_events);
    connection->peer = peer;
    peer->connections[channel] = connection;
    link_connection(peers, connection);
}

static void dial(struct peer *peer) {
    struct peers *peers = peer->peers;
    if (peer->up || peer->connect != NULL) return;
    if (!we_dial(peer) && peer->connections[PEER_CONTROL] != NULL) return;
    peer->connect = env_connect(peers->env, peer->host, peer->port, CONNECT_TIMEOUT_US, on_connected, peer);
}

/* ---- The handshake ---- */

void peers_encode_hello(struct peers *peers, uint64_t session, struct peer_bytes *into) {
    peer_hello_encode(into, &peers->hello, session);
}

static int check_identity(struct peers *peers, struct peer_connection *connection, const struct peer_hello *hello,
                          struct error_text *refusal) {
    if (!connection->dialled && hello->node == peers->options.node)
        return error_set(refusal, ERR_INVALID,
                         "two brokers say that they are broker %d; give one of them another node.id", hello->node);
    if (connection->dialled && hello->node != connection->peer->node)
        return error_set(
            refusal, ERR_INVALID,
            "broker %d answers at %s:%d, where broker %d should be; correct cluster.nodes or that broker's node.id",
            hello->node, connection->peer->host, connection->peer->port, connection->peer->node);
    if (hello->shard != peers->hello.shard)
        return error_set(refusal, ERR_INVALID, "broker %d speaks for shard %u and this one for shard %u", hello->node,
                         hello->shard, peers->hello.shard);
    return ERR_NONE;
}

static int on_hello(struct peers *peers, struct peer_connection *connection, const struct peer_hello *hello,
                    struct error_text *refusal) {
    int error = check_identity(peers, connection, hello, refusal);
    if (error == ERR_NONE && peers->events->judge != NULL) error = peers->events->judge(peers->arg, hello, refusal);
    struct peer *peer = find_peer(peers, hello->node);
    if (error == ERR_NONE && (peer == NULL || (!connection->dialled && we_dial(peer))))
        error = error_set(refusal, ERR_INVALID,
                          "broker %d is not in the cluster.nodes of broker %d; make the lists equal", hello->node,
                          peers->options.node);
    if (error != ERR_NONE) {
        log_limited(peers->log, &peers->limiter, LOG_WARN, "refused a connection of broker %d: %s", hello->node,
                    refusal->text);
        if (connection->dialled) connection->peer->refused = true;
        return error;
    }
    if (connection->dialled) return ERR_NONE;
    if (connection->channel == PEER_CONTROL) {
        /* It would not dial again if the old link still worked for it. */
        break_link(peer, "it connects again");
        peer->session = connection->session;
    } else if (peer->connections[PEER_CONTROL] == NULL || peer->session != connection->session ||
               peer->connections[PEER_BULK] != NULL) {
        return error_set(refusal, ERR_AGAIN,
                         "broker %d has no control connection of this session; it will connect again", hello->node);
    }
    connection->peer = peer;
    peers->shaking--;
    peer->connections[connection->channel] = connection;
    return ERR_NONE;
}

static void on_established(struct peers *peers, struct peer_connection *connection) {
    struct peer *peer = connection->peer;
    struct peer_connection *control = peer->connections[PEER_CONTROL], *bulk = peer->connections[PEER_BULK];
    peer->refused = false;
    if (bulk == NULL || control->state != CONNECTION_ESTABLISHED || bulk->state != CONNECTION_ESTABLISHED) {
        peer_connection_pause(connection, true);
        if (connection->channel == PEER_CONTROL && connection->dialled) dial(peer);
        return;
    }
    env_timer_stop(peer->retry);
    if (peer->connect != NULL) {
        env_connect_cancel(peer->connect);
        peer->connect = NULL;
    }
    peer->up = true;
    peer->dead = peer->was_up = false;
    peer->up_since_ms = env_now_ms(peers->env);
    mem_free(peer->refusal);
    peer->refusal = NULL;
    log_limited(peers->log, &peer->up_limiter, LOG_INFO, "connected with broker %d at %s:%d", peer->node, peer->host,
                peer->port);
    uint64_t session = peer->session;
    peers->events->up(peers->arg, peer->node);
    if (!peer->up || peer->session != session) return; /* broken inside `up` */
    peer_connection_pause(bulk, peers->bulk_paused);
    peer_connection_pause(control, false);
}

static void on_refused(struct peers *peers, struct peer_connection *connection, const char *sentence) {
    struct peer *peer = connection->peer;
    if (peer == NULL) {
        drop_connection(peers, connection);
        return;
    }
    char *copy = mem_strdup(sentence);
    bool changed = peer->refusal == NULL || strcmp(peer->refusal, sentence) != 0;
    peer->refused = true;
    if (changed) {
        mem_free(peer->refusal);
        peer->refusal = mem_strdup(sentence);
    }
    int32_t node = peer->node;
    break_link(peer, "it refused this broker");
    if (changed) {
        log_warn(peers->log, "broker %d refused the connection: %s", node, copy);
        peers->events->refused(peers->arg, node, copy);
    }
    mem_free(copy);
}

static void on_frame(struct peers *peers, struct peer_connection *connection, uint8_t kind, struct slice payload) {
    CHECK(connection->peer->up);
    peers->events->message(peers->arg, connection->peer->node, kind, payload);
}

static void on_ended(struct peers *peers, struct peer_connection *connection, const char *why) {
    if (connection->peer != NULL && connection->peer->connections[connection->channel] == connection) {
        break_link(connection->peer, why);
        return;
    }
    log_limited(peers->log, &peers->limiter, connection->malformed ? LOG_WARN : LOG_DEBUG,
                "closed a connection to the peer port that is not one of a broker: %s", why);
    drop_connection(peers, connection);
}

static void on_drained(struct peers *peers, struct peer_connection *connection) {
    if (connection->channel != PEER_BULK || connection->state != CONNECTION_ESTABLISHED) return;
    if (peers->events->drained != NULL) peers->events->drained(peers->arg, connection->peer->node);
}

static const struct peer_connection_events connection_events = {on_hello, on_established, on_refused,
                                                                on_frame, on_ended,       on_drained};

static void on_accepted(void *arg, struct env_stream *stream) {
    struct peers *peers = arg;
    if (!peers->has_hello || peers->shaking >= SHAKING_MAX) {
        env_stream_close(stream); /* it will try again */
        return;
    }
    link_connection(peers,
                    peer_connection_new(peers, peers->env, stream, false, PEER_CONTROL, 0, peers->options.frame_max,
                                        peers->options.queue_limit / 2, &connection_events));
}

/* ---- Liveness ---- */

static void check_link(struct peer *peer, uint64_t now_ms) {
    struct peer_connection *control = peer->connections[PEER_CONTROL];
    if (now_ms - control->heard_ms >= SILENCE_MS) {
        break_link(peer, "it said nothing for 3 s");
    } else if (peer_connection_queued(control) > CONTROL_QUEUE_MAX) {
        break_link(peer, "it does not read what it is sent");
    } else if (now_ms - control->sent_ms >= PING_MS) {
        peer_connection_send(control, PEER_KIND_PING, NULL, 0);
    }
}

static void on_tick(void *arg) {
    struct peers *peers = arg;
    uint64_t now_ms = env_now_ms(peers->env);
    env_timer_start(peers->tick, TICK_US);
    struct peer_connection *next;
    for (struct peer_connection *connection = peers->connections; connection != NULL; connection = next) {
        next = connection->next;
        bool half = connection->state == CONNECTION_ESTABLISHED; /* control without bulk, or the other way round */
        if (half && connection->peer->up) continue;
        if (now_ms - connection->started_ms < (half ? 2 * HANDSHAKE_MS : HANDSHAKE_MS)) continue;
        on_ended(peers, connection,
                 half                                      ? "its other connection did not come"
                 : connection->state == CONNECTION_REFUSED ? "refused"
                                                           : "no answer to the hello");
        next = peers->connections; /* breaking a link takes both of its connections away */
    }
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (peer->up) check_link(peer, now_ms);
}

/* ---- The owner's side ---- */

int peers_open(struct env *env, struct log *log, const struct peers_options *options, const struct peers_events *events,
               void *arg, struct peers **result, struct error_text *why) {
    struct peers *peers = mem_zalloc(sizeof *peers);
    peers->env = env;
    peers->log = log;
    peers->options = *options;
    peers->events = events;
    peers->arg = arg;
    int error = options->listen_host == NULL ? ERR_NONE
                                             : env_listen(env, options->listen_host, options->listen_port, BACKLOG,
                                                          on_accepted, peers, &peers->listener, &peers->port);
    if (error != ERR_NONE) {
        error_set(why, error, "cannot listen for the other brokers on %s:%d: %s", options->listen_host,
                  options->listen_port,
                  error == ERR_BUSY
                      ? "that port is in use by another program; stop it, or change peer.listen and cluster.nodes"
                      : error_phrase(error));
        mem_free(peers);
        return error;
    }
    peers->tick = env_timer_new(env, on_tick, peers);
    env_timer_start(peers->tick, TICK_US);
    *result = peers;
    return ERR_NONE;
}

static void free_hello(struct peers *peers) {
    mem_free((void *)peers->hello.cluster_id);
    mem_free((void *)peers->hello.nodes);
    mem_free((void *)peers->hello.record);
}

void peers_close(struct peers *peers) {
    env_listener_close(peers->listener);
    env_timer_free(peers->tick);
    while (peers->connections != NULL)
        drop_connection(peers, peers->connections);
    while (peers->peers != NULL) {
        struct peer *peer = peers->peers;
        peers->peers = peer->next;
        if (peer->connect != NULL) env_connect_cancel(peer->connect);
        env_timer_free(peer->retry);
        mem_free(peer->refusal);
        mem_free(peer->host);
        mem_free(peer);
    }
    free_hello(peers);
    mem_free(peers);
}

int peers_port(const struct peers *peers) {
    return peers->port;
}

void peers_set_hello(struct peers *peers, const struct peer_hello *hello) {
    struct peer_hello copy = *hello;
    copy.cluster_id = mem_strdup(hello->cluster_id);
    copy.nodes = mem_strdup(hello->nodes);
    copy.record = mem_alloc(hello->record_len);
    if (hello->record_len > 0) memcpy((void *)copy.record, hello->record, hello->record_len);
    free_hello(peers);
    peers->hello = copy;
    peers->has_hello = true;
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next) {
        if (!peer->refused || peer->up) continue;
        peer->refused = false;
        env_timer_start(peer->retry, 0);
    }
}

void peers_add(struct peers *peers, int32_t node, const char *host, int port) {
    CHECK(peers->has_hello);
    if (node == peers->options.node) return;
    struct peer *peer = find_peer(peers, node);
    if (peer != NULL) {
        mem_free(peer->host);
        peer->host = mem_strdup(host);
        peer->port = port;
        return;
    }
    peer = mem_zalloc(sizeof *peer);
    peer->peers = peers;
    peer->node = node;
    peer->host = mem_strdup(host);
    peer->port = port;
    peer->retry = env_timer_new(peers->env, on_retry, peer);
    struct peer **end = &peers->peers;
    while (*end != NULL)
        end = &(*end)->next;
    *end = peer;
    if (we_dial(peer)) dial(peer);
}

bool peers_is_up(const struct peers *peers, int32_t node) {
    const struct peer *peer = find_peer(peers, node);
    return peer != NULL && peer->up;
}

bool peers_is_dead(const struct peers *peers, int32_t node) {
    const struct peer *peer = find_peer(peers, node);
    return peer != NULL && peer->dead;
}

void peers_send(struct peers *peers, int32_t node, enum peer_channel channel, uint8_t kind, struct slice *slices,
                size_t n) {
    struct peer *peer = find_peer(peers, node);
    if (peer == NULL || !peer->up) {
        for (size_t i = 0; i < n; i++)
            slice_unref(&slices[i]);
        return;
    }
    peer_connection_send(peer->connections[channel], kind, slices, n);
}

size_t peers_bulk_queued(const struct peers *peers, int32_t node) {
    const struct peer *peer = find_peer(peers, node);
    return peer != NULL && peer->up ? peer_connection_queued(peer->connections[PEER_BULK]) : 0;
}

void peers_pause_bulk(struct peers *peers, bool pause) {
    if (peers->bulk_paused == pause) return;
    peers->bulk_paused = pause;
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (peer->up) peer_connection_pause(peer->connections[PEER_BULK], pause);
}

void peers_break(struct peers *peers, int32_t node, const char *why) {
    struct peer *peer = find_peer(peers, node);
    if (peer != NULL && peer->up) break_link(peer, why);
}
