/*
 * The transactions of a partition that were aborted, as far as their markers are still in the log:
 * a committed reader is told of them, and leaves out what they wrote (KIP-98).
 *
 * By their markers' offsets, as they committed. Happy path: one is added when its marker commits,
 * found by those who fetch something that it may have written, and cut when the log's start has
 * passed its marker. Failures: none. Invariants: depends on the committed log alone; no call but
 * aborted_list_free takes longer the more there are, so whoever looks for many does it in steps.
 * Pure.
 */
#ifndef BROKER_PRODUCER_ABORTED_LIST_H
#define BROKER_PRODUCER_ABORTED_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/log_types.h"

struct aborted_transaction {
    int64_t producer_id;
    kafka_offset first_offset;  /* of what it wrote */
    kafka_offset marker_offset; /* which ended it */
    /* Right behind the marker: all below it was decided. Whatever ended later begins there, or
     * above. */
    kafka_offset stable_offset;
};

struct aborted_list {
    struct aborted_transaction *items; /* from `first` on */
    size_t first, count, room;
};

void aborted_list_free(struct aborted_list *list);
/* Its marker is behind all that are there. */
void aborted_list_add(struct aborted_list *list, const struct aborted_transaction *aborted);
/* A search for what may concern batches in [from, to). Between its steps the list may grow, by what
 * ended behind `to`; of what is cut off then nothing may be found. */
struct aborted_search {
    kafka_offset from, to; /* the caller's */
    /* Once it is over: by first offset, from mem_alloc (NULL: none); the caller may take it. */
    struct aborted_transaction *found;
    size_t count;
    /* Ours; zero. */
    struct aborted_transaction *merged;
    size_t room, width, pair, left, right, out;
    kafka_offset next; /* marker offset from which on to go on */
    bool collected;
};
/* Some 2000 entries. True: it is over. */
bool aborted_search_step(const struct aborted_list *list, struct aborted_search *search);
void aborted_search_drop(struct aborted_search *search); /* at any time; twice is harmless */
/* Those whose markers are at `offset` or behind, in the order of their markers; until the list
 * changes. */
const struct aborted_transaction *aborted_list_since(const struct aborted_list *list,
                                                     kafka_offset offset, size_t *count);
/* The log begins at `start` now. */
void aborted_list_cut(struct aborted_list *list, kafka_offset start);

#endif
