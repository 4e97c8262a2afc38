/*
 * Reads the records of dead letters out of the log of the partition that is shared.
 *
 *   begin -> read the batch of the first that is not read -> unfold it in the pool -> ... -> done
 *
 * Happy path: batch after batch is read, unfolded off the loop, and the records that are wanted are
 * copied. Failures: the codes of partition_read; CORRUPT_MESSAGE; a record that is not in the log
 * any more is left as not found. Invariants: `done` comes once, unless it is cancelled, and may
 * come within the call; what is read has room in a batch of `most` bytes, but the first one is
 * read in any case.
 */
#ifndef BROKER_LETTERS_LETTER_READING_H
#define BROKER_LETTERS_LETTER_READING_H

#include "broker/letters/letter_batch.h"
#include "broker/partition_set/partition_set.h"

struct letter_reading {
    /* The caller's. */
    void (*done)(struct letter_reading *reading, int16_t code);
    struct env *env;
    struct partition_set *partitions;
    uint64_t group;         /* Raft's, of the partition */
    struct letter *letters; /* by offset; what is found goes into them */
    size_t count;
    size_t most; /* bytes of a batch of them, of which each takes `own` and its letter_size */
    size_t own;
    /* Ours. */
    size_t at;                /* so many are read, when it is over: all, or what `most` allows */
    size_t bytes;             /* of a batch of these */
    bool full;                /* the next one has no room there */
    struct letter_step *step; /* NULL: none is under way */
};
void letter_reading_begin(struct letter_reading *reading);
void letter_reading_cancel(struct letter_reading *reading); /* nothing if it is over */

#endif
