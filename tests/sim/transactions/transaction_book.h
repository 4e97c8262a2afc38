/*
 * What transactions there are, what became of them as far as their clients know, and whether what
 * readers see goes with that.
 *
 * A transaction may be seen from the moment on in which its commit is asked for, by those who read
 * what is committed; all of its records, in all partitions, or none; all if the commit was
 * acknowledged, none if it was refused or nobody asked for it. That holds for every answer (so
 * nobody reads what is open, or was aborted: G1a; and as who is read has asked for its commit
 * before, nothing flows in a circle: G1c). No last stable offset lies above the first record of
 * a transaction before its marker has committed (G1b). In the end the log says the same: behind
 * each record of a transaction is its marker, and what the marker says is what readers saw. The
 * offsets of a group go on exactly where the committed transaction before has left them. Markers
 * are told from the bytes of the log, without the product.
 *
 * No epoch of a producer is given to two.
 */
#ifndef SIM_TRANSACTIONS_TRANSACTION_BOOK_H
#define SIM_TRANSACTIONS_TRANSACTION_BOOK_H

#include "tests/sim/history.h"

struct kp_fetch_response_partition;

enum { BOOK_IDS_MAX = 3 };

/* One transaction; for reading. */
struct book_transaction {
    unsigned id, number; /* of the id; from 1 on, of all */
    bool commit_asked, committed, refused;
    bool seen, skipped; /* by readers of what is committed: a record of it is, or is not to be */
    int64_t from, to;   /* of the group: what it has worked on; -1: nothing */
};

struct transaction_book;
/* Producers of the history from `first_producer` on are those of the book. */
struct transaction_book *transaction_book_new(struct run *run, struct history *history,
                                              int32_t partitions, unsigned first_producer);

struct history *book_history(const struct transaction_book *book);

/* ---- Producers ---- */

/* InitProducerId gave that to somebody, who goes on with it. */
void book_given(struct transaction_book *book, unsigned id, int64_t producer_id, int16_t epoch);
/* An InitProducerId leaves; and was answered. `sent`: what the former has said. */
uint64_t book_init_sent(struct transaction_book *book, unsigned id);
void book_init_answered(struct transaction_book *book, unsigned id, uint64_t sent, bool succeeded);
/* Nobody is newer, and no InitProducerId may be on its way, or be written although it failed. */
bool book_is_newest(const struct transaction_book *book, unsigned id, int64_t producer_id,
                    int16_t epoch);
struct book_transaction *book_begin(struct transaction_book *book, unsigned id);
/* The next record of the transaction there: which producer of the history sends it, as which
 * number. */
unsigned book_record(struct transaction_book *book, struct book_transaction *transaction,
                     int32_t partition, uint64_t *number);
/* It is to go on with the group's offset behind `from`, at `to`. */
void book_works_on(struct book_transaction *transaction, int64_t from, int64_t to);
void book_commit_asked(struct book_transaction *transaction);
/* The answer says so. */
void book_was_committed(struct transaction_book *book, struct book_transaction *transaction);
void book_was_refused(struct transaction_book *book, struct book_transaction *transaction);
/* Where the group of that id stands in the end; -1: nowhere. */
void book_final_offset(struct transaction_book *book, unsigned id, int64_t offset);

/* ---- Readers of what is committed ---- */

/* Before the records of an answer; NULL behind them. */
void book_told(struct transaction_book *book, int32_t partition,
               const struct kp_fetch_response_partition *answer);
void book_read(struct transaction_book *book, int32_t partition, int64_t offset, unsigned producer,
               uint64_t number);

/* ---- The end ---- */

/* All was read again, to the end. */
void book_finish_transactions(struct transaction_book *book);

#endif
