/*
 * Replicas that move: a client that asks for other replicas of random partitions, cancels, and asks
 * again in the middle, and what must hold meanwhile.
 *
 * Checked at every look: a broker keeps a replica open, once it is, until the plan by which it goes
 * is done (its files with it). What is acknowledged is durable on a majority of the voters of a
 * configuration that was in force about then. In the end all plans are done within a bound, and
 * every partition is where it is to be.
 */
#ifndef SIM_MOVES_H
#define SIM_MOVES_H

#include "tests/sim/cluster.h"

/* The client's side, in its process. */
struct moves *moves_new(struct cluster *cluster);
/* Looks at all brokers. */
void moves_look(struct moves *moves);
/* Whether what is asked about, of that partition, is on enough disks. */
bool moves_is_durable(struct moves *moves, int32_t partition,
                      const struct durable_question *question);
void moves_finish(struct moves *moves); /* asks for nothing more */
/* Prints plans, and the configurations that brokers have. */
void moves_describe(struct cluster *cluster);
/* On every broker that is ready, no plan is under way. */
bool moves_are_done(struct cluster *cluster);

#endif
