/* By producer, and by first offset: those of one producer lie one behind the other. */
#include "storage/clean/clean_aborted.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_place(const void *left, const void *right) {
    const struct clean_aborted_one *a = left, *b = right;
    if (a->producer_id != b->producer_id) return a->producer_id < b->producer_id ? -1 : 1;
    return (a->first_offset > b->first_offset) - (a->first_offset < b->first_offset);
}

void clean_aborted_sort(struct clean_aborted *aborted) {
    if (!aborted->sorted && aborted->count > 1)
        qsort(aborted->items, aborted->count, sizeof *aborted->items, by_place);
    aborted->sorted = true;
}

void clean_aborted_close(struct clean_aborted *aborted) {
    mem_free(aborted->items);
    *aborted = (struct clean_aborted){0};
}

/* The last one of the producer that began at `offset` or before; NULL: none. */
static const struct clean_aborted_one *find(const struct clean_aborted *aborted,
                                            int64_t producer_id, kafka_offset offset) {
    const struct clean_aborted_one wanted = {producer_id, offset, 0};
    size_t low = 0, high = aborted->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_place(&aborted->items[middle], &wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct clean_aborted_one *found = low > 0 ? &aborted->items[low - 1] : NULL;
    return found && found->producer_id == producer_id ? found : NULL;
}

bool clean_aborted_has(const struct clean_aborted *aborted, int64_t producer_id,
                       kafka_offset offset) {
    const struct clean_aborted_one *found = find(aborted, producer_id, offset);
    return found && offset < found->marker_offset;
}

bool clean_aborted_needs_marker(const struct clean_aborted *aborted, int64_t producer_id,
                                kafka_offset offset) {
    const struct clean_aborted_one *found = find(aborted, producer_id, offset);
    return offset < aborted->from || (found && found->marker_offset == offset);
}
