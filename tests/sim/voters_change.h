/*
 * Configurations of groups that change at random, on whoever takes it: servers are added, promoted
 * and removed, one at a time, without a look at who is there.
 *
 * What was in force, as any replica had it, is kept: a majority is one of the voters of one of the
 * last configurations. Removed servers keep their log and votes, so they may come again.
 */
#ifndef SIM_VOTERS_CHANGE_H
#define SIM_VOTERS_CHANGE_H

#include "tests/sim/voters.h"

/* A step, perhaps, in that group on this machine; `growing`: only towards all as voters. */
void voters_change(struct voter *voter, unsigned group, bool growing);
/* Looks at all machines. */
void voters_look(struct voters *voters);
/* Whether these machines, as bits, are a majority of the voters of a configuration that was in
 * force lately. */
bool voters_are_majority(const struct voters *voters, unsigned group, uint32_t machines);
/* The voters that this replica knows, as bits. */
uint32_t voters_of(const struct voter *voter, unsigned group);
/* Every machine has the same configuration, committed, in which all vote. */
bool voters_are_all(const struct voters *voters);

#endif
