/*
 * What the journal holds of every group: hard state, positions, and which entries lie in which
 * generation (use of a file).
 *
 * The same function applies the records of a round when the round gets its place in a file and when
 * recovery reads it back, so the state is at any time exactly that of the rounds placed so far; a
 * checkpoint is this state written down.
 *
 * Happy path: an entry extends the last extent of its group; progress eats extents from the front,
 * truncation from the back, and a copy moves an entry from an old generation to the present one. A
 * generation without extents, and none older with any, is not needed. Invariants: the extents of a
 * group are ascending and do not overlap; all of it is above `progress`; the references held in an
 * extent are those of its entries from `kept` on.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_STATE_H
#define STORAGE_JOURNAL_JOURNAL_STATE_H

#include <uthash.h>

#include "storage/journal/journal.h"
#include "storage/journal/journal_format.h"
#include "storage/journal/journal_runs.h"
#include "storage/log_types.h"

/* Entries [first, last] of a group, in one generation. */
struct journal_extent {
    uint64_t first, last, generation;
    uint64_t kept; /* references to the entries [kept, last] are held; last + 1: to none */
    struct entry **entries;
    size_t head, capacity; /* entry `kept` is entries[head] */
};

struct journal_group_state {
    uint64_t group;
    bool known; /* a record of it was applied, so it belongs into a checkpoint; else only asked_*
                   say something */
    log_term term;
    uint64_t voted_for, commit;
    uint64_t progress, progress_position;
    int64_t progress_segment;
    struct journal_extent *extents;
    size_t extent_count, extent_capacity;
    struct journal_group *recovered; /* what its owner has not taken yet; while it is there, all
                                        references are held */
    /* As the owner sees it: records that have no place yet included. */
    uint64_t asked_last, asked_progress, asked_commit;
    uint64_t asked_position; /* of asked_progress; with it, asked_segment */
    int64_t asked_segment;
    uint64_t asked_void; /* entries that have a place from here on are void: a truncation that has
                            none says so */
    unsigned asked_truncates; /* truncations, and new beginnings, that have no place yet */
    UT_hash_handle hh;
};

struct journal_state {
    struct journal_group_state *groups; /* uthash, by group */
    uint64_t mark;
    struct journal_lineage lineage;
    uint64_t first_generation, generation; /* those that are counted; generation: the present one */
    size_t *extents; /* how many extents each has; [0] is first_generation's */
    size_t extents_capacity;
};

void journal_state_init(struct journal_state *state);
void journal_state_close(struct journal_state *state);

struct journal_group_state *journal_state_find(const struct journal_state *state, uint64_t group);
/* Finds or makes it. */
struct journal_group_state *journal_state_group(struct journal_state *state, uint64_t group);

/* Applies a record that lies in the present generation. `entry`: of an entry's record, referenced
 * if it is needed. */
void journal_state_apply(struct journal_state *state, const struct journal_record *record,
                         struct entry *entry);

/* Makes `generation` the present one; the first one counted, if none was. */
void journal_state_begin(struct journal_state *state, uint64_t generation);
/* The oldest generation that has an extent; without any, the present one. */
uint64_t journal_state_oldest(const struct journal_state *state);
/* Generations below are gone; they have no extents. */
void journal_state_drop(struct journal_state *state, uint64_t below);

/* Highest index: of its entries, or `progress`. */
uint64_t journal_state_last(const struct journal_group_state *group);
/* Lets go of references that copying forward will not need: those up to asked_commit, once
 * `recovered` is gone. Not of void ones: what is committed there is behind the truncation, and
 * waits like it. */
void journal_state_release_committed(struct journal_group_state *group);
/* The entry if its reference is held, else NULL. */
struct entry *journal_extent_entry(const struct journal_extent *extent, log_index index);

/* Makes the view for the owner, with references of its own to all entries, which must all be held
 * and without holes. */
void journal_state_make_recovered(struct journal_group_state *group);
void journal_state_free_recovered(struct journal_group_state *group); /* nothing if it is gone */

/* ERR_CORRUPT: the entries of the group have a hole, do not begin behind `progress`, or are not
 * held; *index is the one missing. */
int journal_state_check(const struct journal_group_state *group, log_index *index);

#endif
