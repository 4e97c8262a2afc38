/*
 * Whether what goes out on one connection arrives. TCP itself says so only after minutes, and says
 * nothing at all when a firewall or a router forgets one flow of many; so each side tells the other
 * how many bytes it has received on each connection (PEER_KIND_PING).
 *
 * Happy path: acknowledged follows sent within a ping. Two failures, judged by the owner:
 *   stalled   something is unacknowledged, and for so long not one more byte was: the flow hangs
 *   behind    the oldest byte that is not acknowledged is so old: the flow moves, but what comes
 *             out of it is no news any more
 * A receiver that does not read by its own choice says so, and time does not run meanwhile.
 * Invariants: acknowledged never goes back and never passes sent. No clock, no I/O.
 */
#ifndef RAFT_GLUE_PEER_PEER_FLOW_H
#define RAFT_GLUE_PEER_PEER_FLOW_H

#include <stdbool.h>
#include <stdint.h>

struct peer_flow {
    uint64_t sent;     /* bytes, since the connection was made; the sender counts here */
    uint64_t received; /* by the other side */
    uint64_t moved_ms; /* when that grew, or there was no more to expect, or the other side said
                          that it does not read */
    uint64_t mark,
        mark_ms; /* so many bytes had been sent at that time; they are not all received */
};

void peer_flow_begin(struct peer_flow *flow, uint64_t now_ms);
/* The other side has received so much in all. False: that cannot be. */
bool peer_flow_received(struct peer_flow *flow, uint64_t received, bool paused, uint64_t now_ms);
/* Called now and then, at least as often as the times asked for are long; both 0 while all is
 * received. */
uint64_t peer_flow_stalled_ms(struct peer_flow *flow, uint64_t now_ms);
uint64_t peer_flow_behind_ms(struct peer_flow *flow, uint64_t now_ms);

#endif
