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

/* Entries from the first one that is there to `last`. `each` may be NULL. False: some that were not
 * read yet were cleaned meanwhile, so that they are there for consumers only; read all again. */
bool read_back(struct run *run, struct node *node, struct raft_group *group, uint64_t last,
               struct ledger *ledger, void (*each)(void *arg, struct entry *entry), void *arg);

/* What a consumer gets of it from offset `from` on, below `end`, of this node alone: runs of whole
 * batches; `each` returns the offset to go on with, which is `end` or above at the end. */
void read_back_batches(struct run *run, struct node *node, struct raft_group *group, int64_t from,
                       int64_t end,
                       int64_t (*each)(void *arg, const struct slice *batches, int64_t from),
                       void *arg);

#endif
