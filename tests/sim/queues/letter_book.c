/* Letters by the offset of their record; letter_book.h has the rules. */
#include "tests/sim/queues/letter_book.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { OFFSETS_MAX = 1 << 16 };

/* Of a record of a partition, for one group. */
struct letter_fact {
    uint16_t count;
    uint8_t reason; /* enum share_reason; 0: it was not given up */
    bool archived;
    int64_t at; /* in the log of letters that is read; -1: not there */
};

/* Of a share-partition. */
struct letter_facts {
    struct letter_fact *facts; /* by offset; NULL: no log of it was read */
    int64_t log_start;
    struct share_move move; /* the last one; without records */
    int32_t moved;          /* that it has */
    int64_t *records;       /* those, of which it is through when all are over */
    bool deleted;           /* some of them were instead: their topic may not have them */
};

struct letter_book {
    struct cluster *cluster;
    struct letter_facts of[QUEUE_GROUPS][CLUSTER_PARTITIONS_MAX];
};

struct letter_book *letter_book_new(struct cluster *cluster) {
    struct letter_book *book = mem_zalloc(sizeof *book);
    book->cluster = cluster;
    return book;
}

static struct letter_facts *facts_of(struct letter_book *book, struct letter_source of) {
    return &book->of[of.group][of.partition];
}

static struct letter_fact *fact_at(struct letter_book *book, struct letter_source of,
                                   int64_t offset) {
    if (offset < 0 || offset >= OFFSETS_MAX)
        run_fail(book->cluster->run, "offset %" PRId64 " is to be a dead letter", offset);
    return &facts_of(book, of)->facts[offset];
}

/* ---- Logs of partitions ---- */

void letter_source_begin(struct letter_book *book, int32_t partition) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++) {
        struct letter_facts *facts = &book->of[g][partition];
        mem_free(facts->facts);
        mem_free(facts->records);
        *facts = (struct letter_facts){0};
        facts->facts = mem_zalloc(OFFSETS_MAX * sizeof *facts->facts);
    }
}

void letter_died(struct letter_book *book, struct letter_source of,
                 const struct share_range *range) {
    for (int64_t at = range->at.first; at <= range->at.last; at++)
        *fact_at(book, of, at) = (struct letter_fact){.count = range->count,
                                                      .reason = range->reason};
    run_count(book->cluster->run, RARE_LETTER_DIED,
              (uint64_t)(range->at.last - range->at.first + 1));
}

void letter_archived(struct letter_book *book, struct letter_source of, int64_t offset) {
    fact_at(book, of, offset)->archived = true;
}

static bool is_open(struct letter_book *book, struct letter_source of, int64_t log_start) {
    struct letter_facts *facts = facts_of(book, of);
    bool open = false;
    for (int32_t i = 0; i < facts->moved; i++) {
        bool archived = fact_at(book, of, facts->records[i])->archived;
        open = open || (facts->records[i] >= log_start && !archived);
        if (facts->records[i] < log_start && !archived) facts->deleted = true;
    }
    return open;
}

/* The numbers go on, or begin anew where they may. */
static bool may_be_next(struct letter_book *book, struct letter_source of,
                        const struct share_move *move, int64_t log_start) {
    struct letter_facts *facts = facts_of(book, of);
    bool open = is_open(book, of, log_start);
    bool anew = move->producer_id != facts->move.producer_id;
    if (facts->moved == 0) return true;
    if (!anew) return !open && move->sequence == facts->move.sequence + facts->moved;
    bool may = facts->deleted && move->sequence == 0;
    facts->deleted = false;
    return may;
}

void letter_moved(struct letter_book *book, struct letter_source of, const struct share_move *move,
                  int64_t log_start) {
    struct letter_facts *facts = facts_of(book, of);
    struct run *run = book->cluster->run;
    if (!may_be_next(book, of, move, log_start))
        run_fail(run,
                 "%s moves letters of partition %d as producer %" PRId64 " from %d on, behind "
                 "%d%s as %" PRId64 " from %d on",
                 queue_groups[of.group], of.partition, move->producer_id, move->sequence,
                 facts->moved, is_open(book, of, log_start) ? ", which are not through," : "",
                 facts->move.producer_id, facts->move.sequence);
    facts->move = *move;
    facts->moved = 0;
    mem_free(facts->records);
    facts->records = mem_zalloc((size_t)share_move_count(move) * sizeof *facts->records);
    for (size_t i = 0; i < move->records.count; i++) {
        const struct offset_range *range = offset_ranges_at(&move->records, i);
        for (int64_t at = range->first; at <= range->last; at++) {
            facts->records[facts->moved++] = at;
            if (at >= log_start && fact_at(book, of, at)->reason == 0)
                run_fail(run,
                         "%s moves offset %" PRId64 " of partition %d, which it has not given up",
                         queue_groups[of.group], at, of.partition);
        }
    }
    run_count(run, RARE_LETTER_MOVED, 1);
}

void letter_source_end(struct letter_book *book, struct letter_source of,
                       const struct share_move *known, int64_t log_start) {
    struct letter_facts *facts = facts_of(book, of);
    facts->log_start = log_start;
    if (share_move_count(known) != facts->moved ||
        (facts->moved > 0 &&
         (known->producer_id != facts->move.producer_id ||
          known->sequence != facts->move.sequence || known->open != is_open(book, of, log_start))))
        run_fail(book->cluster->run,
                 "%s: %d letters of partition %d are known to be moved, and %d by the log",
                 queue_groups[of.group], share_move_count(known), of.partition, facts->moved);
}

/* ---- Logs of letters ---- */

void letters_begin(struct letter_book *book) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++)
        for (int32_t p = 0; p < book->cluster->partitions; p++)
            for (int64_t i = 0; book->of[g][p].facts != NULL && i < OFFSETS_MAX; i++)
                book->of[g][p].facts[i].at = -1;
}

static struct letter_source source_of(struct letter_book *book, const struct raw_record *record) {
    struct run *run = book->cluster->run;
    char text[64] = "";
    int64_t partition = -1;
    raw_header(run, record, "__dlq.errors.topic", text, sizeof text);
    raw_header_number(run, record, "__dlq.errors.partition", &partition);
    bool ours = strcmp(text, cluster_topic) == 0 && partition >= 0 &&
                partition < book->cluster->partitions;
    raw_header(run, record, "__dlq.errors.group", text, sizeof text);
    for (unsigned g = 0; ours && g < QUEUE_GROUPS; g++)
        if (strcmp(text, queue_groups[g]) == 0)
            return (struct letter_source){g, (int32_t)partition};
    run_fail(run, "the letter at offset %" PRId64 " is of no group and partition of ours",
             record->offset);
}

/* As its topic has it. */
static void check_content(struct letter_book *book, const struct letter_source *of,
                          const struct raw_record *record, int64_t offset) {
    struct history *history = book->cluster->history;
    unsigned producer;
    uint64_t number;
    if (record->value_len < 0) {
        char text[16] = "";
        bool cut = raw_header(book->cluster->run, record, "__dlq.errors.truncated", text,
                              sizeof text);
        if (cut || offset >= history_most_start(history, of->partition))
            run_fail(book->cluster->run,
                     "the letter of offset %" PRId64 " of partition %d is empty%s", offset,
                     of->partition, cut ? ", as if the record were too large" : "");
        return;
    }
    history_parse(history, record->value, (size_t)record->value_len, &producer, &number);
    history_read(history, of->partition, offset, producer, number);
}

static void take_letter(void *arg, const struct raw_record *record) {
    struct letter_book *book = arg;
    struct run *run = book->cluster->run;
    struct letter_source of = source_of(book, record);
    int64_t offset = -1, count = -1;
    char message[64] = "";
    raw_header_number(run, record, "__dlq.errors.offset", &offset);
    raw_header_number(run, record, "__dlq.errors.delivery.count", &count);
    raw_header(run, record, "__dlq.errors.message", message, sizeof message);
    check_content(book, &of, record, offset);
    if (facts_of(book, of)->facts == NULL) return;
    struct letter_fact *fact = fact_at(book, of, offset);
    bool below = offset < facts_of(book, of)->log_start; /* what it says is not known any more */
    if (fact->at >= 0)
        run_fail(run, "%s: the letter of offset %" PRId64 " of partition %d is there twice",
                 queue_groups[of.group], offset, of.partition);
    const char *why = fact->reason == SHARE_REJECTED
                          ? "Offset rejected by client."
                          : "Offset delivery count exceeded the threshold.";
    if (fact->reason == 0 || (!below && (count != fact->count || strcmp(message, why) != 0)))
        run_fail(run,
                 "%s: the letter of offset %" PRId64 " of partition %d says \"%s\" after %" PRId64
                 " deliveries; the log has reason %d after %d",
                 queue_groups[of.group], offset, of.partition, message, count, fact->reason,
                 fact->count);
    fact->at = record->offset;
}

void letters_entry(struct letter_book *book, struct entry *entry) {
    struct slice raw;
    if (entry->type != ENTRY_BATCHES) return;
    if (entry_raw(entry, NULL, false, &raw) != ERR_NONE)
        run_fail(book->cluster->run, "entry %" PRIu64 " cannot be read", entry->index);
    raw_records(book->cluster->run, raw.data, raw.len, entry->base_offset, false, take_letter,
                book);
    slice_unref(&raw);
}

void letters_end(struct letter_book *book, unsigned place) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++)
        for (int32_t p = 0; p < book->cluster->partitions; p++)
            for (int64_t i = 0; book->of[g][p].facts != NULL && i < OFFSETS_MAX; i++) {
                const struct letter_fact *fact = &book->of[g][p].facts[i];
                if (fact->archived && fact->at < 0)
                    run_fail(book->cluster->run,
                             "%s has archived offset %" PRId64
                             " of partition %d behind its letter, which n%u does not have",
                             queue_groups[g], i, p, place + 1);
                run_count(book->cluster->run, RARE_LETTER_THERE, fact->at >= 0);
            }
}
