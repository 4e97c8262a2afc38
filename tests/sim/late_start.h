/*
 * At the end of a run, on the machine that has damaged segments: one more segment is damaged, so
 * that a start has to read it, while its entries count as gone on all other brokers. Its log has to
 * begin where that of another one does (storage/heal/later_start.h), or the replica stays out,
 * which the run then says.
 *
 * Happy path: a log is chosen -> the others count its beginning as gone -> power cut, damage -> it
 * is whole.
 * Failures: no log has such a beginning, or the others do not get so far: nothing is done.
 */
#ifndef SIM_LATE_START_H
#define SIM_LATE_START_H

#include "tests/sim/cluster.h"

/* `run_ms` lets that much of the world's time go by. */
void late_start_strike(struct cluster *cluster, unsigned place,
                       void (*run_ms)(struct cluster *cluster, uint64_t ms));
/* The machine has that log again, whole. */
bool late_start_is_over(struct cluster *cluster);

#endif
