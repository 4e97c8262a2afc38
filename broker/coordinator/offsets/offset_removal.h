/*
 * Takes back those offsets of one group that meet a condition, as committed tombstones: because
 * they are too old, or their topic is gone.
 *
 * Happy path: offset_removal_take; in a turn of its own the condition is asked for each offset, and
 * those that meet it go, in parts (group_batch.h), a turn for each; `done`
 * follows when none is left that does. With `and_group` the group goes with the last of them, if
 * nobody is in it.
 * Failures: NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE; what went before stays gone.
 * Invariants: the condition is asked behind all commits that came before; between two batches
 * others have their turn.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_REMOVAL_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_REMOVAL_H

#include "broker/coordinator/offsets/offset_rules.h"
#include "broker/coordinator/offsets/offset_store.h"

/* Lies, zeroed, in whoever wants it. */
struct offset_removal {
    /* May be called within offset_removal_take. */
    void (*done)(struct offset_removal *removal, int16_t error);
    /* Before each batch, and behind its last question: the group may change between two. May be
     * NULL. */
    void (*begin)(struct offset_removal *removal, struct group *group);
    void (*end)(struct offset_removal *removal);
    bool (*goes)(struct offset_removal *removal, struct kp_string topic,
                 const struct committed_offset *offset);
    bool and_pending; /* also those of open transactions for which nothing is committed */
    bool and_group;   /* not while there are such */
    const struct offset_rules *rules;
    uint32_t removed;       /* out: offsets that went */
    struct group_turn turn; /* its own, all below */
    struct group_table *table;
    char *group_id; /* a copy: the row may go between two turns */
    size_t group_id_len, in_batch;
    bool more;
};

/* All that is pending there goes. */
bool offset_removal_takes(struct offset_removal *removal, const struct pending_place *place);
/* On a leader (checked). */
void offset_removal_take(struct group *group, struct offset_removal *removal);

#endif
