/*
 * A cluster that grows and shrinks: a client that has brokers drained, drained ones removed, lost
 * directories replaced and the voters of the metadata changed, one after the other, at random
 * brokers, in the middle of all other faults. Newcomers and plans for replicas come beside it
 * (newcomers.h, moves.h).
 *
 * Whenever the cluster takes a step (a command about membership applied, a configuration appended
 * or committed), somebody may be killed, or lose its power, within the next effects.
 *
 * Checked: no replica goes on in another directory (moves.c); who was removed takes no part again;
 * an empty directory takes none before somebody has asked for it; no answer but those that can be.
 * In the end, within a bound: who drains holds nothing, who was lost is replaced, every group has
 * the members and voters that the metadata names, and nobody else.
 */
#ifndef SIM_GROWTH_H
#define SIM_GROWTH_H

#include "tests/sim/cluster.h"

/* The client's side, in its process. */
struct growth *growth_new(struct cluster *cluster);
/* Looks at all brokers; somebody may die. */
void growth_look(struct growth *growth);
/* What is under way is brought to its end, nothing more is begun. */
void growth_finish(struct growth *growth);
/* For wait_until: it has been, and everybody is who the metadata says. */
bool growth_is_done(struct cluster *cluster);
/* Those that are no brokers of the cluster any more, as bits. */
uint32_t growth_removed(const struct growth *growth);
/* How often that machine has lost its directory. */
unsigned growth_lives(const struct growth *growth, unsigned place);
/* Whether that machine may be started: not while it is being removed. */
bool growth_may_start(const struct growth *growth, unsigned place);
/* Somebody has asked that the empty directory take the place of the lost one. */
bool growth_has_asked(const struct growth *growth);
/* Prints what is under way. */
void growth_describe(const struct growth *growth);

#endif
