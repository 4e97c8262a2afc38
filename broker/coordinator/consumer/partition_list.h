/*
 * Partitions of a consumer group: a sorted array in which each is once.
 *
 * A topic is a number that the group gives it (consumer_group.h). Happy path: zeroed, add, sort,
 * compare; close. Failures: none. Invariant: but between add and sort it is sorted by topic and
 * partition.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_PARTITION_LIST_H
#define BROKER_COORDINATOR_CONSUMER_PARTITION_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listed_partition {
    uint32_t topic;
    int32_t partition;
    int32_t epoch; /* since when it is assigned, where that is of interest */
};

struct partition_list {
    struct listed_partition *items;
    size_t count, capacity;
};

void partition_list_close(struct partition_list *list); /* leaves it empty */
void partition_list_copy(struct partition_list *to, const struct partition_list *from);
/* At the end; sort before anything else is done with the list. */
void partition_list_add(struct partition_list *list, uint32_t topic, int32_t partition,
                        int32_t epoch);
void partition_list_sort(struct partition_list *list); /* of equal ones the first stays */
const struct listed_partition *partition_list_find(const struct partition_list *list,
                                                   uint32_t topic, int32_t partition);
/* Whatever the epochs. */
bool partition_list_equal(const struct partition_list *a, const struct partition_list *b);
bool partition_list_overlaps(const struct partition_list *a, const struct partition_list *b);

#endif
