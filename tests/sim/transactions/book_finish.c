/* What the logs say of all transactions in the end. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/sim/transactions/book_internal.h"

/* ---- Markers ---- */

enum { OPEN_MAX = 64 }; /* producers that have something open at a time */

/* What a producer has open while the log is read from its beginning on. */
struct open {
    int64_t producer_id, first;
    struct book_transaction *transaction; /* NULL: of none that was read by itself */
};

struct walk {
    struct transaction_book *book;
    int32_t partition;
    struct open open[OPEN_MAX];
    unsigned count;
};

static struct open *open_of(struct walk *walk, int64_t producer_id) {
    for (unsigned i = 0; i < walk->count; i++)
        if (walk->open[i].producer_id == producer_id) return &walk->open[i];
    return NULL;
}

static void take_data(struct walk *walk, int64_t offset, const struct book_fact *fact) {
    struct open *open = open_of(walk, fact->producer_id);
    if (open == NULL) {
        if (walk->count == OPEN_MAX) run_fail(walk->book->run, "too many transactions are open");
        open = &walk->open[walk->count++];
        *open = (struct open){.producer_id = fact->producer_id, .first = offset};
    }
    if (open->transaction == NULL) open->transaction = fact->transaction;
    if (fact->transaction != NULL && open->transaction != fact->transaction)
        run_fail(walk->book->run,
                 "partition %d, offset %" PRId64
                 " is of transaction %u, and no marker stands between it and transaction %u, of "
                 "the same producer",
                 walk->partition, offset, fact->transaction->number, open->transaction->number);
}

/* Before its marker had committed, no last stable offset was above its first record. (Behind that
 * there may be one, which another transaction holds up.) */
static void check_stable(struct walk *walk, const struct open *open, int64_t marker) {
    struct transaction_book *book = walk->book;
    if (open->first < history_most_start(book->history, walk->partition)) return;
    for (int64_t offset = open->first + 1; offset <= marker; offset++) {
        int64_t high = book_fact(book, walk->partition, offset)->stable_with;
        if (high > 0 && high <= marker)
            run_fail(book->run,
                     "offset %" PRId64
                     " of partition %d was told as the last stable one, within a transaction of "
                     "producer %" PRId64 " from %" PRId64 " to its marker at %" PRId64,
                     offset, walk->partition, open->producer_id, open->first, marker);
    }
}

static void check_fate(struct walk *walk, const struct open *open, int64_t marker, bool commit) {
    struct transaction_book *book = walk->book;
    for (int64_t offset = open->first; offset < marker; offset++) {
        const struct book_fact *fact = book_fact(book, walk->partition, offset);
        if (fact->transaction == NULL || fact->producer_id != open->producer_id) continue;
        if (fact->skipped == commit)
            run_fail(book->run,
                     "offset %" PRId64 " of partition %d is of transaction %u, whose marker at "
                     "%" PRId64 " says %s, and readers are told the opposite",
                     offset, walk->partition, fact->transaction->number, marker,
                     commit ? "commit" : "abort");
    }
}

static void take_marker(struct walk *walk, int64_t offset, const struct book_fact *fact) {
    struct open *open = open_of(walk, fact->producer_id);
    if (open == NULL) return; /* it has ended nothing here */
    check_stable(walk, open, offset);
    check_fate(walk, open, offset, fact->commit);
    *open = walk->open[--walk->count];
}

static void walk_log(struct transaction_book *book, int32_t partition) {
    struct walk *walk = mem_zalloc(sizeof *walk);
    walk->book = book;
    walk->partition = partition;
    size_t end = book->logs[partition].count;
    while (end > 0 && !book->logs[partition].facts[end - 1].known)
        end--;
    for (size_t offset = 0; offset < end; offset++) {
        const struct book_fact *fact = &book->logs[partition].facts[offset];
        if (!fact->known) /* deleted before anybody has read it */
            walk->count = 0;
        else if (fact->control)
            take_marker(walk, (int64_t)offset, fact);
        else if (fact->transactional)
            take_data(walk, (int64_t)offset, fact);
    }
    if (walk->count > 0)
        run_fail(book->run,
                 "a transaction of producer %" PRId64 " in partition %d, from offset %" PRId64
                 " on, has never ended",
                 walk->open[0].producer_id, partition, walk->open[0].first);
    mem_free(walk);
}

/* ---- Offsets ---- */

static int by_from(const void *left, const void *right) {
    const struct book_transaction *a = *(struct book_transaction *const *)left,
                                  *b = *(struct book_transaction *const *)right;
    return (a->from > b->from) - (a->from < b->from);
}

/* Nobody has read what became of it: it was deleted before. */
static bool is_unknown(const struct book_transaction *transaction) {
    return transaction->commit_asked && !transaction->committed && !transaction->refused &&
           !transaction->seen && !transaction->skipped;
}

/* Each that has committed goes on where the one before has ended, and the group stands behind the
 * last one. */
static void check_group(struct transaction_book *book, unsigned id) {
    struct book_transaction **chain = mem_alloc((book->count + 1) * sizeof *chain);
    size_t n = 0;
    bool known = book->ids[id].final != BOOK_NOT_KNOWN;
    int64_t reached = 0;
    for (size_t i = 0; i < book->count; i++) {
        struct book_transaction *transaction = book->all[i];
        if (transaction->id != id || transaction->from < 0) continue;
        if (is_unknown(transaction)) known = false;
        if (transaction->committed || transaction->seen) chain[n++] = transaction;
    }
    qsort(chain, n, sizeof(struct book_transaction *), by_from);
    for (size_t i = 0; known && i < n; i++) {
        if (chain[i]->from != reached)
            run_fail(book->run,
                     "transaction %u of id %u has worked on %" PRId64 " to %" PRId64
                     ", and what has committed before it ends with %" PRId64,
                     chain[i]->number, id, chain[i]->from, chain[i]->to, reached);
        reached = chain[i]->to;
    }
    if (known && (book->ids[id].final < 0 ? 0 : book->ids[id].final) != reached)
        run_fail(book->run,
                 "the group of id %u stands at %" PRId64 ", and what has committed ends with "
                 "%" PRId64,
                 id, book->ids[id].final, reached);
    mem_free(chain);
}

void book_finish_transactions(struct transaction_book *book) {
    for (int32_t p = 0; p < book->partitions; p++)
        walk_log(book, p);
    for (unsigned id = 0; id < BOOK_IDS_MAX; id++)
        check_group(book, id);
}
