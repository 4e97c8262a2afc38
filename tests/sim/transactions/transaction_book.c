/* Transactions and what is seen of them; transaction_book.h has the rules. */
#include "tests/sim/transactions/transaction_book.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/messages/fetch.h"
#include "tests/sim/transactions/book_internal.h"

struct transaction_book *transaction_book_new(struct run *run, struct history *history,
                                              int32_t partitions, unsigned first_producer) {
    struct transaction_book *book = mem_zalloc(sizeof *book);
    *book = (struct transaction_book){
        .run = run, .history = history, .partitions = partitions, .first_producer = first_producer};
    history_markers_of_many(history);
    for (unsigned id = 0; id < BOOK_IDS_MAX; id++) {
        book->ids[id].final = BOOK_NOT_KNOWN;
        book->ids[id].given = mem_zalloc(BOOK_EPOCHS * sizeof *book->ids[id].given);
        for (int32_t p = 0; p < partitions; p++)
            history_producer(history, book_producer(book, id, p), p, true);
    }
    return book;
}

unsigned book_producer(const struct transaction_book *book, unsigned id, int32_t partition) {
    return book->first_producer + id * (unsigned)book->partitions + (unsigned)partition;
}

struct history *book_history(const struct transaction_book *book) {
    return book->history;
}

/* ---- Producers ---- */

void book_given(struct transaction_book *book, unsigned id, int64_t producer_id, int16_t epoch) {
    struct book_id *known = &book->ids[id];
    if (known->producer_id != producer_id) { /* the epochs of the one before are used up */
        memset(known->given, 0, BOOK_EPOCHS * sizeof *known->given);
        known->epoch = -1;
    }
    known->producer_id = producer_id;
    if (epoch < 0 || known->given[epoch])
        run_fail(book->run, "id %u: producer %" PRId64 " is given epoch %d to two", id, producer_id,
                 epoch);
    known->given[epoch] = true;
    if (epoch > known->epoch) known->epoch = epoch; /* answers may overtake one another */
}

uint64_t book_init_sent(struct transaction_book *book, unsigned id) {
    book->ids[id].inits_sent++;
    return book->ids[id].inits_failed;
}

void book_init_answered(struct transaction_book *book, unsigned id, uint64_t sent, bool succeeded) {
    struct book_id *known = &book->ids[id];
    known->inits_answered++;
    if (!succeeded)
        known->inits_failed++;
    else if (sent > known->inits_settled)
        known->inits_settled = sent;
}

bool book_is_newest(const struct transaction_book *book, unsigned id, int64_t producer_id,
                    int16_t epoch) {
    const struct book_id *known = &book->ids[id];
    return known->inits_sent == known->inits_answered &&
           known->inits_failed == known->inits_settled && known->producer_id == producer_id &&
           known->epoch == epoch;
}

struct book_transaction *book_begin(struct transaction_book *book, unsigned id) {
    struct book_transaction *transaction = mem_zalloc(sizeof *transaction);
    *transaction = (struct book_transaction){
        .id = id, .number = (unsigned)++book->count, .from = -1, .to = -1};
    book->all = mem_grow(book->all, book->count - 1, &book->room, sizeof *book->all);
    book->all[book->count - 1] = transaction;
    return transaction;
}

unsigned book_record(struct transaction_book *book, struct book_transaction *transaction,
                     int32_t partition, uint64_t *number) {
    struct book_records *records = &book->ids[transaction->id].records[partition];
    records->of = mem_grow(records->of, records->count, &records->room, sizeof *records->of);
    *number = records->count;
    records->of[records->count++] = transaction;
    return book_producer(book, transaction->id, partition);
}

void book_works_on(struct book_transaction *transaction, int64_t from, int64_t to) {
    transaction->from = from;
    transaction->to = to;
}

void book_commit_asked(struct book_transaction *transaction) {
    transaction->commit_asked = true;
}

static void fail(struct transaction_book *book, const struct book_transaction *transaction,
                 const char *what) {
    run_fail(book->run, "transaction %u of id %u%s", transaction->number, transaction->id, what);
}

void book_was_committed(struct transaction_book *book, struct book_transaction *transaction) {
    transaction->committed = true;
    if (transaction->skipped)
        fail(book, transaction, " is acknowledged as committed, and readers are told to skip it");
}

void book_was_refused(struct transaction_book *book, struct book_transaction *transaction) {
    transaction->refused = true;
    if (transaction->seen)
        fail(book, transaction, " is not committed, its client hears, and readers see it");
}

void book_final_offset(struct transaction_book *book, unsigned id, int64_t offset) {
    book->ids[id].final = offset;
}

/* ---- Readers ---- */

static uint64_t big_endian(const uint8_t *at, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

struct book_fact *book_fact(struct transaction_book *book, int32_t partition, int64_t offset) {
    struct book_log *log = &book->logs[partition];
    CHECK(offset >= 0); /* the history has seen it */
    while (log->room <= (size_t)offset) {
        size_t room = log->room == 0 ? 1024 : 2 * log->room;
        log->facts = mem_realloc(log->facts, room * sizeof *log->facts);
        memset(log->facts + log->room, 0, (room - log->room) * sizeof *log->facts);
        log->room = room;
    }
    if (log->count <= (size_t)offset) log->count = (size_t)offset + 1;
    return &log->facts[offset];
}

/* A batch as its header says, with what follows from it for each of its offsets. */
struct batch {
    int64_t base, last, producer_id;
    bool transactional, control, commit;
};

static struct batch read_batch(const uint8_t *at) {
    enum { LAST = 23, ATTRIBUTES = 22, PRODUCER = 43, MARKER_TYPE = 61 + 8 };
    int64_t base = (int64_t)big_endian(at, 8);
    bool control = (at[ATTRIBUTES] & 0x20) != 0;
    return (struct batch){.base = base,
                          .last = base + (int64_t)big_endian(at + LAST, 4),
                          .producer_id = (int64_t)big_endian(at + PRODUCER, 8),
                          .transactional = (at[ATTRIBUTES] & 0x10) != 0,
                          .control = control,
                          .commit = control && at[MARKER_TYPE] == 1};
}

/* As Kafka's consumers: what was aborted begins with its entry and ends with its marker. */
static bool is_skipped(const struct kp_fetch_response_partition *answer, struct batch *batch,
                       bool *ended) {
    bool skipped = false;
    for (int32_t i = 0; i < answer->aborted_transactions.count; i++) {
        const struct kp_fetch_response_aborted_transaction *entry =
            &answer->aborted_transactions.items[i];
        if (entry->producer_id != batch->producer_id || ended[i] ||
            entry->first_offset > batch->last)
            continue;
        if (batch->control && !batch->commit) ended[i] = true;
        skipped = true;
    }
    return skipped && batch->transactional && !batch->control;
}

static void note_batch(struct transaction_book *book, int32_t partition, const struct batch *batch,
                       bool skipped) {
    for (int64_t offset = batch->base; offset <= batch->last; offset++) {
        struct book_fact *fact = book_fact(book, partition, offset);
        fact->known = true;
        fact->transactional = batch->transactional;
        fact->control = batch->control;
        fact->commit = batch->commit;
        fact->producer_id = batch->producer_id;
        fact->skipped = skipped;
    }
}

void book_told(struct transaction_book *book, int32_t partition,
               const struct kp_fetch_response_partition *answer) {
    book->telling = answer != NULL;
    if (answer == NULL) return;
    const uint8_t *bytes = answer->records.data;
    size_t len = answer->records.len < 0 ? 0 : (size_t)answer->records.len;
    int32_t entries = answer->aborted_transactions.count;
    bool *ended = mem_zalloc(entries > 0 ? (size_t)entries : 1);
    for (size_t at = 0; at + 61 <= len; at += 12 + (size_t)big_endian(bytes + at + 8, 4)) {
        struct batch batch = read_batch(bytes + at);
        note_batch(book, partition, &batch, is_skipped(answer, &batch, ended));
    }
    mem_free(ended);
    if (answer->last_stable_offset < 0) return;
    struct book_fact *stable = book_fact(book, partition, answer->last_stable_offset);
    if (stable->stable_with == 0 || answer->high_watermark < stable->stable_with)
        stable->stable_with = answer->high_watermark;
}

/* NULL: it is nobody's of the book. */
static struct book_transaction *transaction_of(struct transaction_book *book, unsigned producer,
                                               uint64_t number) {
    if (producer < book->first_producer || producer == HISTORY_MARKER) return NULL;
    unsigned at = producer - book->first_producer;
    if (at >= BOOK_IDS_MAX * (unsigned)book->partitions) return NULL;
    struct book_records *records =
        &book->ids[at / (unsigned)book->partitions].records[at % (unsigned)book->partitions];
    return number < records->count ? records->of[number] : NULL;
}

static void is_seen(struct transaction_book *book, struct book_transaction *transaction) {
    transaction->seen = true;
    if (!transaction->commit_asked)
        fail(book, transaction, " is read, and nobody has asked for its commit");
    if (transaction->refused) fail(book, transaction, " is read, and its commit was refused");
    if (transaction->skipped)
        fail(book, transaction, " is torn: some of it is read, and some of it is to be skipped");
}

static void is_to_be_skipped(struct transaction_book *book, struct book_transaction *transaction) {
    transaction->skipped = true;
    run_count(book->run, RARE_ABORTED_TOLD, 1);
    if (transaction->committed)
        fail(book, transaction, " was acknowledged as committed, and readers are told to skip it");
    if (transaction->seen)
        fail(book, transaction, " is torn: some of it is to be skipped, and some of it was read");
}

void book_read(struct transaction_book *book, int32_t partition, int64_t offset, unsigned producer,
               uint64_t number) {
    struct book_transaction *transaction = transaction_of(book, producer, number);
    if (transaction == NULL || !book->telling) return;
    struct book_fact *fact = book_fact(book, partition, offset);
    if (!fact->transactional)
        fail(book, transaction, " has a record that is in no transaction in the log");
    fact->transaction = transaction;
    if (fact->skipped)
        is_to_be_skipped(book, transaction);
    else
        is_seen(book, transaction);
}
