/*
 * Brokers that did not form the cluster: they run from the start, with a list in which those that
 * did and they themselves are, and a client asks that they be admitted, at random brokers.
 *
 * Checked: until the client has asked for it none of them takes part. In the end all do, within a
 * bound: whatever died meanwhile, and wherever.
 */
#ifndef SIM_NEWCOMERS_H
#define SIM_NEWCOMERS_H

#include "tests/sim/cluster.h"

/* The client's side, in its process; asks until all of them are ready. */
struct newcomers *newcomers_new(struct cluster *cluster);
/* Whether anybody has asked for that broker to be admitted, or it was there from the start. */
bool newcomers_may_be_ready(const struct cluster *cluster, unsigned place);

#endif
