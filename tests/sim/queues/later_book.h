/*
 * What was sent of records that are delivered later, and what became of them by who read them and
 * by the logs of the replicas; what contradicts it fails the run.
 *
 * The rules. A record is delivered once, at an offset of its own, and says where it was held back:
 * where it was acknowledged. It does not come before its time by the clock of whoever led; nor does
 * what is held back, or calls off something, ever come at its own offset. What calls off a record
 * before it is delivered keeps it from that. In the log: what is delivered is pending, and first of
 * all that is, by (time, offset), where a time before one that was delivered counts as that one;
 * what was acknowledged is there. A replica knows what a replay of its log knows. In the end what
 * was read is all that is to be seen, and what has not come is not due.
 */
#ifndef SIM_QUEUES_LATER_BOOK_H
#define SIM_QUEUES_LATER_BOOK_H

#include "broker/partition/partition.h"
#include "storage/entry.h"
#include "tests/sim/cluster.h"
#include "tests/sim/queues/raw_records.h"

enum later_kind {
    DELAY_NONE,  /* an ordinary record */
    DELAY_AT,    /* deliver-at: ms of the wall clock */
    DELAY_AFTER, /* deliver-in: ms from when it came */
    DELAY_CALLS_OFF,
};

struct later_book;
struct later_book *later_book_new(struct cluster *cluster);

/* ---- Who sends ---- */

/* Its number, which its value says. `what`: ms, or the offset of what it calls off. */
uint64_t later_sent(struct later_book *book, enum later_kind kind, int64_t what);
enum { DELAY_VALUE_LEN = 16 };
void later_value(uint64_t number, uint8_t value[DELAY_VALUE_LEN]);
void later_acknowledged(struct later_book *book, uint64_t number, int64_t offset);
/* Where one of those that were acknowledged is, of those that are to be delivered, often one that
 * is about to be, at that time; -1: none is. */
int64_t later_any_offset(const struct later_book *book, int64_t now_ms);

/* ---- Who reads ---- */

/* Often: how late it is for the brokers. */
void later_look_at_clocks(struct later_book *book);
/* How far ahead of the world's, at most. */
int64_t later_clock_ahead_ms(const struct later_book *book);
void later_read(struct later_book *book, const struct raw_record *record);

/* ---- Logs: all of a replica's, from its first entry on ---- */

void later_replay_begin(struct later_book *book);
void later_replay_entry(struct later_book *book, struct entry *entry);

/* What a replica has pending, as long as nothing happens. */
struct later_pending {
    int64_t *offsets, *due_ms;
    size_t count;
};
struct later_pending later_pending_of(struct partition *replica);
/* `pending` is freed. `read_to`: how far who reads has come, and what
 * was due is delivered; -1: that may not be so yet. */
void later_replay_end(struct later_book *book, struct later_pending *pending, unsigned place,
                      int64_t read_to);

#endif
