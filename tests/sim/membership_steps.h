/*
 * What a step of membership changes, summed up: when the sum of all brokers is another one,
 * somebody has taken one.
 */
#ifndef SIM_MEMBERSHIP_STEPS_H
#define SIM_MEMBERSHIP_STEPS_H

#include "tests/sim/cluster.h"

struct metadata;

/* `sum` and that broker's configurations, and its roster and plans (`metadata` NULL: without). */
uint64_t membership_steps(struct cluster *cluster, unsigned place, const struct metadata *metadata,
                          uint64_t sum);

#endif
