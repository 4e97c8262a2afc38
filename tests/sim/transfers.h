/*
 * Leaderships go round all the time: planned transfers between brokers that are well, ill or just
 * starting.
 *
 * Every now and then each broker that leads something is told to hand one group over to some other
 * replica of it. Refusals are no fault; that one succeeds is counted. Invariant: nothing that
 * acknowledges or reads is told of it.
 */
#ifndef SIM_TRANSFERS_H
#define SIM_TRANSFERS_H

#include "tests/sim/cluster.h"

/* From now on, about every `interval_us`, until the run ends. */
void transfers_begin(struct cluster *cluster, uint64_t interval_us);

/* One group, to some replica of it, if that broker leads it. */
void transfers_one(struct cluster *cluster, unsigned place, uint64_t group);

#endif
