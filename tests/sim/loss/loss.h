/*
 * A majority that is lost for good: who is lost, how, who goes on without it, and who comes back.
 *
 *   loss_draw --- loss_begin --- (a plan, looked at, accepted; again) --- loss_return --- replaced
 *
 * Of some brokers, so that some group has no majority and every partition has a replica left, the
 * machines go dark: their directories are gone, or come back as they were when the rest has gone on
 * without them, or as soon as the metadata has. Meanwhile whenever a step of the recovery is taken
 * somebody who is left may be killed, or lose its power, within the next effects.
 *
 * Checked: the plan (plan_check.h); that the rest goes on, within a bound; who was given up and
 * comes back takes no part, leads nothing, and ends with a sentence.
 */
#ifndef SIM_LOSS_LOSS_H
#define SIM_LOSS_LOSS_H

#include "tests/sim/cluster.h"

/* In the process of the client. */
struct loss *loss_new(struct cluster *cluster);
/* Chooses who is lost. False: not everybody is there yet, with all partitions. */
bool loss_draw(struct loss *loss);
/* Those that were drawn, as bits. */
uint32_t loss_drawn(const struct loss *loss);
/* The same once their machines have gone dark; 0 before. `loss` may be NULL. */
uint32_t loss_lost(const struct loss *loss);
/* Their machines go dark, and whoever is left has to do without. */
void loss_begin(struct loss *loss);
/* Looks at a plan that waits for it. Outside of all processes, often. */
void loss_check(struct loss *loss);
/* For wait_until: the rest goes on: everything is led, nothing is lost any more. */
bool loss_is_over(struct cluster *cluster);
/* The lost machines run again. */
void loss_return(struct loss *loss);
/* Likewise: whoever came back as it was has been refused if it was given up, and takes part if it
 * was not missed. */
bool loss_all_are_judged(struct cluster *cluster);
/* Empty directories take their places. */
void loss_replace(struct loss *loss);

/* Of the polls, and of whoever starts and stops machines; `loss` may be NULL where it is asked. */
void loss_look(struct loss *loss);
void loss_died(struct loss *loss, unsigned place, enum node_death how);
bool loss_may_start(const struct loss *loss, unsigned place);
/* It was given up, and nobody has asked for another directory in its place. */
bool loss_is_given_up(const struct loss *loss, unsigned place);
void loss_describe(const struct loss *loss);

#endif
