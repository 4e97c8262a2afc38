/* Sorted arrays of partitions. */
#include "broker/coordinator/consumer/partition_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int listed_order(const void *left, const void *right) {
    const struct listed_partition *a = left, *b = right;
    if (a->topic != b->topic) return a->topic < b->topic ? -1 : 1;
    return (a->partition > b->partition) - (a->partition < b->partition);
}

void partition_list_close(struct partition_list *list) {
    mem_free(list->items);
    *list = (struct partition_list){0};
}

void partition_list_copy(struct partition_list *to, const struct partition_list *from) {
    *to = (struct partition_list){.count = from->count, .capacity = from->count};
    if (from->count == 0) return;
    to->items = mem_alloc(from->count * sizeof *to->items);
    memcpy(to->items, from->items, from->count * sizeof *to->items);
}

void partition_list_add(struct partition_list *list, uint32_t topic, int32_t partition,
                        int32_t epoch) {
    list->items = mem_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = (struct listed_partition){topic, partition, epoch};
}

void partition_list_sort(struct partition_list *list) {
    size_t kept = 0;
    bool in_order = true; /* as they often come */
    for (size_t i = 1; i < list->count && in_order; i++)
        in_order = listed_order(&list->items[i - 1], &list->items[i]) <= 0;
    if (!in_order) qsort(list->items, list->count, sizeof *list->items, listed_order);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || listed_order(&list->items[kept - 1], &list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

const struct listed_partition *partition_list_find(const struct partition_list *list,
                                                   uint32_t topic, int32_t partition) {
    if (list->count == 0) return NULL;
    struct listed_partition key = {topic, partition, 0};
    return bsearch(&key, list->items, list->count, sizeof key, listed_order);
}

bool partition_list_equal(const struct partition_list *a, const struct partition_list *b) {
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (listed_order(&a->items[i], &b->items[i]) != 0) return false;
    return true;
}

bool partition_list_overlaps(const struct partition_list *a, const struct partition_list *b) {
    for (size_t i = 0; i < a->count; i++)
        if (partition_list_find(b, a->items[i].topic, a->items[i].partition) != NULL) return true;
    return false;
}
