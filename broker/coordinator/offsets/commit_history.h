/*
 * How committed offsets moved on, for those who ask how fast a group consumes and since when it
 * stands still: beside the offsets, by places that they keep.
 *
 * Happy path: commit_history_move with each commit that is applied, on every replica and by the
 * time that is in its record, so that a new coordinator knows what the old one knew. Failures:
 * histories may take an eighth of the memory of groups; beyond it new offsets have none, and
 * nothing is known of them. Invariants: at most COMMIT_POINTS_MAX points each; place 0 is none.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_COMMIT_HISTORY_H
#define BROKER_COORDINATOR_OFFSETS_COMMIT_HISTORY_H

#include "base/budget.h"
#include "broker/traffic/progress.h"

enum { COMMIT_POINTS_MAX = 32, COMMIT_HISTORIES_PART = 8 };

struct commit_histories;

struct commit_histories *commit_histories_new(struct budget *memory);
void commit_histories_free(struct commit_histories *histories); /* none is left */

/* The place that it has from now on: `place`, or a new one for 0, or 0: there is no memory. */
uint32_t commit_history_move(struct commit_histories *histories, uint32_t place, int64_t at_ms,
                             int64_t offset);
void commit_history_drop(struct commit_histories *histories, uint32_t place); /* nothing for 0 */
/* NULL for 0. Valid until the next move. */
const struct progress *commit_history(const struct commit_histories *histories, uint32_t place);

#endif
