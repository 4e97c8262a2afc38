/*
 * What members of share groups were given of each record and said of it, and what became of it by
 * the logs of the partitions; what contradicts it fails the run.
 *
 * The rules. A record that was accepted, and said to be, is never given to anybody who asked later,
 * but by a leader that was deposed and does not know it yet.
 * Within a term of its partition's leader no delivery of a record has the count of another one. Who
 * does not hold a record can say nothing about it. In the log: a record that is over is over for
 * good; accepted is only what somebody accepted; archived what somebody rejected, or what was given
 * as often as may be, and of groups with dead letters it was given up before (letter_book.h), for
 * that reason; one that comes back was given once more than before, or, in the order of
 * keys, comes back with an earlier one of its key as if it had not been given. What was said to be
 * accepted is over in every log. A committed group gets nothing of a transaction that is open or
 * was aborted; markers are archived, and of it what was aborted. A replay of a whole log is what
 * its replica knows.
 */
#ifndef SIM_QUEUES_QUEUE_BOOK_H
#define SIM_QUEUES_QUEUE_BOOK_H

#include "broker/partition/partition.h"
#include "storage/entry.h"
#include "tests/sim/cluster.h"

enum { QUEUE_GROUPS = 3 };

extern const char *const queue_groups[QUEUE_GROUPS];
/* share.delivery.count.limit of each. */
extern const unsigned queue_limits[QUEUE_GROUPS];

/* share.isolation.level is read_committed. */
bool queue_is_committed(unsigned group);

/* It has a topic of dead letters, errors.deadletterqueue.topic.name. */
bool queue_has_letters(unsigned group);

/* share.order is key. */
bool queue_is_keyed(unsigned group);

struct queue_book;
struct letter_book;
/* `letters` is told what is given up. */
struct queue_book *queue_book_new(struct cluster *cluster, struct letter_book *letters);

/* ---- Of members ---- */

struct queue_given {
    int64_t offset;
    unsigned count;
    uint64_t asked_us; /* when the question left */
    uint32_t term;     /* of the leader, from question to answer; 0: not known */
};
void queue_given(struct queue_book *book, unsigned group, int32_t partition,
                 const struct queue_given *given);
/* A member that holds it says that; and then it was told that all is well. */
void queue_said(struct queue_book *book, unsigned group, int32_t partition, int64_t offset,
                int8_t type);
void queue_told(struct queue_book *book, unsigned group, int32_t partition, int64_t offset,
                int8_t type);
/* Whether somebody may have said something that ends it, or it was given too often, or is deleted.
 */
bool queue_may_be_over(const struct queue_book *book, unsigned group, int32_t partition,
                       int64_t offset);

/* The bytes that came with it have such a record. */
void queue_read(struct queue_book *book, unsigned group, int32_t partition, unsigned producer,
                uint64_t number);

/* ---- Of logs: all of a replica's, from its first entry on ---- */

void queue_replay_begin(struct queue_book *book, int32_t partition);
void queue_replay_entry(struct queue_book *book, int32_t partition, struct entry *entry);
void queue_replay_end(struct queue_book *book, struct partition *replica, int32_t partition,
                      unsigned place);

#endif
