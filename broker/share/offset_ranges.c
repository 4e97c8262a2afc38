/* Ranges of offsets in one array. */
#include "broker/share/offset_ranges.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

void *offset_ranges_at(const struct offset_ranges *ranges, size_t place) {
    return (char *)ranges->items + place * ranges->size;
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

void *offset_ranges_insert(struct offset_ranges *ranges, size_t place) {
    CHECK(place <= ranges->count);
    ranges->items = mem_grow(ranges->items, ranges->count, &ranges->capacity, ranges->size);
    char *item = offset_ranges_at(ranges, place);
    memmove(item + ranges->size, item, (ranges->count - place) * ranges->size);
    ranges->count++;
    return item;
}

void *offset_ranges_append(struct offset_ranges *ranges) {
    return offset_ranges_insert(ranges, ranges->count);
}

void offset_ranges_remove(struct offset_ranges *ranges, size_t place, size_t count) {
    CHECK(place + count <= ranges->count);
    char *item = offset_ranges_at(ranges, place);
    if (count == 0) return;
    memmove(item, item + count * ranges->size, (ranges->count - place - count) * ranges->size);
    ranges->count -= count;
}

void offset_ranges_free(struct offset_ranges *ranges) {
    mem_free(ranges->items);
    *ranges = (struct offset_ranges){.size = ranges->size};
}
