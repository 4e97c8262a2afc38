/* Inside of the book of transactions: transaction_book.c (what is said and seen) and book_finish.c
 * (what the log says in the end). Nobody else's. */
#ifndef SIM_TRANSACTIONS_BOOK_INTERNAL_H
#define SIM_TRANSACTIONS_BOOK_INTERNAL_H

#include "tests/sim/transactions/transaction_book.h"

enum { BOOK_EPOCHS = 1 << 15, BOOK_NOT_KNOWN = -2 };

/* What stands at an offset, as its batch says. */
struct book_fact {
    bool known, transactional, control, commit;
    bool skipped; /* the last one who was told of it was told to skip it */
    /* The least high watermark with which somebody was told that this is the last stable offset; 0:
     * nobody was. */
    int64_t stable_with;
    int64_t producer_id;
    struct book_transaction *transaction; /* NULL: not of the book, or not read by itself */
};

struct book_log {
    struct book_fact *facts;
    size_t count, room;
};

/* The transactions of the records of an id in a partition, by number. */
struct book_records {
    struct book_transaction **of;
    size_t count, room;
};

struct book_id {
    int64_t producer_id;
    int16_t epoch; /* the newest that was given */
    uint64_t inits_sent, inits_answered;
    uint64_t inits_failed;  /* answered with an error: they may be written all the same */
    uint64_t inits_settled; /* of those: what was asked behind them has succeeded */
    bool *given;            /* by epoch, of that producer id */
    int64_t final;          /* of its group; BOOK_NOT_KNOWN */
    struct book_records records[HISTORY_PARTITIONS_MAX];
};

struct transaction_book {
    struct run *run;
    struct history *history;
    int32_t partitions;
    unsigned first_producer;
    struct book_id ids[BOOK_IDS_MAX];
    struct book_transaction **all;
    size_t count, room;
    struct book_log logs[HISTORY_PARTITIONS_MAX];
    bool telling; /* records of an answer to who reads what is committed follow */
};

unsigned book_producer(const struct transaction_book *book, unsigned id, int32_t partition);
struct book_fact *book_fact(struct transaction_book *book, int32_t partition, int64_t offset);

#endif
