/*
 * Delayed records by their offsets: in pages, each of which is a sorted piece of the whole.
 *
 * Happy path: a record that comes has a greater offset than all there are; records are found, and
 * go, in any order; who walks over them goes from one offset to the next, while others come and go.
 * Failures: none; what a caller must see to is said with each call. Invariant: two pages that
 * follow each other have more records together than fit into one, so that they are half full on
 * average. Each call touches a page or two and their table: nothing is ever moved as a whole, which
 * would be too long for a turn of the loop. Memory: DELAYED_PAGES_PLACE a record, at most.
 */
#ifndef BROKER_DELAY_DELAYED_PAGES_H
#define BROKER_DELAY_DELAYED_PAGES_H

#include <stddef.h>

#include "storage/log_types.h"

enum { DELAYED_PAGES_PLACE = 2 * (sizeof(kafka_offset) + sizeof(void *)) };

struct delayed_record;
struct delayed_page;

/* All zero: empty. Fields but `count` are delayed_pages.c's. */
struct delayed_pages {
    struct delayed_page_head *table;
    size_t pages, room;
    size_t count; /* of records */
};

/* `offset` is greater than all there are. The record stays the caller's. */
void delayed_pages_add(struct delayed_pages *pages, kafka_offset offset,
                       struct delayed_record *record);
/* NULL: there is none. */
struct delayed_record *delayed_pages_find(const struct delayed_pages *pages, kafka_offset offset);
/* The first one with a greater offset; likewise. */
struct delayed_record *delayed_pages_behind(const struct delayed_pages *pages, kafka_offset offset);
kafka_offset delayed_pages_last(const struct delayed_pages *pages);          /* -1: there is none */
void delayed_pages_remove(struct delayed_pages *pages, kafka_offset offset); /* it is there */
/* Frees them, and the records by mem_free. */
void delayed_pages_free(struct delayed_pages *pages);

#endif
