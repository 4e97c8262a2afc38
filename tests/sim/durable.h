/*
 * What would be left of a machine's journal if its power failed right now and nothing unsynced survived.
 *
 * The durable bytes of the disk are copied and read with the product's own read-only recovery, on a machine of its own: the
 * one proof of an acknowledgement that needs no word of the broker that gave it.
 */
#ifndef SIM_DURABLE_H
#define SIM_DURABLE_H

#include "storage/journal.h"
#include "tests/sim/ledger.h"

/* Calls `each` for every group in the durable journal at `path` of `node`. A journal that cannot be read fails the run, unless
 * `may_fail` (a bit was flipped); one that does not exist has no groups. */
void durable_read(struct run *run, struct node *node, const char *path, bool may_fail,
                  void (*each)(void *arg, const struct journal_group *group), void *arg);

/* Enters every durable entry, and what is known to be committed, into the ledger. */
void durable_enter(struct run *run, struct node *node, const char *path, struct ledger *ledger);

/* Whether that entry is on the disk: in the journal, or so far back that it must be in a synced segment. */
bool durable_has(struct run *run, struct node *node, const char *path, uint64_t group, uint64_t index, uint32_t term);

/* Finds the entry of the group that holds that offset and that `is_it` says is the one (other leaders may have put others there).
 * False: no such entry in the journal (any more); `older`: what it holds of the group begins behind the offset, which is then in a synced
 * segment, whoever's record it is. */
struct durable_place {
    uint64_t index;
    uint32_t term;
    bool older;
};
bool durable_find(struct run *run, struct node *node, const char *path, uint64_t group, int64_t offset,
                  bool (*is_it)(void *arg, struct entry *entry), void *arg, struct durable_place *place);

#endif
