/*
 * A leader that is deposed and does not hear of it for a while, with its clients beside it.
 *
 * It is told to hand a partition over, and from the moment when somebody has a higher term nothing
 * that the others say arrives: so the new leader is there at once, while the old one has all of its
 * election timeout before it finds out.
 */
#ifndef SIM_DEPOSE_H
#define SIM_DEPOSE_H

#include "tests/sim/cluster.h"

/* From now on, about every `interval_us`, until the nemesis has mended what there is. */
void depose_begin(struct cluster *cluster, uint64_t interval_us);

#endif
