/*
 * Whether everybody is who the metadata says: of group 0 and of every partition.
 */
#ifndef SIM_GROWTH_END_H
#define SIM_GROWTH_END_H

#include "tests/sim/cluster.h"

/* On all brokers that are there: no plan is under way, who drains holds nothing; in every group
 * that a broker leads the configuration is committed and has exactly the members of the table, and
 * those vote that are to. False also while one of the cluster is not ready. */
bool growth_cluster_is_whole(struct cluster *cluster);

/* Prints what is not so. */
void growth_end_describe(struct cluster *cluster);

#endif
