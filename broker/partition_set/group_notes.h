/*
 * Groups that a partition set keeps in mind: a set of them, and a queue in the order in which they
 * came.
 *
 * Happy path: add, take; push, pop. Nothing fails. A hash for each group of the queue would be a
 * fifth of what a command that makes thousands takes of its turn. Both begin as zeros.
 */
#ifndef BROKER_PARTITION_SET_GROUP_NOTES_H
#define BROKER_PARTITION_SET_GROUP_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct noted;

void group_notes_add(struct noted **notes, uint64_t group);  /* nothing if it is noted */
bool group_notes_take(struct noted **notes, uint64_t group); /* true if it was noted */
bool group_notes_have(const struct noted *notes, uint64_t group);
uint64_t group_notes_pop(struct noted **notes); /* any of them; there is one: not NULL */
void group_notes_clear(struct noted **notes);
/* In no order; none may be added or taken meanwhile. */
void group_notes_each(const struct noted *notes, void (*each)(void *arg, uint64_t group),
                      void *arg);

struct group_queue {
    uint64_t *groups;
    size_t first, count, capacity; /* those from `first` on; `count` with those before it */
};
void group_queue_push(struct group_queue *queue, uint64_t group);
uint64_t group_queue_pop(struct group_queue *queue); /* there is one: first < count */

#endif
