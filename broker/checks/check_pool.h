/*
 * Checks of batches that are too long for the loop: a few at a time, in turns, in bounded memory.
 *
 * Happy path: check_pool_run takes a check over; its steps run in the environment's pool, a slice
 * of records at a time, and then the next one's, so that a batch that unfolds to a gigabyte does
 * not keep those behind it waiting; `done` comes on the loop. Failures: what a check itself finds.
 * Order: checks end in any order; who needs one gives one after the other.
 * Ownership: from check_pool_run on the pool owns the check and the bytes under it; `done` gives
 * the check back, check_pool_cancel ends it, now or when its slice is over. The bytes of a
 * cancelled one are charged to nobody from then on: who pays may be gone before.
 * Invariants: the memory of the checks under way, which they name before they begin, stays within
 * the limit; what does not fit waits, first come first served, but a few small ones go before a
 * large one; the loop spends only so much in one turn on the checks that it does itself.
 */
#ifndef BROKER_CHECKS_CHECK_POOL_H
#define BROKER_CHECKS_CHECK_POOL_H

#include "base/buffer.h"
#include "base/env.h"
#include "protocol/record/record_check.h"

struct check_pool;

struct check_pool_options {
    size_t memory_bytes; /* of all checks under way (produce.check.memory.bytes) */
    uint32_t inline_us;  /* a check that is estimated to take longer is not for the loop
                            (produce.check.inline.us) */
    uint32_t turn_us;    /* of checks on the loop in one turn */
};

struct check_pool *check_pool_new(struct env *env, const struct check_pool_options *options);
/* Every check must have ended or been cancelled. What still has a slice running ends by itself.
 * NULL does nothing. */
void check_pool_free(struct check_pool *pool);

/* Does the whole check on the loop if it is short and the turn has time for it: true, with its
 * result. False: it is for check_pool_run, which may go on with what was begun. */
bool check_pool_inline(struct check_pool *pool, struct record_check *check, int *error);

struct check_task {
    /* Takes the check back. The task may be gone inside. */
    void (*done)(struct check_task *task, struct record_check *check, int error);
    struct check_run *run; /* the pool's; NULL: not under way */
};

/* ERR_NONE: `done` will be called, never inside. Else nothing is taken over: ERR_TOO_LARGE, it
 * needs more memory than there is at all, with a sentence. `bytes`: what the batch lies in; a
 * reference is taken. `done` of the task is set. */
int check_pool_run(struct check_pool *pool, struct record_check *check, const struct slice *bytes,
                   struct check_task *task, struct error_text *why);
void check_pool_cancel(struct check_task *task); /* nothing if it is not under way */

struct check_pool_stats {
    uint64_t inline_checks, pool_checks, slices;
    size_t waiting, under_way; /* at present */
    size_t memory;             /* of those under way */
};
void check_pool_stats_get(const struct check_pool *pool, struct check_pool_stats *stats);

#endif
