/*
 * The state of every group, and the extents of its entries.
 *
 * Extents are few (one or two a group), so they are a plain array. The references of an extent are
 * a row that grows at the end and is consumed from the front; the row moves to its beginning when
 * it is full.
 */
#include "base/mem.h"
#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include "storage/journal/journal_state.h"

#include <string.h>

#include "base/check.h"
#include "base/mutant.h"

/* ---- Counting what each generation has ---- */

static size_t *extents_of(struct journal_state *state, uint64_t generation) {
    /* journal_recover walks them upwards from the oldest. */
    CHECK(generation >= state->first_generation);
    CHECK(generation <= state->generation); /* as above */
    return &state->extents[generation - state->first_generation];
}

void journal_state_begin(struct journal_state *state, uint64_t generation) {
    if (state->generation == 0) state->first_generation = generation;
    /* file_of (journal_recovery.c) refuses a missing one */
    CHECK(state->generation == 0 || generation == state->generation + 1);
    state->generation = generation;
    size_t count = (size_t)(generation - state->first_generation) + 1;
    if (count > state->extents_capacity) {
        state->extents_capacity = 2 * count;
        state->extents = mem_realloc(state->extents,
                                     state->extents_capacity * sizeof *state->extents);
    }
    state->extents[count - 1] = 0;
}

uint64_t journal_state_oldest(const struct journal_state *state) {
    uint64_t generation = state->first_generation;
    while (generation < state->generation &&
           state->extents[generation - state->first_generation] == 0)
        generation++;
    return generation;
}

void journal_state_drop(struct journal_state *state, uint64_t below) {
    if (below <= state->first_generation) return;
    /* The caller asked for the oldest that is needed. */
    CHECK(below <= journal_state_oldest(state));
    size_t gone = (size_t)(below - state->first_generation);
    size_t stay = (size_t)(state->generation - below) + 1;
    memmove(state->extents, state->extents + gone, stay * sizeof *state->extents);
    state->first_generation = below;
}

/* ---- References of one extent ---- */

static void drop_refs_below(struct journal_extent *extent, log_index index) {
    for (; extent->kept < index && extent->kept <= extent->last; extent->kept++)
        entry_unref(extent->entries[extent->head++]);
    if (extent->kept <= extent->last) return;
    mem_free(extent->entries);
    extent->entries = NULL;
    extent->head = extent->capacity = 0;
}

/* Makes room for one more behind the `count` that are held. */
static void reserve_ref(struct journal_extent *extent, size_t count) {
    if (extent->head + count < extent->capacity) return;
    if (extent->head > extent->capacity / 2) {
        memmove(extent->entries, extent->entries + extent->head, count * sizeof *extent->entries);
        extent->head = 0;
        return;
    }
    extent->capacity = extent->capacity == 0 ? 8 : 2 * extent->capacity;
    extent->entries = mem_realloc(extent->entries, extent->capacity * sizeof *extent->entries);
}

/* The extent grows by one entry; NULL: no reference is needed, then none of those before it is
 * either. */
static void push_back(struct journal_extent *extent, struct entry *entry) {
    if (entry == NULL) {
        drop_refs_below(extent, extent->last + 1);
        extent->last++;
        extent->kept = extent->last + 1;
        return;
    }
    size_t count = (size_t)(extent->last + 1 - extent->kept);
    reserve_ref(extent, count);
    extent->entries[extent->head + count] = entry_ref(entry);
    extent->last++;
}

struct entry *journal_extent_entry(const struct journal_extent *extent, log_index index) {
    if (index < extent->kept || index > extent->last) return NULL;
    return extent->entries[extent->head + (size_t)(index - extent->kept)];
}

/* ---- The extents of a group ---- */

static void remove_extent(struct journal_state *state, struct journal_group_state *group,
                          size_t at) {
    struct journal_extent *extent = &group->extents[at];
    drop_refs_below(extent, extent->last + 1);
    --*extents_of(state, extent->generation);
    group->extent_count--;
    memmove(extent, extent + 1, (group->extent_count - at) * sizeof *extent);
}

static struct journal_extent *insert_extent(struct journal_state *state,
                                            struct journal_group_state *group, size_t at,
                                            uint64_t generation) {
    group->extents = mem_grow(group->extents, group->extent_count, &group->extent_capacity,
                              sizeof *group->extents);
    struct journal_extent *extent = &group->extents[at];
    memmove(extent + 1, extent, (group->extent_count - at) * sizeof *extent);
    group->extent_count++;
    *extent = (struct journal_extent){.generation = generation};
    ++*extents_of(state, generation);
    return extent;
}

static void cut_front(struct journal_state *state, struct journal_group_state *group, size_t at,
                      uint64_t first) {
    struct journal_extent *extent = &group->extents[at];
    if (extent->last < first) {
        remove_extent(state, group, at);
    } else if (extent->first < first) {
        drop_refs_below(extent, first);
        extent->first = first;
    }
}

static void cut_back(struct journal_state *state, struct journal_group_state *group, size_t at,
                     uint64_t last) {
    struct journal_extent *extent = &group->extents[at];
    if (extent->first > last) {
        remove_extent(state, group, at);
        return;
    }
    while (extent->last > last) {
        if (extent->kept <= extent->last)
            entry_unref(extent->entries[extent->head + (size_t)(extent->last - extent->kept)]);
        extent->last--;
        if (extent->kept > extent->last + 1) extent->kept = extent->last + 1;
    }
}

/* The extent at `at` becomes two; the second begins with `first`. */
static void split(struct journal_state *state, struct journal_group_state *group, size_t at,
                  uint64_t first) {
    struct journal_extent *back = insert_extent(state, group, at + 1,
                                                group->extents[at].generation);
    struct journal_extent *front = &group->extents[at];
    back->first = first;
    back->last = front->last;
    back->kept = front->kept > first ? front->kept : first;
    size_t count = (size_t)(back->last + 1 - back->kept);
    if (count > 0) {
        back->entries = mem_alloc(count * sizeof *back->entries);
        back->capacity = count;
        for (size_t i = 0; i < count; i++)
            back->entries[i] = entry_ref(journal_extent_entry(front, back->kept + i));
    }
    cut_back(state, group, at, first - 1);
}

/* Puts one entry before the extent `at`, or into the one before that if it continues it. */
static void place_entry(struct journal_state *state, struct journal_group_state *group, size_t at,
                        log_index index, struct entry *entry) {
    if (group->recovered == NULL && index <= group->asked_commit && index < group->asked_void)
        entry = NULL;
    struct journal_extent *extent = at > 0 ? &group->extents[at - 1] : NULL;
    if (extent == NULL || extent->generation != state->generation || extent->last + 1 != index) {
        extent = insert_extent(state, group, at, state->generation);
        extent->first = extent->kept = index;
        extent->last = index - 1;
    }
    push_back(extent, entry);
}

static void truncate_from(struct journal_state *state, struct journal_group_state *group,
                          log_index index) {
    while (group->extent_count > 0 && group->extents[group->extent_count - 1].last >= index)
        cut_back(state, group, group->extent_count - 1, index - 1);
}

static void trim_to(struct journal_state *state, struct journal_group_state *group,
                    log_index index) {
    while (group->extent_count > 0 && group->extents[0].first <= index)
        cut_front(state, group, 0, index + 1);
}

static void copy_forward(struct journal_state *state, struct journal_group_state *group,
                         log_index index, struct entry *entry) {
    size_t at = 0;
    while (at < group->extent_count && group->extents[at].last < index)
        at++;
    if (at < group->extent_count && group->extents[at].first <= index) {
        if (group->extents[at].generation == state->generation) return; /* a repeated round */
        if (group->extents[at].first < index) split(state, group, at++, index);
        cut_front(state, group, at, index + 1);
    }
    place_entry(state, group, at, index, entry);
}

/* ---- Groups ---- */

void journal_state_init(struct journal_state *state) {
    *state = (struct journal_state){0};
}

static void remove_group(struct journal_state *state, struct journal_group_state *group) {
    while (group->extent_count > 0)
        remove_extent(state, group, group->extent_count - 1);
    journal_state_free_recovered(group);
    mem_free(group->extents);
    HASH_DEL(state->groups, group);
    mem_free(group);
}

void journal_state_close(struct journal_state *state) {
    struct journal_group_state *group, *next;
    HASH_ITER(hh, state->groups, group, next)
    remove_group(state, group);
    mem_free(state->extents);
    journal_lineage_close(&state->lineage);
    *state = (struct journal_state){0};
}

struct journal_group_state *journal_state_find(const struct journal_state *state, uint64_t group) {
    struct journal_group_state *found;
    HASH_FIND(hh, state->groups, &group, sizeof group, found);
    return found;
}

struct journal_group_state *journal_state_group(struct journal_state *state, uint64_t group) {
    struct journal_group_state *found = journal_state_find(state, group);
    if (found != NULL) return found;
    found = mem_zalloc(sizeof *found);
    found->asked_void = UINT64_MAX;
    found->group = group;
    HASH_ADD(hh, state->groups, group, sizeof found->group, found);
    return found;
}

uint64_t journal_state_last(const struct journal_group_state *group) {
    uint64_t last = group->extent_count == 0 ? 0 : group->extents[group->extent_count - 1].last;
    return last > group->progress ? last : group->progress;
}

void journal_state_release_committed(struct journal_group_state *group) {
    if (group->recovered != NULL || group->asked_void == 0) return;
    uint64_t last = group->asked_commit < group->asked_void ? group->asked_commit
                                                            : group->asked_void - 1;
    for (size_t i = 0; i < group->extent_count && group->extents[i].first <= last; i++)
        drop_refs_below(&group->extents[i], last + 1);
}

int journal_state_check(const struct journal_group_state *group, log_index *index) {
    *index = group->progress + 1;
    for (size_t i = 0; i < group->extent_count; i++) {
        if (group->extents[i].first != *index || group->extents[i].kept != *index)
            return ERR_CORRUPT;
        *index = group->extents[i].last + 1;
    }
    return ERR_NONE;
}

/* ---- What the owner gets after recovery ---- */

void journal_state_make_recovered(struct journal_group_state *group) {
    CHECK(group->recovered == NULL); /* once, after the last round was applied */
    size_t count = (size_t)(journal_state_last(group) - group->progress), at = 0;
    struct journal_group *recovered = mem_alloc(sizeof *recovered);
    *recovered = (struct journal_group){.group = group->group,
                                        .term = group->term,
                                        .voted_for = group->voted_for,
                                        .commit = group->commit,
                                        .progress = group->progress,
                                        .progress_position = group->progress_position,
                                        .progress_segment = group->progress_segment,
                                        .entries = mem_alloc(count * sizeof(struct entry *)),
                                        .entry_count = count};
    for (size_t i = 0; i < group->extent_count; i++)
        for (log_index index = group->extents[i].first; index <= group->extents[i].last; index++)
            recovered->entries[at++] = entry_ref(journal_extent_entry(&group->extents[i], index));
    CHECK(at == count); /* journal_state_check has refused holes */
    group->recovered = recovered;
}

void journal_state_free_recovered(struct journal_group_state *group) {
    if (group->recovered == NULL) return;
    for (size_t i = 0; i < group->recovered->entry_count; i++)
        entry_unref(group->recovered->entries[i]);
    mem_free(group->recovered->entries);
    mem_free(group->recovered);
    group->recovered = NULL;
}

/* ---- Applying records ---- */

/* What is in segments is committed: the record that said so may wait for the room that this one
 * gives. */
static void apply_progress(struct journal_state *state, struct journal_group_state *group,
                           const struct journal_record *record) {
    if (record->index < group->progress) return;
    if (record->index > group->commit) group->commit = record->index;
    group->progress = record->index;
    group->progress_segment = record->segment;
    group->progress_position = record->position;
    trim_to(state, group, record->index);
}

/* The owner's side follows now, not when it recorded this: a progress may overtake what has no
 * place yet, and would tell one half of it alone. */
static void apply_log_begins(struct journal_state *state, struct journal_group_state *group,
                             const struct journal_record *record) {
    truncate_from(state, group, 1);
    if (record->index > group->commit) group->commit = record->index;
    group->progress = group->asked_progress = record->index;
    group->progress_segment = group->asked_segment = record->segment;
    group->progress_position = group->asked_position = record->position;
}

static void apply_commit(struct journal_state *state, struct journal_group_state *group,
                         uint64_t commit) {
    if (commit > group->commit) group->commit = commit;
    if (MUTANT(MUTANT_REUSE_BEFORE_SYNC)) trim_to(state, group, commit);
}

static void truncation_has_place(struct journal_group_state *group) {
    if (group->asked_truncates == 0 || --group->asked_truncates > 0) return;
    group->asked_void = UINT64_MAX;
    journal_state_release_committed(group);
}

static void apply_to_group(struct journal_state *state, struct journal_group_state *group,
                           const struct journal_record *record, struct entry *entry) {
    group->known = true;
    switch (record->kind) {
    case JOURNAL_ENTRY:
        truncate_from(state, group, record->index);
        if (record->index > group->progress)
            place_entry(state, group, group->extent_count, record->index, entry);
        break;
    case JOURNAL_COPY:
        if (record->index > group->progress) copy_forward(state, group, record->index, entry);
        break;
    case JOURNAL_TRUNCATE:
        truncate_from(state, group, record->index);
        truncation_has_place(group);
        break;
    case JOURNAL_LOG_BEGINS:
        apply_log_begins(state, group, record);
        truncation_has_place(group);
        break;
    case JOURNAL_HARD_STATE:
        group->term = record->term;
        group->voted_for = record->voted_for;
        break;
    case JOURNAL_COMMIT: apply_commit(state, group, record->index); break;
    case JOURNAL_PROGRESS: apply_progress(state, group, record); break;
    case JOURNAL_GROUP:
        group->term = record->term;
        group->voted_for = record->voted_for;
        apply_commit(state, group, record->commit);
        apply_progress(state, group, record);
        break;
    default: CHECK(false); /* journal_record_next decodes no other kind */
    }
}

void journal_state_apply(struct journal_state *state, const struct journal_record *record,
                         struct entry *entry) {
    if (record->kind == JOURNAL_MARK) {
        if (record->index > state->mark) state->mark = record->index;
        return;
    }
    if (record->kind == JOURNAL_RUN || record->kind == JOURNAL_WITNESS) {
        journal_lineage_apply(&state->lineage, record);
        return;
    }
    if (record->kind == JOURNAL_FORGET) {
        struct journal_group_state *group = journal_state_find(state, record->group);
        if (group != NULL) remove_group(state, group);
        return;
    }
    apply_to_group(state, journal_state_group(state, record->group), record, entry);
}
