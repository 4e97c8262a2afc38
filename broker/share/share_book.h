/*
 * What share groups do in the partitions of a broker, group by group, for who exports metrics; and
 * how many runs of records all of them keep, for limits.
 *
 * Happy path: a share joins the tally of its group when it is made, its queue counts what became of
 * deliveries there, and it leaves when it goes; share_book_from and share_tally_from go from one to
 * the next in steps, while shares come and go. Failures: none. Invariants: a tally is there as long
 * as a share of its group is; what it has counted never becomes less.
 */
#ifndef BROKER_SHARE_SHARE_BOOK_H
#define BROKER_SHARE_SHARE_BOOK_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct share;

/* Records, by what became of a delivery: acknowledged as done with, or as not; given back, by an
 * acknowledgement or because the holder went; kept beyond the time of the lock. Of the latter two
 * those that were given as often as may be, and are archived for it, count once more. */
struct share_flow {
    uint64_t accepted, rejected, released, timed_out, exhausted;
};

struct share_tally {
    struct kp_string group; /* its own copy */
    uint64_t number;        /* of tallies, rising in the list */
    struct share_flow flow;
    struct share *shares; /* of the group, rising in their `entry` */
    struct share_tally *next, *prev;
};

/* All zero: empty. */
struct share_book {
    uint64_t runs; /* of records, that all shares keep */
    struct share_tally *tallies;
    uint64_t numbers;
};

void share_book_join(struct share_book *book, struct share *share); /* its group is set */
void share_book_leave(struct share_book *book, struct share *share);

/* The first tally with a number of that, or above; NULL: there is none. */
struct share_tally *share_book_from(const struct share_book *book, uint64_t number);
/* Likewise of the shares of a tally. */
struct share *share_tally_from(const struct share_tally *tally, uint64_t entry);

#endif
