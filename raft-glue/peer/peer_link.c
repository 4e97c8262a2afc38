/*
 * The life of the links: who dials, when one is up, when it is down, and whether the other process
 * is dead.
 *
 *   down --(control established, bulk established, one session)--> up --+
 *     ^                                                                 |
 *     +---------------------(either breaks, or silence)-----------------+
 *
 * Happy path: the lower node id dials control, then bulk with the same session; both established:
 * `up`.
 * Failures: whatever breaks one connection closes both, so nothing of an old session arrives in a
 * new one. The dialling side dials again at once, then with a growing pause; the other side probes
 * in the same rhythm, or, if its owner says so, knocks: says hello, and hears why it is not let in.
 * A refused connect means that the process is dead. A peer that says nothing
 * for SILENCE_MS (pings come far more often), or has not received on control what was sent
 * lag_max_ms ago (peer_flow.h), is broken off: TCP alone would wait minutes behind a cut, and
 * resume late. Of bulk each byte that arrives is good for SILENCE_MS more: a slow flow may be slow,
 * and one that hangs is made anew.
 * Invariants: `up` and `down` alternate; reading starts when the link is up, on both connections.
 */
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "raft-glue/peer/peers_internal.h"

enum {
    STEADY_MS = 50, /* a link that held so long is dialled, or probed, again without a pause */
    CONNECT_TIMEOUT_US = 2000 * 1000,
    RETRY_MIN_US = 20 * 1000,
    RETRY_MAX_US = 500 * 1000,
    /* Our hello was refused: only what a person does can change that. */
    REFUSED_RETRY_US = 1000 * 1000,
};

static void link_dial(struct peer *peer);
static void retry_later(struct peer *peer);

static bool we_dial(const struct peer *peer) {
    return peer->peers->options.node < peer->node;
}

/* ---- Connections ---- */

static void drop_connection(struct peers *peers, struct peer_connection *connection) {
    DL_DELETE(peers->connections, connection);
    if (connection->peer != NULL &&
        connection->peer->connections[connection->channel] == connection) {
        if (connection->heard_ms > connection->peer->heard_ms)
            connection->peer->heard_ms = connection->heard_ms;
        connection->peer->traffic.sent += connection->flow.sent;
        connection->peer->traffic.received += peer_connection_received(connection);
        connection->peer->connections[connection->channel] = NULL;
    }
    peer_connection_close(connection);
}

void peer_link_break(struct peer *peer, const char *why) {
    struct peers *peers = peer->peers;
    for (int channel = 0; channel < 2; channel++)
        if (peer->connections[channel] != NULL) drop_connection(peers, peer->connections[channel]);
    if (peer->connect != NULL) {
        env_connect_cancel(peer->connect);
        peer->connect = NULL;
    }
    bool was_up = peer->up;
    peer->up = false;
    if (was_up) peer->down_since_ms = env_now_ms(peers->env);
    env_defer(peers->env, &peer->again);
    if (was_up) {
        log_limited(peers->log, &peer->down_limiter, LOGGED_PEER_LOST,
                    "lost the connection with broker %d at %s:%d: %s", peer->node, peer->host,
                    peer->port, why);
        peer->was_up = true;
        if (env_now_ms(peers->env) - peer->up_since_ms >= STEADY_MS) peer->retry_us = 0;
    }
    retry_later(peer);
    if (was_up) peers->events->down(peers->arg, peer->node, false);
}

void peer_link_end(struct peer *peer, const char *why) {
    struct peers *peers = peer->peers;
    struct peer_connection *next;
    for (struct peer_connection *one = peers->connections; one != NULL; one = next) {
        next = one->next;
        if (one->waits_for == peer) drop_connection(peers, one);
    }
    peer_link_break(peer, why);
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
    for (int channel = 0; channel < 2 && !peer->up && we_dial(peer);
         channel++) /* refused ones that still linger */
        if (peer->connections[channel] != NULL)
            drop_connection(peer->peers, peer->connections[channel]);
    link_dial(peer);
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

static struct either_stream dialled_over(struct peers *peers, struct env_stream *stream) {
    struct either_stream over = either_plain(stream);
    if (peers->options.tls >= PEER_TLS_PREFER)
        over.secure = secure_stream_dial(peers->secure, peers->options.dialling, stream);
    return over;
}

static struct either_stream accepted_over(struct peers *peers, struct env_stream *stream) {
    struct either_stream over = either_plain(stream);
    if (peers->options.tls != PEER_TLS_OFF)
        over.secure = secure_stream_over_either(peers->secure, peers->options.serving, stream);
    return over;
}

static void on_connected(void *arg, int error, struct env_stream *stream) {
    struct peer *peer = arg;
    struct peers *peers = peer->peers;
    peer->connect = NULL;
    if (error != ERR_NONE) {
        log_limited(peers->log, &peer->limiter, LOGGED_DETAIL,
                    "broker %d at %s:%d is not reachable: %s; trying again", peer->node, peer->host,
                    peer->port, error_phrase(error));
        if (peer->connections[PEER_CONTROL] != NULL) {
            peer_link_break(peer, "its bulk connection could not be made");
            return;
        }
        retry_later(peer);
        if (error == ERR_REFUSED) found_dead(peer);
        return;
    }
    peer->dead = false;
    bool knocks = peer->knocks;
    peer->knocks = false;
    if (!we_dial(peer) && !knocks) { /* only a probe: it lives, and dials us */
        env_stream_close(stream);
        retry_later(peer);
        return;
    }
    uint8_t channel = peer->connections[PEER_CONTROL] == NULL ? PEER_CONTROL : PEER_BULK;
    if (channel == PEER_CONTROL) peer->session = env_random_u64(peers->env);
    struct peer_connection *connection = peer_connection_new(
        &peers->owner, dialled_over(peers, stream), true, channel, peer->session);
    connection->peer = peer;
    peer->connections[channel] = connection;
    DL_PREPEND(peers->connections, connection);
}

static void link_dial(struct peer *peer) {
    struct peers *peers = peer->peers;
    if (peer->up || peer->connect != NULL) return;
    if (!we_dial(peer) && peer->connections[PEER_CONTROL] != NULL) return;
    peer->connect = env_connect(peers->env, peer->host, peer->port, CONNECT_TIMEOUT_US,
                                on_connected, peer);
}

void peer_link_knock(struct peer *peer) {
    if (we_dial(peer) || peer->up || peer->connections[PEER_CONTROL] != NULL) return;
    peer->knocks = true;
    link_dial(peer);
}

/* ---- The handshake ---- */

static int check_identity(struct peers *peers, struct peer_connection *connection,
                          const struct peer_hello *hello, struct error_text *refusal) {
    if (!connection->dialled && hello->node == peers->options.node)
        return error_set(
            refusal, ERR_INVALID,
            "two brokers say that they are broker %d; give one of them another node.id",
            hello->node);
    if (connection->dialled && hello->node != connection->peer->node)
        return error_set(
            refusal, ERR_INVALID,
            "broker %d answers at %s:%d, where broker %d should be; correct cluster.nodes or that broker's node.id",
            hello->node, connection->peer->host, connection->peer->port, connection->peer->node);
    if (hello->shard != peers->hello.shard)
        return error_set(refusal, ERR_INVALID,
                         "broker %d speaks for shard %u and this one for shard %u", hello->node,
                         hello->shard, peers->hello.shard);
    return ERR_NONE;
}

static int on_hello(struct peers *peers, struct peer_connection *connection,
                    const struct peer_hello *hello, struct peer_journal *seen,
                    struct error_text *refusal) {
    int error = check_identity(peers, connection, hello, refusal);
    struct peer *peer = peers_find(peers, hello->node);
    if (error == ERR_NONE && peers->events->judge != NULL)
        error = peers->events->judge(peers->arg, hello, refusal);
    if (error == ERR_NONE && peer == NULL)
        error = error_set(
            refusal, ERR_INVALID,
            "broker %d is not in the cluster.nodes of broker %d, which has not heard of it otherwise",
            hello->node, peers->options.node);
    /* It knocked, and is let in: by the connection that we make, now. */
    if (error == ERR_NONE && !connection->dialled && we_dial(peer)) {
        if (peer->connect == NULL && peer->connections[PEER_CONTROL] == NULL)
            env_timer_start(peer->retry, 0);
        return error_set(refusal, ERR_AGAIN, "broker %d is dialled by this one", hello->node);
    }
    if (error != ERR_NONE) {
        log_limited(peers->log, &peers->limiter, LOGGED_PEER_REFUSED,
                    "refused a connection of broker %d: %s", hello->node, refusal->text);
        if (connection->dialled) connection->peer->refused = true;
        return error;
    }
    peer->minor = hello->minor;
    if (peers->events->seen != NULL) peers->events->seen(peers->arg, hello, seen);
    if (connection->dialled) return ERR_NONE;
    if (connection->channel == PEER_CONTROL) {
        peer_link_break(
            peer,
            "it connects again"); /* the old link is silent, or only half made (peer_admission.c) */
        peer->session = connection->session;
    } else if (peer->connections[PEER_CONTROL] == NULL || peer->session != connection->session ||
               peer->connections[PEER_BULK] != NULL) {
        return error_set(
            refusal, ERR_AGAIN,
            "broker %d has no control connection of this session; it will connect again",
            hello->node);
    }
    connection->peer = peer;
    peer->connections[connection->channel] = connection;
    return ERR_NONE;
}

static bool on_accepted(struct peers *peers, struct peer_connection *connection,
                        const struct peer_journal *seen) {
    return peers->events->accepted == NULL ||
           peers->events->accepted(peers->arg, connection->peer->node, seen);
}

static void on_established(struct peers *peers, struct peer_connection *connection) {
    struct peer *peer = connection->peer;
    struct peer_connection *control = peer->connections[PEER_CONTROL],
                           *bulk = peer->connections[PEER_BULK];
    peer->refused = false;
    peer->unagreed = 0;
    if (bulk == NULL || control->state != CONNECTION_ESTABLISHED ||
        bulk->state != CONNECTION_ESTABLISHED) {
        peer_connection_pause(connection, true);
        if (connection->channel == PEER_CONTROL && connection->dialled) link_dial(peer);
        return;
    }
    env_timer_stop(peer->retry);
    if (peer->connect != NULL) {
        env_connect_cancel(peer->connect);
        peer->connect = NULL;
    }
    peer->up = true;
    peer->dead = peer->was_up = false;
    peer->up_since_ms = peer->pinged_ms = env_now_ms(peers->env);
    peer->echo_us = peer->traffic.round_trip_us = 0; /* of another session */
    peer_flow_begin(&control->flow, peer->up_since_ms);
    peer_flow_begin(&bulk->flow, peer->up_since_ms);
    mem_free(peer->refusal);
    peer->refusal = NULL;
    log_limited(peers->log, &peer->up_limiter, LOGGED_PEER_CONNECTED,
                "connected with broker %d at %s:%d", peer->node, peer->host, peer->port);
    uint64_t session = peer->session;
    if (peer->minor < PEER_MINOR_SETTLED) peer->answered = true;
    peers->events->up(peers->arg, peer->node);
    if (!peer->up || peer->session != session) return; /* broken inside `up` */
    peer_connection_pause(bulk, peers->bulk_paused);
    peer_connection_pause(control, false);
}

/* Breaks the link; the sentence is told when it is another one than the last. */
static void tell_refusal(struct peer *peer, bool for_good, const char *sentence) {
    struct peers *peers = peer->peers;
    char *copy = mem_strdup(sentence);
    bool changed = peer->refusal == NULL || strcmp(peer->refusal, sentence) != 0;
    if (changed) {
        mem_free(peer->refusal);
        peer->refusal = mem_strdup(sentence);
    }
    int32_t node = peer->node;
    peer_link_break(peer, "it refused this broker");
    if (changed) {
        log_event(peers->log, LOGGED_PEER_REFUSED_US, "broker %d refused the connection: %s", node,
                  copy);
        peers->events->refused(peers->arg, node, for_good, copy);
    }
    mem_free(copy);
}

static void on_refused(struct peers *peers, struct peer_connection *connection, bool for_good,
                       const char *sentence) {
    if (connection->peer == NULL) {
        drop_connection(peers, connection);
        return;
    }
    connection->peer->refused = true;
    tell_refusal(connection->peer, for_good, sentence);
}

/* It ended before TLS was agreed on. A broker that is about to stop, or has just begun, may close
 * one without a word; one that does so again and again does not know TLS. */
static void on_unagreed(struct peer *peer, bool disagreed, const char *why) {
    enum { IN_A_ROW = 5 };
    peer->refused = peer->refused || disagreed;
    if (disagreed || ++peer->unagreed >= IN_A_ROW)
        tell_refusal(peer, false, why);
    else
        peer_link_break(peer, why);
}

static void on_frame(struct peers *peers, struct peer_connection *connection, uint8_t kind,
                     struct slice payload) {
    /* Messages are read only from a link that is up (peer_connection.c). */
    CHECK(connection->peer->up);
    peers->events->message(peers->arg, connection->peer->node, kind, payload);
}

/* Ours that it has seen last came back: without the time that it lay there, that was the way. What
 * it claims may be anything. */
static void take_times(struct peer *peer, const struct peer_ping *ping) {
    uint64_t now_us = env_now_us(peer->peers->env);
    peer->echo_us = ping->sent_us;
    peer->echoed_us = now_us;
    if (ping->echo_us == 0 || ping->echo_us > now_us) return;
    uint64_t took_us = now_us - ping->echo_us;
    peer->traffic.round_trip_us = took_us > ping->held_us ? took_us - ping->held_us : 0;
}

static void on_ping(struct peers *peers, struct peer_connection *connection,
                    const struct peer_ping *ping) {
    struct peer *peer = connection->peer;
    uint64_t now_ms = env_now_ms(peers->env);
    CHECK(peer->up); /* reading begins when the link is up */
    take_times(peer, ping);
    for (int channel = 0; channel < 2; channel++) {
        struct peer_flow *flow = &peer->connections[channel]->flow;
        if (peer_flow_received(flow, ping->received[channel], channel == PEER_BULK && ping->paused,
                               now_ms))
            continue;
        peer_link_break(peer, "it claims to have received what it cannot have");
        return;
    }
}

static void on_ended(struct peers *peers, struct peer_connection *connection, const char *why) {
    if (connection->peer != NULL &&
        connection->peer->connections[connection->channel] == connection) {
        if (peer_connection_awaits_tls(connection))
            on_unagreed(connection->peer, connection->disagreed, why);
        else
            peer_link_break(connection->peer, why);
        return;
    }
    log_limited(peers->log, &peers->limiter,
                connection->malformed ? LOGGED_PEER_STRANGER : LOGGED_DETAIL,
                "closed a connection to the peer port that is not one of a broker: %s", why);
    drop_connection(peers, connection);
}

static void on_drained(struct peers *peers, struct peer_connection *connection) {
    if (connection->channel != PEER_BULK || connection->state != CONNECTION_ESTABLISHED) return;
    if (peers->events->drained != NULL) peers->events->drained(peers->arg, connection->peer->node);
}

void peer_links_init(struct peers *peers) {
    static const struct peer_connection_events events = {.named = peer_admission_hello,
                                                         .hello = on_hello,
                                                         .accepted = on_accepted,
                                                         .established = on_established,
                                                         .refused = on_refused,
                                                         .frame = on_frame,
                                                         .ping = on_ping,
                                                         .ended = on_ended,
                                                         .drained = on_drained};
    peers->owner = (struct peer_connection_owner){.peers = peers,
                                                  .events = &events,
                                                  .env = peers->env,
                                                  .hello = &peers->hello,
                                                  .frame_max = peers->options.frame_max,
                                                  .low_bytes = peers->options.queue_limit / 2};
    if (peers->owner.low_bytes > PEER_BULK_LOW) peers->owner.low_bytes = PEER_BULK_LOW;
}

void peer_links_accept(struct peers *peers, struct env_stream *stream) {
    char address[ENV_ADDRESS_SIZE];
    bool of_list;
    if (!peers->has_hello) {
        env_stream_close(stream); /* it will try again */
        return;
    }
    peer_admission_make_room(peers, stream, address, &of_list);
    struct peer_connection *connection = peer_connection_new(
        &peers->owner, accepted_over(peers, stream), false, PEER_CONTROL, 0);
    memcpy(connection->address, address, sizeof address);
    connection->of_list = of_list;
    DL_PREPEND(peers->connections, connection);
}

/* ---- Beginning and end ---- */

static void on_again(struct env_task *task) {
    peer_admission_again(CONTAINER_OF(task, struct peer, again));
}

struct peer *peer_new(struct peers *peers, int32_t node, const char *host, int port) {
    struct peer *peer = mem_zalloc(sizeof *peer);
    peer->peers = peers;
    peer->node = node;
    peer->host = mem_strdup(host);
    peer->port = port;
    peer->retry = env_timer_new(peers->env, on_retry, peer);
    peer->again.run = on_again;
    peer->down_since_ms = env_now_ms(peers->env);
    return peer;
}

void peer_link_begin(struct peer *peer) {
    if (we_dial(peer)) link_dial(peer);
}

void peer_free(struct peer *peer) {
    if (peer->connect != NULL) env_connect_cancel(peer->connect);
    env_timer_free(peer->retry);
    env_resolve_cancel(peer->resolve);
    env_defer_cancel(peer->peers->env, &peer->again);
    mem_free(peer->refusal);
    mem_free(peer->host);
    mem_free(peer);
}

void peer_links_close(struct peers *peers) {
    while (peers->connections != NULL)
        drop_connection(peers, peers->connections);
}
