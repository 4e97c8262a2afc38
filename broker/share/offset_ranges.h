/*
 * Ranges of offsets in ascending order, none over another, each with what its owner keeps of it.
 *
 * Happy path: an owner splits where something begins and ends, changes the ranges between, and
 * inserts what is new. The free places of the array lie where it was changed last, so changes one
 * behind the other cost what lies between them, and not all that is behind. Failures: none; how
 * many there may be is the owner's business. Pure. Invariant: of two neighbours the first ends
 * below where the second begins.
 */
#ifndef BROKER_SHARE_OFFSET_RANGES_H
#define BROKER_SHARE_OFFSET_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/log_types.h"

/* Every item begins with it. */
struct offset_range {
    kafka_offset first, last; /* both in it */
};

/* Begins as zeros but for `size`. */
struct offset_ranges {
    size_t size; /* of an item */
    void *items; /* offset_ranges_at knows where each lies */
    size_t count, capacity;
    size_t gap; /* the place before which the free ones are */
};

void *offset_ranges_at(const struct offset_ranges *ranges, size_t place);
/* The place of the first item that ends at `offset` or above it; `count`: there is none. */
size_t offset_ranges_find(const struct offset_ranges *ranges, kafka_offset offset);
/* The item in which the offset lies; NULL: it is in none. */
void *offset_ranges_over(const struct offset_ranges *ranges, kafka_offset offset);
/* No item lies over both offset - 1 and offset any more: what did is two with the same content. The
 * place of the first item that begins at `offset` or above it. */
size_t offset_ranges_split(struct offset_ranges *ranges, kafka_offset offset);
/* A place for an item, whose bytes are the caller's to fill. */
void *offset_ranges_insert(struct offset_ranges *ranges, size_t place);
void *offset_ranges_append(struct offset_ranges *ranges);
void offset_ranges_remove(struct offset_ranges *ranges, size_t place, size_t count);
void offset_ranges_free(struct offset_ranges *ranges); /* leaves it empty */

#endif
