/*
 * Which links still live: pings that keep the other side from ending us, and the end of what is
 * silent, stuck or half made. The reasons are in peer_link.c.
 */
#include <stdio.h>

#include "base/mutant.h"
#include "raft-glue/peer/peers_internal.h"

enum {
    SILENCE_MS = 3000,
    CONTROL_QUEUE_MAX = 64 << 20, /* bytes queued to a peer that sends and does not read */
};

static void ping(struct peer *peer, uint64_t now_ms) {
    struct peer_connection *control = peer->connections[PEER_CONTROL],
                           *bulk = peer->connections[PEER_BULK];
    struct peer_ping ping = {
        .received = {peer_connection_received(control), peer_connection_received(bulk)},
        .paused = peer->bulk_was_paused,
        .sent_us = env_now_us(peer->peers->env),
        .echo_us = peer->echo_us};
    uint8_t bytes[PEER_TIMED_PING_SIZE];
    bool timed = peer->minor >= PEER_MINOR_TIMED_PINGS;
    if (peer->echo_us != 0) ping.held_us = ping.sent_us - peer->echoed_us;
    peer_ping_encode(bytes, &ping, timed);
    struct slice payload = slice_copy(NULL, bytes, timed ? PEER_TIMED_PING_SIZE : PEER_PING_SIZE);
    peer_connection_send(control, PEER_KIND_PING, &payload, 1);
    if (now_ms - bulk->sent_ms >= peer->peers->ping_ms)
        peer_connection_send(bulk, PEER_KIND_PING, NULL, 0);
    peer->pinged_ms = now_ms;
    peer->bulk_was_paused = peer->peers->bulk_paused;
}

static void check_link(struct peer *peer, uint64_t now_ms) {
    struct peer_connection *control = peer->connections[PEER_CONTROL],
                           *bulk = peer->connections[PEER_BULK];
    if (now_ms - control->heard_ms >= SILENCE_MS) {
        peer_link_break(peer, "it said nothing for 3 s");
    } else if (peer_connection_queued(control) > CONTROL_QUEUE_MAX) {
        peer_link_break(peer, "it does not read what it is sent");
    } else if (peer_flow_behind_ms(&control->flow, now_ms) >= peer->peers->options.lag_max_ms) {
        peer_link_break(
            peer, "what it is told arrives too late for elections (raft.election.timeout.ms)");
    } else if (peer_flow_stalled_ms(&bulk->flow, now_ms) >= SILENCE_MS &&
               !MUTANT(MUTANT_HUNG_FLOW_KEPT)) {
        char why[96];
        snprintf(why, sizeof why,
                 "entries hang on their way to it, %llu bytes, and none arrived for 3 s",
                 (unsigned long long)(bulk->flow.sent - bulk->flow.received));
        peer_link_break(peer, why);
    } else if (now_ms - peer->pinged_ms >= peer->peers->ping_ms) {
        ping(peer, now_ms);
    }
}

void peer_links_check(struct peers *peers) {
    uint64_t now_ms = env_now_ms(peers->env);
    struct peer_connection *next;
    for (struct peer_connection *connection = peers->connections; connection != NULL;
         connection = next) {
        next = connection->next;
        /* Control without bulk, or the other way round. */
        bool half = connection->state == CONNECTION_ESTABLISHED;
        uint64_t most_ms = half ? 2 * PEER_HANDSHAKE_MS : PEER_HANDSHAKE_MS;
        if (half && connection->peer->up) continue;
        if (now_ms - connection->started_ms < most_ms) continue;
        connection->owner->events->ended(peers, connection,
                                         half ? "its other connection did not come"
                                         : connection->state == CONNECTION_REFUSED
                                             ? "refused"
                                             : "no answer to the hello");
        next = peers->connections; /* breaking a link takes both of its connections away */
    }
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next) {
        if (peer->up) check_link(peer, now_ms);
        peer_admission_again(peer);
    }
}
