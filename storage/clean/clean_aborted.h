/*
 * The transactions whose records a cleaning meets, by how they ended: all of them have, these were
 * aborted, and the others committed.
 *
 * Happy path: the caller gives the aborted ones, in any order; they are sorted once, in a job; then
 * they are asked for. What was aborted before `from` need not be among them: a cleaning has dropped
 * what it wrote. Failures: none. Pure.
 */
#ifndef STORAGE_CLEAN_CLEAN_ABORTED_H
#define STORAGE_CLEAN_CLEAN_ABORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/log_types.h"

struct clean_aborted_one {
    int64_t producer_id;
    kafka_offset first_offset;  /* of what it wrote in this log */
    kafka_offset marker_offset; /* which ended it */
};

struct clean_aborted {
    struct clean_aborted_one *items; /* from mem_alloc; ours */
    size_t count;
    kafka_offset from; /* all whose markers are here or behind are there */
    bool sorted;
};

/* Until it is closed nothing else is called. Twice is harmless. */
void clean_aborted_sort(struct clean_aborted *aborted);
void clean_aborted_close(struct clean_aborted *aborted);

/* Whether what this producer wrote in a transaction at `offset` was aborted. */
bool clean_aborted_has(const struct clean_aborted *aborted, int64_t producer_id,
                       kafka_offset offset);
/* Whether readers need its abort marker at `offset`: they leave out what the producer wrote from
 * the transaction's first offset on, until they meet it. */
bool clean_aborted_needs_marker(const struct clean_aborted *aborted, int64_t producer_id,
                                kafka_offset offset);

#endif
