/*
 * A lost directory is replaced: where the nemesis has taken one away, in every second run a client
 * asks that the empty one take its place, at random brokers, in the middle of all other faults.
 *
 * Checked: before anybody has asked, the empty one takes no part. In the end it is a broker as any
 * other: it votes where the old one did, and holds all that is committed.
 */
#ifndef SIM_REPLACER_H
#define SIM_REPLACER_H

#include "tests/sim/cluster.h"

/* The client's side, in its process. */
struct replacer *replacer_new(struct cluster *cluster);
/* Somebody has asked: that place may be taken. */
bool replacer_has_asked(const struct cluster *cluster);
/* For wait_until, when it has: everybody knows the new one, and nothing is on its way any more. */
bool replacer_is_done(struct cluster *cluster);

#endif
