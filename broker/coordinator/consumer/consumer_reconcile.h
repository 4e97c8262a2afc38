/*
 * One step of a member from what it has towards what it is to have (KIP-848, reconciliation).
 *
 * Happy path: keep what is in both, take back what is only had, and when the member has given that
 * back, add what nobody else has; then it is at the epoch of the target. What it does not subscribe
 * to any more is taken back at once, for the target that says so may be long in coming. Failures:
 * CONSUMER_FENCED,
 * for a state that is not known here. Invariant: a partition that was taken back stays with its
 * member until it says that it does not own it, so no two members own one at a time.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_RECONCILE_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_RECONCILE_H

#include "broker/coordinator/consumer/consumer_group.h"

enum consumer_step { CONSUMER_STAYS, CONSUMER_MOVES, CONSUMER_FENCED };

struct consumer_view {
    const struct consumer_group *group; /* for who owns what; its numbers of topics in all lists */
    const struct consumer_standing *now;
    const struct partition_list *target; /* without what it does not subscribe to */
    int32_t target_epoch;
    const struct partition_list *unsubscribed; /* of what it has */
    const struct partition_list *owned; /* what the member says that it has; NULL: as before */
    bool owns_strangers;                /* and partitions of topics that have no number here */
};

/* CONSUMER_MOVES: `next` is filled, for consumer_standing_close. */
enum consumer_step consumer_reconcile(const struct consumer_view *view,
                                      struct consumer_standing *next);
void consumer_standing_close(struct consumer_standing *standing);
/* The same in every field. */
bool consumer_standing_equal(const struct consumer_standing *a, const struct consumer_standing *b);

#endif
