/*
 * The network between simulated machines: latency, links that block in one direction, resets,
 * narrow pipes.
 *
 * Happy path: a connection is two pipes of bytes, each in order, with a latency for every piece and
 * room for so many bytes on the way; the rest waits in the sender, as with TCP. Failures: a blocked
 * link lets nothing through in its direction; what was sent waits and arrives some time after the
 * link is healed, unless the connection is reset before. A reset cuts what is on the way at any
 * byte. A process that dies leaves a FIN or a reset behind what it sent; a machine without power
 * leaves nothing, and resets when it is back. Connecting is refused where nobody listens, and times
 * out where nobody answers.
 * Invariants: no byte is lost, repeated or changed inside a connection that lives.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "tests/sim/env/node.h"

struct network *network_new(struct world *world);
void network_free(struct network *network); /* for unit tests; after all processes ended */
/* Machines must be known before their processes use streams. */
void network_add(struct network *network, struct node *node);

/* One direction. Healing lets what waited arrive after a while, as TCP tries again. */
void network_block(struct network *network, int from, int to, bool blocked);
bool network_is_blocked(const struct network *network, int from, int to);
void network_heal_all(struct network *network);
/* Typical one-way latency of all links; 150 us at first. */
void network_set_latency(struct network *network, uint64_t typical_us);
/* One direction is slower by so much. */
void network_set_slow(struct network *network, int from, int to, uint64_t extra_us);
/* In one direction of one of the connections between the two machines nothing arrives any more, for
 * as long as it lives, while the others work: a firewall, or a router, that has forgotten one flow.
 * False: there is no connection. */
bool network_hang_one(struct network *network, int a, int b);
/* One direction of one of them is slower by so much until all is healed: with little room on the
 * way it brings a KB a second. */
bool network_slow_one(struct network *network, int a, int b, uint64_t extra_us);
/* Bytes that may be on the way in one direction of a connection made from now on; 64 KiB at first.
 */
void network_set_capacity(struct network *network, uint64_t bytes);
/* Breaks every connection between the two machines; 0: any. Returns how many. */
unsigned network_reset(struct network *network, int a, int b);

#endif
