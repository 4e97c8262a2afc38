/* Ranges of offsets in one array, with its free places between them: a gap buffer. */
#include "broker/share/offset_ranges.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static char *item_at(const struct offset_ranges *ranges, size_t in_array) {
    return (char *)ranges->items + in_array * ranges->size;
}

void *offset_ranges_at(const struct offset_ranges *ranges, size_t place) {
    size_t free_places = ranges->capacity - ranges->count;
    return item_at(ranges, place < ranges->gap ? place : place + free_places);
}

static const struct offset_range *range_at(const struct offset_ranges *ranges, size_t place) {
    return offset_ranges_at(ranges, place);
}

size_t offset_ranges_find(const struct offset_ranges *ranges, kafka_offset offset) {
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (range_at(ranges, middle)->last < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void *offset_ranges_over(const struct offset_ranges *ranges, kafka_offset offset) {
    size_t place = offset_ranges_find(ranges, offset);
    if (place == ranges->count || range_at(ranges, place)->first > offset) return NULL;
    return offset_ranges_at(ranges, place);
}

size_t offset_ranges_split(struct offset_ranges *ranges, kafka_offset offset) {
    size_t place = offset_ranges_find(ranges, offset);
    if (place == ranges->count || range_at(ranges, place)->first >= offset) return place;
    struct offset_range *behind = offset_ranges_insert(ranges, place + 1),
                        *before = offset_ranges_at(ranges, place);
    memcpy(behind, before, ranges->size);
    before->last = offset - 1;
    behind->first = offset;
    return place + 1;
}

static void move_gap(struct offset_ranges *ranges, size_t place) {
    size_t free_places = ranges->capacity - ranges->count, gap = ranges->gap;
    if (place < gap && free_places > 0)
        memmove(item_at(ranges, place + free_places), item_at(ranges, place),
                (gap - place) * ranges->size);
    else if (place > gap && free_places > 0)
        memmove(item_at(ranges, gap), item_at(ranges, gap + free_places),
                (place - gap) * ranges->size);
    ranges->gap = place;
}

void *offset_ranges_insert(struct offset_ranges *ranges, size_t place) {
    CHECK(place <= ranges->count);
    if (ranges->count == ranges->capacity) { /* no gap: what comes is behind all */
        ranges->items = mem_grow(ranges->items, ranges->count, &ranges->capacity, ranges->size);
        ranges->gap = ranges->count;
    }
    move_gap(ranges, place);
    ranges->gap++;
    ranges->count++;
    return item_at(ranges, place);
}

void *offset_ranges_append(struct offset_ranges *ranges) {
    return offset_ranges_insert(ranges, ranges->count);
}

void offset_ranges_remove(struct offset_ranges *ranges, size_t place, size_t count) {
    CHECK(place + count <= ranges->count);
    if (count == 0) return;
    move_gap(ranges, place);
    ranges->count -= count; /* those behind the gap are free now */
}

void offset_ranges_free(struct offset_ranges *ranges) {
    mem_free(ranges->items);
    *ranges = (struct offset_ranges){.size = ranges->size};
}
