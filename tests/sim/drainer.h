/*
 * A client that has brokers drained, and takes that back, at random moments; one broker at a time.
 *
 * Checked in the end: the broker that drains holds no replica of a partition for which there are
 * enough others, within a bound.
 */
#ifndef SIM_DRAINER_H
#define SIM_DRAINER_H

#include "tests/sim/cluster.h"

/* In the client's process. */
struct drainer *drainer_new(struct cluster *cluster);
void drainer_finish(struct drainer *drainer); /* asks for nothing more */
/* Whether nothing is left to move. */
bool drainer_is_done(struct cluster *cluster);

#endif
