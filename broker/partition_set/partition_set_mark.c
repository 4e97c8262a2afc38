/*
 * The mark "metadata applied up to" in this directory: a replica that a command above it makes, and
 * of which nothing is stored, has not been here before and is bootstrapped.
 *
 * Happy path: rows are opened; when what was bootstrapped since is durable in the journal, the mark
 * moves to where it could have moved before.
 * Failures: none of its own; a partition that cannot be opened holds the mark.
 * Invariants: the mark never goes back; it never passes a partition of ours that is not open,
 * unless it is damaged; it never gets durable before what was bootstrapped below it.
 */
#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/partition_set/partition_set_internal.h"

static void on_bootstraps_durable(struct journal_waiter *waiter) {
    struct partition_set *set = CONTAINER_OF(waiter, struct partition_set, waiter);
    journal_mark(log_store_journal(shard_store(set->shard)), set->waits_for_mark);
    set->marked = set->waits_for_mark;
    set->waits_for_mark = 0;
    partition_set_move_mark(set);
}

/* One that came by a plan is never bootstrapped, whatever the mark says. */
static bool holds_mark(const struct row *row) {
    return !row->damaged && !row->removed && row->created > 0;
}

/* Up to here every partition of ours is open, or too damaged to be. A mark beyond one whose opening
 * failed would say, after a restart, that this replica has existed: it would never be bootstrapped,
 * and with it all of them. */
static uint64_t mark_limit(const struct partition_set *set) {
    uint64_t limit = set->applied;
    if (MUTANT(MUTANT_MARK_PASSES_CLOSED)) return limit;
    for (const struct row *row = set->unopened; row != NULL && limit > set->marked; row = row->next)
        if (holds_mark(row) && row->created <= limit) limit = row->created - 1;
    return limit;
}

void partition_set_move_mark(struct partition_set *set) {
    struct journal *journal = log_store_journal(shard_store(set->shard));
    if (set->waits_for_mark != 0) return; /* it is moved then */
    uint64_t limit = mark_limit(set);
    if (limit <= set->marked) return;
    if (!set->bootstrapped) {
        journal_mark(journal, limit);
        set->marked = limit;
        return;
    }
    set->bootstrapped = false;
    set->waits_for_mark = limit;
    set->waiter.durable = on_bootstraps_durable;
    journal_wait(journal, &set->waiter);
}
