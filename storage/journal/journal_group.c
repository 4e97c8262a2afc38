/* Copies of what recovery found of a group: see journal.h. */
#include "base/mem.h"
#include "storage/entry.h"
#include "storage/journal/journal.h"

struct journal_group *journal_group_copy(const struct journal_group *group) {
    if (group == NULL) return NULL;
    struct journal_group *copy = mem_alloc(sizeof *copy);
    *copy = *group;
    copy->entries = mem_alloc((group->entry_count + 1) * sizeof *copy->entries);
    for (size_t i = 0; i < group->entry_count; i++)
        copy->entries[i] = entry_ref(group->entries[i]);
    return copy;
}

void journal_group_free(struct journal_group *copy) {
    if (copy == NULL) return;
    for (size_t i = 0; i < copy->entry_count; i++)
        entry_unref(copy->entries[i]);
    mem_free(copy->entries);
    mem_free(copy);
}
