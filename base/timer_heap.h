/*
 * Many timers on one: a heap of deadlines in milliseconds, driven by whoever owns the clock. All
 * groups of a shard share one.
 */
#ifndef BASE_TIMER_HEAP_H
#define BASE_TIMER_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct timer_entry {
    uint64_t at_ms;
    size_t place; /* in the heap, 1-based; 0: not in it */
};

struct timer_heap {
    struct timer_entry **entries;
    size_t count, capacity;
};

void timer_heap_init(struct timer_heap *heap);
void timer_heap_close(struct timer_heap *heap);
/* Inserts or moves. */
void timer_heap_set(struct timer_heap *heap, struct timer_entry *entry, uint64_t at_ms);
/* Nothing if it is not in it. */
void timer_heap_remove(struct timer_heap *heap, struct timer_entry *entry);
/* The earliest entry, or NULL. */
struct timer_entry *timer_heap_first(const struct timer_heap *heap);

#endif
