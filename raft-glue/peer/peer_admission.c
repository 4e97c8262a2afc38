/*
 * Who is let in at the peer port, before any hello is judged: places while they say who they are,
 * the address from which they say it, and whether the broker that they say they are is connected
 * already. See peers_internal.h for the calls.
 *
 *   accepted --(hello)--> named --(from an address of that broker)--> expected
 *                           |                                            |
 *                           +-- from elsewhere: refused, told nothing    |
 *     judged (peer_link.c) <--(no link, or one that is silent)-----------+
 *                                  the old link still speaks: closed, <--+
 *                                  told nothing
 *
 * Happy path: the addresses of each broker of the list are known from the start, and all three
 * steps are one. Names are resolved again when a hello comes from another address than those known
 * (containers and DHCP move), at most once a second.
 * Failures: a place is never refused, the oldest of the same address goes instead; so nobody keeps
 * anybody else out. A claim to be a connected broker waits until the old link is heard again (then
 * it is closed) or is silent for CLAIM_MS, or breaks: the ping that we send is answered with a
 * reset if that process is gone.
 * Invariant: whoever is not judged is told nothing but that it is refused.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "raft-glue/peer/peers_internal.h"

enum {
    STRANGER_PLACES = 4, /* of one address that is not in the list */
    STRANGERS_MAX = 64,  /* of all these */
    BROKER_PLACES = 16,  /* of an address of the list, for each broker that has it */
    RESOLVE_PAUSE_MS = 1000,
    CLAIM_MS = 1500, /* less than a handshake may take, more than two pings */
};

struct peer *peers_find(const struct peers *peers, int32_t node) {
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (peer->node == node) return peer;
    return NULL;
}

static void close_stranger(struct peer_connection *connection, const char *why) {
    connection->owner->events->ended(connection->owner->peers, connection, why);
}

/* ---- Addresses ---- */

/* "127.0.0.1:41234", "[::ffff:10.0.0.1]:41234", "[fe80::1%eth0]:41234" without what is not the
 * address. */
static void address_of(struct env_stream *stream, char into[ENV_ADDRESS_SIZE]) {
    char text[64];
    env_stream_peer(stream, text);
    char *host = text[0] == '[' ? text + 1 : text, *end = strrchr(text, ':');
    if (end != NULL) *end = '\0';
    host[strcspn(host, "]%")] = '\0';
    if (strncmp(host, "::ffff:", 7) == 0 && strchr(host, '.') != NULL) host += 7;
    snprintf(into, ENV_ADDRESS_SIZE, "%.47s", host);
}

static bool is_loopback(const char *address) {
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* A machine reaches itself from one loopback address whichever it dials (Debian's own name is
 * 127.0.1.1). */
static bool is_address_of(const struct peer *peer, const char *address) {
    for (unsigned i = 0; i < peer->address_count; i++)
        if (strcmp(peer->addresses[i], address) == 0 ||
            (is_loopback(peer->addresses[i]) && is_loopback(address)))
            return true;
    return false;
}

static void on_resolved(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n) {
    struct peer *peer = arg;
    peer->resolve = NULL;
    peer->resolved = true;
    peer->resolved_ms = env_now_ms(peer->peers->env);
    if (n > 0) { /* a resolver that is away takes nothing back */
        memcpy(peer->addresses, addresses, n * sizeof peer->addresses[0]);
        peer->address_count = n;
    }
    peer_admission_again(peer);
}

void peer_admission_resolve(struct peer *peer) {
    if (peer->resolve != NULL || peer->peers->options.any_address) return;
    peer->resolve = env_resolve(peer->peers->env, peer->host, on_resolved, peer);
}

/* ---- Places ---- */

static unsigned brokers_at(const struct peers *peers, const char *address) {
    unsigned count = 0;
    for (const struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (is_address_of(peer, address)) count++;
    return count;
}

/* The oldest that shows nothing of a broker yet; those who wait for us go last. `address` NULL: of
 * any stranger. */
static struct peer_connection *oldest(struct peers *peers, const char *address, size_t *count) {
    struct peer_connection *idle = NULL, *proved = NULL, *waiting = NULL;
    *count = 0;
    for (struct peer_connection *one = peers->connections; one != NULL; one = one->next) {
        if (one->peer != NULL ||
            (address != NULL ? strcmp(one->address, address) != 0 : one->of_list))
            continue;
        (*count)++;
        bool has_secret = peer_connection_is_tls(one) && !peer_connection_awaits_tls(one);
        /* The newest is first. */
        *(one->waits_for != NULL ? &waiting : has_secret ? &proved : &idle) = one;
    }
    return idle != NULL ? idle : proved != NULL ? proved : waiting;
}

void peer_admission_make_room(struct peers *peers, struct env_stream *stream,
                              char address[ENV_ADDRESS_SIZE], bool *of_list) {
    address_of(stream, address);
    unsigned brokers = brokers_at(peers, address);
    size_t count, most = brokers > 0 ? brokers * BROKER_PLACES : STRANGER_PLACES;
    *of_list = brokers > 0;
    struct peer_connection *first = oldest(peers, address, &count);
    if (count >= most) close_stranger(first, "too many of its address do not say who they are");
    if (*of_list) return;
    first = oldest(peers, NULL, &count);
    if (count >= STRANGERS_MAX) close_stranger(first, "too many do not say who they are");
}

/* ---- Hellos ---- */

static void refuse_address(struct peer *peer, struct peer_connection *connection) {
    struct peers *peers = peer->peers;
    log_limited(
        peers->log, &peers->limiter, LOGGED_PEER_REFUSED,
        "refused a connection from %s that says it is broker %d: %s of cluster.nodes is %s%s%s; correct cluster.nodes, "
        "or set peer.verify.address=false where addresses are translated",
        connection->address, peer->node, peer->host,
        peer->address_count == 0 ? "a name that does not resolve" : peer->addresses[0],
        peer->address_count > 1 ? ", " : "", peer->address_count > 1 ? peer->addresses[1] : "");
    peer_connection_refuse(
        connection,
        "a broker may only connect from the address that cluster.nodes has for it; the log of the "
        "broker that refuses says more");
}

/* It is heard on the old link after the claim came: it cannot have dialled anew. */
static bool old_link_speaks(const struct peer *peer, const struct peer_connection *claim) {
    for (int channel = 0; channel < 2; channel++)
        if (peer->connections[channel] != NULL &&
            peer->connections[channel]->heard_ms > claim->claimed_ms)
            return true;
    return false;
}

/* False: the connection waits on, or is gone. */
static bool claim_passes(struct peer *peer, struct peer_connection *connection) {
    struct peers *peers = peer->peers;
    uint64_t now_ms = env_now_ms(peers->env);
    if (!peer->up || connection->channel != PEER_CONTROL) return true;
    if (!connection->claims) {
        connection->claims = true;
        connection->claimed_ms = now_ms;
        peer_connection_send(peer->connections[PEER_BULK], PEER_KIND_PING, NULL, 0);
        return false;
    }
    if (old_link_speaks(peer, connection)) {
        log_limited(
            peers->log, &peers->limiter, LOGGED_PEER_REFUSED,
            "closed a connection from %s that says it is broker %d, which is connected and speaks",
            connection->address, peer->node);
        close_stranger(connection, "that broker is connected");
        return false;
    }
    return now_ms - connection->claimed_ms >= CLAIM_MS;
}

static void admit(struct peer *peer, struct peer_connection *connection) {
    if (!peer->peers->options.any_address && !is_address_of(peer, connection->address)) {
        bool fresh = peer->resolved &&
                     env_now_ms(peer->peers->env) - peer->resolved_ms < RESOLVE_PAUSE_MS;
        if (peer->resolve == NULL && fresh)
            refuse_address(peer, connection);
        else
            peer_admission_resolve(peer);
        return;
    }
    if (!claim_passes(peer, connection)) return;
    connection->waits_for = NULL;
    peer_connection_judge(connection);
}

static void refuse_plain(struct peers *peers, struct peer_connection *connection, int32_t node) {
    log_limited(
        peers->log, &peers->limiter, LOGGED_PEER_REFUSED,
        "refused a connection from %s that says it is broker %d: it speaks no TLS, and peer.tls.mode=require; "
        "give that broker the same peer.secret.file, and peer.tls.mode=prefer at least",
        connection->address, node);
    peer_connection_refuse(
        connection,
        "it takes other brokers by TLS alone (peer.tls.mode=require); give this one the same "
        "peer.secret.file, and peer.tls.mode=prefer at least");
}

void peer_admission_hello(struct peers *peers, struct peer_connection *connection, int32_t node) {
    struct peer *peer = peers_find(peers, node);
    if (peers->options.tls == PEER_TLS_REQUIRE && !peer_connection_is_tls(connection)) {
        refuse_plain(peers, connection, node);
        return;
    }
    if (peer == NULL) { /* judged for what it says: not in the list, or our own id */
        peer_connection_judge(connection);
        return;
    }
    connection->waits_for = peer;
    admit(peer, connection);
}

void peer_admission_again(struct peer *peer) {
    struct peers *peers = peer->peers;
    uint64_t round = ++peers->admission_round;
    struct peer_connection *one = peers->connections;
    while (one != NULL) {
        if (one->waits_for != peer || one->state != CONNECTION_SHAKING ||
            one->admission_round == round) {
            one = one->next;
            continue;
        }
        one->admission_round = round;
        admit(peer, one);
        one = peers->connections; /* what was judged may have closed others */
    }
}
