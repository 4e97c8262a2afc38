/* A binary heap of deadlines. Places are 1-based: the parent of place p is p / 2. */
#include "base/timer_heap.h"

#include "base/check.h"
#include "base/mem.h"

void timer_heap_init(struct timer_heap *heap) {
    *heap = (struct timer_heap){0};
}

void timer_heap_close(struct timer_heap *heap) {
    for (size_t i = 0; i < heap->count; i++)
        heap->entries[i]->place = 0;
    mem_free(heap->entries);
    *heap = (struct timer_heap){0};
}

static void heap_put(struct timer_heap *heap, struct timer_entry *entry, size_t place) {
    heap->entries[place - 1] = entry;
    entry->place = place;
}

static struct timer_entry *at(const struct timer_heap *heap, size_t place) {
    return heap->entries[place - 1];
}

/* Moves the entry from its place to where it belongs, towards the first or the last. */
static void heap_settle(struct timer_heap *heap, struct timer_entry *entry) {
    size_t place = entry->place;
    while (place > 1 && at(heap, place / 2)->at_ms > entry->at_ms) {
        heap_put(heap, at(heap, place / 2), place);
        place /= 2;
    }
    for (;;) {
        size_t child = place * 2;
        if (child > heap->count) break;
        if (child < heap->count && at(heap, child + 1)->at_ms < at(heap, child)->at_ms) child++;
        if (at(heap, child)->at_ms >= entry->at_ms) break;
        heap_put(heap, at(heap, child), place);
        place = child;
    }
    heap_put(heap, entry, place);
}

void timer_heap_set(struct timer_heap *heap, struct timer_entry *entry, uint64_t at_ms) {
    entry->at_ms = at_ms;
    if (entry->place == 0) {
        heap->entries = mem_grow(heap->entries, heap->count, &heap->capacity,
                                 sizeof *heap->entries);
        heap->count++;
        heap_put(heap, entry, heap->count);
    }
    CHECK(entry->place <= heap->count && at(heap, entry->place) == entry);
    heap_settle(heap, entry);
}

void timer_heap_remove(struct timer_heap *heap, struct timer_entry *entry) {
    if (entry->place == 0) return;
    CHECK(entry->place <= heap->count && at(heap, entry->place) == entry);
    struct timer_entry *last = at(heap, heap->count);
    heap->count--;
    if (last != entry) {
        heap_put(heap, last, entry->place);
        heap_settle(heap, last);
    }
    entry->place = 0;
}

struct timer_entry *timer_heap_first(const struct timer_heap *heap) {
    return heap->count == 0 ? NULL : heap->entries[0];
}
