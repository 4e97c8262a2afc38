/*
 * What waits for its time in the partitions of a broker, and what became of it where this broker
 * led, for who exports metrics.
 *
 * Happy path: a partition takes its seat again whenever something pending came or went, counts what
 * was delivered and called off while it leads, and leaves when it closes. Failures: none.
 * Invariants: who has nothing pending has no seat, so that a sum costs by partitions with delays;
 * counters never become less. Memory: the seat is the partition's.
 */
#ifndef BROKER_DELAY_DELAY_BOOK_H
#define BROKER_DELAY_DELAY_BOOK_H

#include "base/measure/buckets.h"
#include "broker/delay/delayed.h"

/* Zeroed at first, but for what is pending. */
struct delay_seat {
    const struct delayed *delayed;
    bool leads; /* the partition says */
    bool taken; /* the book's, all below */
    struct delay_seat *next, *prev;
};

/* All zero: empty. */
struct delay_book {
    struct delay_seat *seats;
    uint64_t delivered, called_off; /* records */
    struct buckets late_us;         /* of deliveries: how late the first of their records was */
};

/* There is, or is no more, something pending. */
void delay_book_take(struct delay_book *book, struct delay_seat *seat);
void delay_book_leave(struct delay_book *book, struct delay_seat *seat); /* nothing without one */

struct delay_sums {
    uint64_t records, bytes;
    int64_t next_due_ms; /* of all; INT64_MAX: nothing is pending */
};
/* Of those that lead. */
struct delay_sums delay_book_sum(const struct delay_book *book);

#endif
