/*
 * Dead letters: what groups gave up by the logs of its partitions, and what their topic has of it;
 * what contradicts it fails the run.
 *
 * The rules. In the log of a partition: a batch of letters is begun when the one before is through,
 * and goes on with its numbers, but for one behind a batch whose records were deleted meanwhile,
 * which then begins anew as another producer's. In the log of the topic: each letter is of a record
 * that was given up, once; it says where that was, whose it was, how often it was given and why,
 * and has what the record has, but where that was deleted. Whatever was archived behind its letter
 * is there.
 */
#ifndef SIM_QUEUES_LETTER_BOOK_H
#define SIM_QUEUES_LETTER_BOOK_H

#include "broker/share/share_state.h"
#include "tests/sim/queues/queue_book.h"
#include "tests/sim/queues/raw_records.h"

struct letter_book;
struct letter_book *letter_book_new(struct cluster *cluster);

/* ---- Logs of partitions, from their first entry on ---- */

struct letter_source {
    unsigned group;
    int32_t partition;
};
void letter_source_begin(struct letter_book *book, int32_t partition);
/* Given up: that is to be copied. */
void letter_died(struct letter_book *book, struct letter_source of,
                 const struct share_range *range);
/* Archived behind that. */
void letter_archived(struct letter_book *book, struct letter_source of, int64_t offset);
void letter_moved(struct letter_book *book, struct letter_source of, const struct share_move *move,
                  int64_t log_start);
/* The log is read to its end. `known`: what its replica knows of the last batch. */
void letter_source_end(struct letter_book *book, struct letter_source of,
                       const struct share_move *known, int64_t log_start);

/* ---- Logs of the topic of letters, behind those, from their first entry on ---- */

void letters_begin(struct letter_book *book);
void letters_entry(struct letter_book *book, struct entry *entry);
void letters_end(struct letter_book *book, unsigned place);

#endif
