/*
 * What must be so on every broker of a cluster in the end, when all are mended.
 *
 * All have applied all that is committed, they know the same by it, and what each of them can be
 * asked for on its own is everything that anybody was told of. Nothing is expected of a broker that
 * lost its directory or has damaged segments.
 */
#ifndef SIM_CLUSTER_END_H
#define SIM_CLUSTER_END_H

#include "tests/sim/cluster.h"

/* It lost its directory, or has damaged segments: nothing is expected of it. */
bool cluster_is_out(const struct cluster *cluster, unsigned place);
/* Everybody is there, with the same metadata, and has applied all of it and of the partitions. */
bool cluster_has_converged(struct cluster *cluster);
/* Everybody has applied equally much of the groups of consumers. */
bool cluster_offsets_have_converged(struct cluster *cluster);
/* Every replica has applied the same entries: it must know the same, of producers and of consumer
 * groups. */
void cluster_compare_partitions(struct cluster *cluster);
void cluster_compare_offsets(struct cluster *cluster);
/* Reads all of each broker back. */
void cluster_read_brokers(struct cluster *cluster);

#endif
