/*
 * An operator who lowers share.version (UpdateFeatures) and raises it again, all the time, while
 * members of share groups are served or sent away.
 *
 * Checked: no answer but those that can be; every table that has the feature says that it was at
 * its highest level, through images and restarts, however low it is. In the end it is there again.
 */
#ifndef SIM_QUEUES_FEATURE_TURNS_H
#define SIM_QUEUES_FEATURE_TURNS_H

#include "tests/sim/cluster.h"

struct feature_turns;
/* In the process of the client. Begins when the cluster has raised the feature by itself. */
struct feature_turns *feature_turns_new(struct cluster *cluster, struct env *env);
/* Lowers nothing any more. */
void feature_turns_finish(struct feature_turns *turns);
/* It is at its highest level, and stays there. */
bool feature_turns_are_over(const struct feature_turns *turns);
/* Outside of all processes, often. */
void feature_turns_look(struct feature_turns *turns);

#endif
