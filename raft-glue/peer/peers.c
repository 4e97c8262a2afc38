/*
 * The table of this broker's peers, and the owner's calls: they find the peer; what happens between
 * it and us is in peer_link.c.
 */
#include "raft-glue/peer/peers.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/io/listen_error.h"
#include "base/mem.h"
#include "raft-glue/peer/peers_internal.h"

enum { BACKLOG = 128, PINGS_A_LAG = 4, ADDRESS_ROOM = 280, HANDSHAKES_MAX = 128 };

static void on_accepted(void *arg, struct env_stream *stream) {
    peer_links_accept(arg, stream);
}

static void on_tick(void *arg) {
    struct peers *peers = arg;
    env_timer_start(peers->tick, peers->ping_ms * 1000 / 2);
    peer_links_check(peers);
}

static void secure_open(struct peers *peers) {
    static const struct secure_limits limits = {.handshakes_max = HANDSHAKES_MAX,
                                                .timeout_ms = PEER_HANDSHAKE_MS,
                                                .timeout_name = "between brokers",
                                                .first = true,
                                                .not_tls = ""}; /* plain ones get a verdict */
    if (peers->options.tls == PEER_TLS_OFF) return;
    peers->secure = secure_host_new(peers->env, &limits);
    tls_context_ref(peers->options.serving);
    tls_context_ref(peers->options.dialling);
}

static void secure_close(struct peers *peers) {
    if (peers->secure == NULL) return;
    tls_context_unref(peers->options.serving);
    tls_context_unref(peers->options.dialling);
    secure_host_free(peers->secure);
}

int peers_open(struct env *env, struct log *log, const struct peers_options *options,
               const struct peers_events *events, void *arg, struct peers **result,
               struct error_text *why) {
    struct peers *peers = mem_zalloc(sizeof *peers);
    peers->env = env;
    peers->log = log;
    peers->options = *options;
    peers->events = events;
    peers->arg = arg;
    /* By raft.election.timeout.ms and the heartbeat, in shard.c. */
    CHECK(options->lag_max_ms > 0 && options->ping_ms > 0);
    peers->ping_ms = options->lag_max_ms / PINGS_A_LAG < options->ping_ms
                         ? options->lag_max_ms / PINGS_A_LAG + 1
                         : options->ping_ms;
    peer_links_init(peers);
    int error = options->listen_host == NULL
                    ? ERR_NONE
                    : env_listen(env, options->listen_host, options->listen_port, BACKLOG,
                                 on_accepted, peers, &peers->listener, &peers->port);
    if (error != ERR_NONE) {
        char address[ADDRESS_ROOM];
        bool v6 = strchr(options->listen_host, ':') != NULL;
        snprintf(address, sizeof address, "%s%s%s:%d", v6 ? "[" : "", options->listen_host,
                 v6 ? "]" : "", options->listen_port);
        listen_error_set(why, error,
                         &(struct listen_place){"listen for the other brokers", address,
                                                options->listen_port,
                                                "peer.listen and cluster.nodes"});
        mem_free(peers);
        return error;
    }
    secure_open(peers);
    peers->tick = env_timer_new(env, on_tick, peers);
    env_timer_start(peers->tick, peers->ping_ms * 1000 / 2);
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
    peer_links_close(peers);
    while (peers->peers != NULL) {
        struct peer *peer = peers->peers;
        peers->peers = peer->next;
        peer_free(peer);
    }
    secure_close(peers);
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
    CHECK(peers->has_hello); /* set before the first peer is added (broker_forming.c) */
    if (node == peers->options.node) return;
    struct peer *peer = peers_find(peers, node);
    if (peer != NULL && peer->port == port && strcmp(peer->host, host) == 0) return;
    if (peer != NULL) {
        mem_free(peer->host);
        peer->host = mem_strdup(host);
        peer->port = port;
        env_resolve_cancel(peer->resolve);
        peer->resolve = NULL;
        peer->address_count = 0;
        peer_admission_resolve(peer);
        return;
    }
    peer = peer_new(peers, node, host, port);
    struct peer **end = &peers->peers;
    while (*end != NULL)
        end = &(*end)->next;
    *end = peer;
    peer_admission_resolve(peer);
    peer_link_begin(peer);
}

void peers_remove(struct peers *peers, int32_t node, const char *why) {
    struct peer **at = &peers->peers;
    while (*at != NULL && (*at)->node != node)
        at = &(*at)->next;
    if (*at == NULL) return;
    struct peer *peer = *at;
    peer_link_end(peer, why);
    for (at = &peers->peers; *at != peer;) /* the owner may have added some */
        at = &(*at)->next;
    *at = peer->next;
    peer_free(peer);
}

void peers_knock(struct peers *peers) {
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        peer_link_knock(peer);
}

void peers_answered(struct peers *peers, int32_t node) {
    struct peer *peer = peers_find(peers, node);
    if (peer != NULL) peer->answered = true;
}

bool peers_all_answered(const struct peers *peers) {
    for (const struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (!peer->answered) return false;
    return true;
}

bool peers_is_up(const struct peers *peers, int32_t node) {
    const struct peer *peer = peers_find(peers, node);
    return peer != NULL && peer->up;
}

uint64_t peers_down_ms(const struct peers *peers, int32_t node) {
    const struct peer *peer = peers_find(peers, node);
    return peer == NULL || peer->up ? 0 : env_now_ms(peers->env) - peer->down_since_ms;
}

uint64_t peers_heard_ms(const struct peers *peers, int32_t node) {
    const struct peer *peer = peers_find(peers, node);
    if (peer == NULL) return 0;
    const struct peer_connection *control = peer->connections[PEER_CONTROL];
    return control != NULL && control->heard_ms > peer->heard_ms ? control->heard_ms
                                                                 : peer->heard_ms;
}

struct peer_traffic peers_traffic(const struct peers *peers, int32_t node) {
    const struct peer *peer = peers_find(peers, node);
    struct peer_traffic traffic = {0};
    if (peer == NULL) return traffic;
    traffic = peer->traffic;
    for (int channel = 0; channel < 2; channel++) {
        const struct peer_connection *connection = peer->connections[channel];
        if (connection == NULL) continue;
        traffic.sent += connection->flow.sent;
        traffic.received += peer_connection_received(connection);
    }
    return traffic;
}

bool peers_is_dead(const struct peers *peers, int32_t node) {
    const struct peer *peer = peers_find(peers, node);
    return peer != NULL && peer->dead;
}

void peers_send(struct peers *peers, int32_t node, enum peer_channel channel, uint8_t kind,
                struct slice *slices, size_t n) {
    struct peer *peer = peers_find(peers, node);
    if (peer == NULL || !peer->up) {
        for (size_t i = 0; i < n; i++)
            slice_unref(&slices[i]);
        return;
    }
    peer_connection_send(peer->connections[channel], kind, slices, n);
}

size_t peers_bulk_queued(const struct peers *peers, int32_t node) {
    const struct peer *peer = peers_find(peers, node);
    return peer != NULL && peer->up ? peer_connection_queued(peer->connections[PEER_BULK]) : 0;
}

bool peers_bulk_is_low(const struct peers *peers, int32_t node) {
    return peers_bulk_queued(peers, node) <= peers->owner.low_bytes;
}

uint32_t peers_minor(const struct peers *peers, int32_t node) {
    const struct peer *peer = peers_find(peers, node);
    return peer != NULL && peer->up ? peer->minor : 0;
}

void peers_pause_bulk(struct peers *peers, bool pause) {
    if (peers->bulk_paused == pause) return;
    peers->bulk_paused = pause;
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (peer->up) {
            peer_connection_pause(peer->connections[PEER_BULK], pause);
            peer->bulk_was_paused = true;
        }
}

void peers_break(struct peers *peers, int32_t node, const char *why) {
    struct peer *peer = peers_find(peers, node);
    if (peer != NULL && peer->up) peer_link_break(peer, why);
}
