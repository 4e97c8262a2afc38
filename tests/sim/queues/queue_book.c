/* The book of share groups as arrays over offsets; queue_book.h has the rules. */
#include "tests/sim/queues/queue_book.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/log_start/log_start.h"
#include "broker/share/shares.h"
#include "raft-glue/raft_group.h"
#include "tests/sim/queues/letter_book.h"

const char *const queue_groups[QUEUE_GROUPS] = {"queue-of-two", "queue-of-five", "queue-by-key"};
const unsigned queue_limits[QUEUE_GROUPS] = {2, 5, 5};

bool queue_is_committed(unsigned group) {
    return group == 1;
}

bool queue_has_letters(unsigned group) {
    return group != 1;
}

bool queue_is_keyed(unsigned group) {
    return group == 2;
}

enum { OFFSETS_MAX = 200000, ACCEPT = 1, REJECT = 3, GAP = 0, RANGE_MAX = 1000000 };

struct seen {
    uint64_t accepted_us;  /* somebody was told that it is; 0: nobody */
    uint32_t accepted_by;  /* in this term of the leader, or an earlier one */
    uint32_t term, counts; /* deliveries in the newest term in which it was given, as bits */
    bool given, may_be_accepted, may_be_rejected, may_be_archived;
};

struct replayed {
    uint8_t state;
    uint16_t count;
};

struct queue {
    struct seen *seen;
    size_t seen_capacity;
    /* Of the log that is replayed. */
    bool begun;
    int32_t number;
    int64_t start;
    struct replayed *records;
    size_t capacity;
};

enum { TRANSACTIONAL = 0x10, CONTROL = 0x20 };

struct queue_book {
    struct cluster *cluster;
    struct letter_book *letters;
    uint8_t *kinds; /* of offsets of the log that is replayed: attributes of their batches */
    size_t kinds_capacity;
    struct queue queues[QUEUE_GROUPS][CLUSTER_PARTITIONS_MAX];
    int32_t next_number;
    int64_t log_start;
};

struct queue_book *queue_book_new(struct cluster *cluster, struct letter_book *letters) {
    struct queue_book *book = mem_zalloc(sizeof *book);
    book->cluster = cluster;
    book->letters = letters;
    return book;
}

/* Zeros behind what was there. */
static void *with_room(void *items, size_t *capacity, int64_t offset, size_t size) {
    if (offset < (int64_t)*capacity) return items;
    size_t more = ((size_t)offset + 1) * 2;
    char *grown = mem_zalloc(more * size);
    if (*capacity > 0) memcpy(grown, items, *capacity * size);
    mem_free(items);
    *capacity = more;
    return grown;
}

static struct seen *seen_at(struct queue_book *book, unsigned group, int32_t p, int64_t offset) {
    struct queue *queue = &book->queues[group][p];
    if (offset < 0 || offset > OFFSETS_MAX)
        run_fail(book->cluster->run, "offset %" PRId64 " of partition %d was given", offset, p);
    queue->seen = with_room(queue->seen, &queue->seen_capacity, offset, sizeof *queue->seen);
    return &queue->seen[offset];
}

/* ---- Of members ---- */

void queue_given(struct queue_book *book, unsigned group, int32_t p,
                 const struct queue_given *given) {
    struct seen *seen = seen_at(book, group, p, given->offset);
    struct run *run = book->cluster->run;
    seen->given = true;
    run_count(run, RARE_QUEUE_GIVEN, 1);
    run_count(run, RARE_QUEUE_GIVEN_AGAIN, given->count > 1);
    if (given->count == 0 || given->count > 5)
        run_fail(run, "%s: offset %" PRId64 " of partition %d is given for time %u",
                 queue_groups[group], given->offset, p, given->count);
    if (seen->accepted_us != 0 && given->asked_us > seen->accepted_us &&
        given->term >= seen->accepted_by)
        run_fail(run,
                 "%s: offset %" PRId64 " of partition %d was accepted, and is given to somebody "
                 "who asked %" PRIu64 " us later",
                 queue_groups[group], given->offset, p, given->asked_us - seen->accepted_us);
    if (given->count >= queue_limits[group]) seen->may_be_archived = true;
    if (given->term == 0 || given->term < seen->term) return;
    if (given->term > seen->term) seen->counts = 0;
    seen->term = given->term;
    if ((seen->counts >> given->count & 1) != 0 && !queue_is_keyed(group))
        run_fail(run,
                 "%s: offset %" PRId64 " of partition %d is given twice for time %u in term %u",
                 queue_groups[group], given->offset, p, given->count, given->term);
    seen->counts |= UINT32_C(1) << given->count;
}

void queue_said(struct queue_book *book, unsigned group, int32_t p, int64_t offset, int8_t type) {
    struct seen *seen = seen_at(book, group, p, offset);
    if (type == ACCEPT) seen->may_be_accepted = true;
    if (type == REJECT) seen->may_be_rejected = true;
    if (type == REJECT || type == GAP) seen->may_be_archived = true;
}

/* That anybody leads in. */
static uint32_t newest_term(struct queue_book *book, int32_t p) {
    uint32_t newest = 0;
    for (unsigned i = 0; i < book->cluster->count; i++) {
        struct partition *partition = cluster_partition(book->cluster, i, cluster_topic, p);
        uint32_t term = partition == NULL ? 0 : raft_group_term(partition_group(partition));
        if (term > newest) newest = term;
    }
    return newest;
}

void queue_told(struct queue_book *book, unsigned group, int32_t p, int64_t offset, int8_t type) {
    struct seen *seen = seen_at(book, group, p, offset);
    run_count(book->cluster->run, RARE_QUEUE_ACCEPTED, type == ACCEPT);
    if (type != ACCEPT || seen->accepted_us != 0) return;
    seen->accepted_us = world_now_us(book->cluster->run->world);
    seen->accepted_by = newest_term(book, p);
}

void queue_read(struct queue_book *book, unsigned group, int32_t p, unsigned producer,
                uint64_t number) {
    const struct transactor *transactor = book->cluster->transactors[p];
    if (queue_is_committed(group) && transactor != NULL &&
        !transactor_may_give(transactor, producer, number))
        run_fail(book->cluster->run,
                 "%s is given record %" PRIu64 " of partition %d, which is not committed",
                 queue_groups[group], number, p);
    run_count(book->cluster->run, RARE_QUEUE_READ, 1);
}

bool queue_may_be_over(const struct queue_book *book, unsigned group, int32_t p, int64_t offset) {
    const struct queue *queue = &book->queues[group][p];
    if (offset < history_most_start(book->cluster->history, p) ||
        history_retains(book->cluster->history) || history_is_compacted(book->cluster->history) ||
        book->cluster->transactors[p] != NULL)
        return true; /* or may be a marker, or not there any more */
    /* Nobody has it, as far as is known: it may be a marker of nobody, too. */
    if (offset >= (int64_t)queue->seen_capacity || !queue->seen[offset].given) return true;
    return queue->seen[offset].may_be_accepted || queue->seen[offset].may_be_archived;
}

/* ---- Of logs ---- */

void queue_replay_begin(struct queue_book *book, int32_t p) {
    book->next_number = 0;
    book->log_start = 0;
    mem_free(book->kinds);
    book->kinds = NULL;
    book->kinds_capacity = 0;
    letter_source_begin(book->letters, p);
    for (unsigned g = 0; g < QUEUE_GROUPS; g++) {
        struct queue *queue = &book->queues[g][p];
        mem_free(queue->records);
        queue->records = NULL;
        queue->capacity = 0;
        queue->begun = false;
    }
}

static struct replayed *replayed_at(struct queue *queue, int64_t offset) {
    queue->records = with_room(queue->records, &queue->capacity, offset, sizeof *queue->records);
    return &queue->records[offset];
}

static bool is_over(uint8_t state) {
    return state == SHARE_ACKNOWLEDGED || state == SHARE_ARCHIVED;
}

static void advance(struct queue *queue) {
    while (queue->start < (int64_t)queue->capacity && is_over(queue->records[queue->start].state))
        queue->start++;
}

static void replay_begin(struct queue_book *book, int32_t p, const struct share_command *command) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++) {
        struct queue *queue = &book->queues[g][p];
        if (!kp_string_is(command->group, queue_groups[g])) continue;
        if (queue->begun)
            run_fail(book->cluster->run, "%s begins twice in partition %d", queue_groups[g], p);
        queue->begun = true;
        queue->number = book->next_number++;
        queue->start = command->start > book->log_start ? command->start : book->log_start;
    }
}

/* What the leader may say of a record that is not over. */
static bool may_follow(const struct queue_book *book, unsigned g, int32_t p, int64_t offset,
                       const struct replayed *was, const struct share_range *range) {
    const struct queue *queue = &book->queues[g][p];
    struct seen none = {0};
    const struct seen *seen = offset < (int64_t)queue->seen_capacity ? &queue->seen[offset] : &none;
    bool exhausted = was->count + 1u >= queue_limits[g];
    if (was->state == SHARE_ARCHIVING) return range->state == SHARE_ARCHIVED;
    if (range->state == SHARE_ARCHIVING)
        return queue_has_letters(g) && range->count == was->count + 1u &&
               (range->reason == SHARE_REJECTED ? seen->may_be_rejected : exhausted);
    if (range->state == SHARE_ACKNOWLEDGED) return seen->may_be_accepted;
    if (range->state == SHARE_AVAILABLE)
        return range->count == was->count + 1 || (queue_is_keyed(g) && range->count == was->count);
    uint8_t kind = offset < (int64_t)book->kinds_capacity ? book->kinds[offset] : 0;
    if ((kind & CONTROL) != 0 || (queue_is_committed(g) && (kind & TRANSACTIONAL) != 0))
        return true;
    return seen->may_be_archived || exhausted;
}

static void replay_range(struct queue_book *book, unsigned g, int32_t p,
                         const struct share_range *range, uint64_t index) {
    struct queue *queue = &book->queues[g][p];
    if (range->at.last - range->at.first > RANGE_MAX)
        run_fail(book->cluster->run, "entry %" PRIu64 " of partition %d is about too many", index,
                 p);
    for (int64_t at = range->at.first; at <= range->at.last; at++) {
        struct replayed *was = replayed_at(queue, at);
        if (at < queue->start && at < book->log_start) continue;
        if (at < queue->start || is_over(was->state) || !may_follow(book, g, p, at, was, range))
            run_fail(book->cluster->run,
                     "%s: entry %" PRIu64 " of partition %d says of offset %" PRId64
                     " that its state is %u, count %u; it was %u, count %u, and the start %" PRId64,
                     queue_groups[g], index, p, at, range->state, range->count, was->state,
                     was->count, queue->start);
        if (was->state == SHARE_ARCHIVING)
            letter_archived(book->letters, (struct letter_source){g, p}, at);
        *was = (struct replayed){range->state, range->count};
        run_count(book->cluster->run, RARE_QUEUE_ARCHIVED, range->state == SHARE_ARCHIVED);
    }
    if (range->state == SHARE_ARCHIVING)
        letter_died(book->letters, (struct letter_source){g, p}, range);
}

static void replay_command(struct queue_book *book, int32_t p, const struct slice *raw,
                           uint64_t index) {
    struct share_command command;
    struct log_start start;
    if (log_start_decode(raw->data, raw->len, &start) == ERR_NONE && start.offset > book->log_start)
        book->log_start = start.offset;
    for (unsigned g = 0; g < QUEUE_GROUPS; g++) {
        struct queue *queue = &book->queues[g][p];
        if (queue->begun && queue->start < book->log_start) queue->start = book->log_start;
    }
    if (share_command_decode(raw->data, raw->len, &command) == ERR_NONE) {
        if (command.what == SHARE_BEGIN) replay_begin(book, p, &command);
        for (unsigned g = 0; g < QUEUE_GROUPS && command.what == SHARE_OUTCOMES; g++)
            for (size_t i = 0; i < command.outcomes.count && book->queues[g][p].begun &&
                               book->queues[g][p].number == command.number;
                 i++)
                replay_range(book, g, p, offset_ranges_at(&command.outcomes, i), index);
        for (unsigned g = 0; g < QUEUE_GROUPS && command.what == SHARE_MOVE; g++)
            if (book->queues[g][p].begun && book->queues[g][p].number == command.number)
                letter_moved(book->letters, (struct letter_source){g, p}, &command.move,
                             book->log_start);
        share_command_drop(&command);
    }
    for (unsigned g = 0; g < QUEUE_GROUPS; g++)
        advance(&book->queues[g][p]);
}

static uint64_t be(const uint8_t *at, size_t len) {
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | at[i];
    return value;
}

/* Of batches (Kafka's format 2): i64 base offset, i32 length, ..., at 21 i16 attributes, i32 last
 * offset delta. */
static void note_kinds(struct queue_book *book, const struct slice *raw) {
    for (size_t at = 0; at < raw->len; at += 12 + (size_t)be(raw->data + at + 8, 4)) {
        int64_t base = (int64_t)be(raw->data + at, 8),
                last = base + (int64_t)be(raw->data + at + 23, 4);
        book->kinds = with_room(book->kinds, &book->kinds_capacity, last, 1);
        for (; base <= last; base++)
            book->kinds[base] = raw->data[at + 22];
    }
}

void queue_replay_entry(struct queue_book *book, int32_t p, struct entry *entry) {
    struct slice raw;
    if (entry->type != ENTRY_COMMAND && entry->type != ENTRY_BATCHES) return;
    if (entry_raw(entry, NULL, false, &raw) != ERR_NONE)
        run_fail(book->cluster->run, "entry %" PRIu64 " cannot be read", entry->index);
    if (entry->type == ENTRY_COMMAND)
        replay_command(book, p, &raw, entry->index);
    else
        note_kinds(book, &raw);
    slice_unref(&raw);
}

static void compare(struct queue_book *book, const struct share *share, unsigned g, int32_t p,
                    unsigned place) {
    struct queue *queue = &book->queues[g][p];
    struct run *run = book->cluster->run;
    if ((share != NULL) != queue->begun ||
        (share != NULL && (share->state.start != queue->start || share->number != queue->number)))
        run_fail(run, "%s: n%u begins at %" PRId64 " of partition %d, and its log says %" PRId64,
                 queue_groups[g], place + 1, share == NULL ? -1 : share->state.start, p,
                 queue->begun ? queue->start : -1);
    for (int64_t at = queue->start; share != NULL && at < (int64_t)queue->capacity; at++) {
        uint16_t count;
        uint8_t state = share_state_of(&share->state, at, &count);
        const struct replayed *record = &queue->records[at];
        if (state != record->state || (!is_over(state) && count != record->count))
            run_fail(run, "%s: n%u knows of offset %" PRId64 " of partition %d state %u, count %u",
                     queue_groups[g], place + 1, at, p, state, count);
    }
    /* Archived is one whose time was over before it was accepted: what lies below the start is
     * passed over. */
    for (int64_t at = 0; at < (int64_t)queue->seen_capacity; at++)
        if (queue->seen[at].accepted_us != 0 && at >= book->log_start &&
            (at >= (int64_t)queue->capacity || !is_over(queue->records[at].state)))
            run_fail(run,
                     "%s: offset %" PRId64
                     " of partition %d was said to be accepted, and is not by the log of n%u",
                     queue_groups[g], at, p, place + 1);
}

void queue_replay_end(struct queue_book *book, struct partition *replica, int32_t p,
                      unsigned place) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++) {
        const struct share *share = shares_find(partition_shares(replica),
                                                kp_string_of(queue_groups[g]));
        compare(book, share, g, p, place);
        if (share != NULL)
            letter_source_end(book->letters, (struct letter_source){g, p}, &share->state.move,
                              book->log_start);
    }
    run_count(book->cluster->run, RARE_QUEUE_REPLAYED, 1);
}
