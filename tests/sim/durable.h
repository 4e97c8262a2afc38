/*
 * What would be left of a machine's journal if its power failed right now and nothing unsynced
 * survived.
 *
 * The durable bytes of the disk are copied and read with the product's own read-only recovery, on a
 * machine of its own: the one proof of an acknowledgement that needs no word of the broker that
 * gave it.
 */
#ifndef SIM_DURABLE_H
#define SIM_DURABLE_H

#include "storage/journal/journal.h"
#include "tests/sim/ledger.h"

/* Calls `each` for every group in the durable journal at `path` of `node`. A journal that cannot be
 * read fails the run, unless `may_fail` (a bit was flipped); one that does not exist has no groups.
 */
void durable_read(struct run *run, struct node *node, const char *path, bool may_fail,
                  void (*each)(void *arg, const struct journal_group *group), void *arg);

/* Enters every durable entry, and what is known to be committed, into the ledger. */
void durable_enter(struct run *run, struct node *node, const char *path, struct ledger *ledger);

#endif
