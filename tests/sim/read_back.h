/*
 * Reads a whole log back from one machine, entry by entry, whatever the others say.
 *
 * Every entry must be there, in order; each goes to the ledger as committed and to `each`. What
 * cannot be read within a bound of virtual time fails the run.
 */
#ifndef SIM_READ_BACK_H
#define SIM_READ_BACK_H

#include "raft-glue/raft_group.h"
#include "tests/sim/ledger.h"

/* Entries 1 to `last`. `each` may be NULL. */
void read_back(struct run *run, struct node *node, struct raft_group *group, uint64_t last,
               struct ledger *ledger, void (*each)(void *arg, struct entry *entry), void *arg);

#endif
