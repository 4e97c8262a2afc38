/* A hash of groups, and an array that is emptied from its front and given back when it is empty. */
#include "broker/partition_set/group_notes.h"

#include <uthash.h>

#include "base/mem.h"

struct noted {
    uint64_t group;
    UT_hash_handle hh;
};

void group_notes_add(struct noted **notes, uint64_t group) {
    struct noted *noted;
    HASH_FIND(hh, *notes, &group, sizeof group, noted);
    if (noted != NULL) return;
    noted = mem_zalloc(sizeof *noted);
    noted->group = group;
    HASH_ADD(hh, *notes, group, sizeof group, noted);
}

bool group_notes_have(const struct noted *notes, uint64_t group) {
    const struct noted *noted;
    HASH_FIND(hh, notes, &group, sizeof group, noted);
    return noted != NULL;
}

bool group_notes_take(struct noted **notes, uint64_t group) {
    struct noted *noted;
    HASH_FIND(hh, *notes, &group, sizeof group, noted);
    if (noted == NULL) return false;
    HASH_DELETE(hh, *notes, noted);
    mem_free(noted);
    return true;
}

uint64_t group_notes_pop(struct noted **notes) {
    uint64_t group = (*notes)->group;
    group_notes_take(notes, group);
    return group;
}

void group_notes_each(const struct noted *notes, void (*each)(void *arg, uint64_t group),
                      void *arg) {
    for (const struct noted *note = notes; note != NULL; note = note->hh.next)
        each(arg, note->group);
}

void group_notes_clear(struct noted **notes) {
    while (*notes != NULL)
        group_notes_pop(notes);
}

void group_queue_push(struct group_queue *queue, uint64_t group) {
    queue->groups = mem_grow(queue->groups, queue->count, &queue->capacity, sizeof *queue->groups);
    queue->groups[queue->count++] = group;
}

uint64_t group_queue_pop(struct group_queue *queue) {
    uint64_t group = queue->groups[queue->first++];
    if (queue->first < queue->count) return group;
    mem_free(queue->groups);
    *queue = (struct group_queue){0};
    return group;
}
