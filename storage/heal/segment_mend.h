/*
 * Puts entries that another replica has given into a segment, in place of bytes that are damaged.
 *
 * All entries of a group are the same bytes on every replica, and so is what follows from them: the
 * place of an entry is where the one before it ends, or behind the zeros up to the end of that
 * block. So entries are taken one by one, from the first damaged one on, until what follows the
 * last of them is sound, or is the end; then that part of the file is written again, and all others
 * of its bytes, the index and the journal's progress stay as they are.
 *
 *   open -> take, take, ... (ERR_AGAIN: the next one, too) -> write -> close
 *
 * Where many entries in a row are gone, several layouts may fit. What the index of the segment says
 * holds for all of them, so whoever looks for a place there finds it.
 *
 * Blocks: take is for any job, write for the lane of the group. Whole blocks are written, because a
 * disk that cannot read a block can mostly write it; and a crash may tear what shares a block with
 * the damage. So all of it goes into `<base>.mend` first, which is synced, and a start writes it
 * again (segment_mend_finish):
 *
 *   a crash leaves                       the next start
 *     `<base>.mend`, not whole           removes it: the segment was not touched
 *     the same, whole                    writes what it says, syncs that, removes it
 *     one of a segment that is cleaned,  removes it
 *     or gone, by now
 *
 * Failures: ERR_CORRUPT: the entry cannot be the one that was here, or what it leaves does not fit
 * what follows: nothing is changed. ERR_TOO_LARGE: more is damaged than is kept in memory. What the
 * disk says; where `sync_failed` is set the process has to end.
 * Invariants: what lies at or behind `end` is never touched; only what was synced is mended, and of
 * a segment that was cleaned (segment_format.h) only the header, which memory knows; an entry
 * replaces nothing before its checksums, group and index were compared, and its header with that in
 * the file where that can be read.
 */
#ifndef STORAGE_HEAL_SEGMENT_MEND_H
#define STORAGE_HEAL_SEGMENT_MEND_H

#include "storage/entry.h"
#include "storage/heal/segment_check.h"

struct mend_level;

struct segment_mend {
    struct env *env;
    const char *group_path; /* the caller's */
    struct env_file *file;  /* the caller's, open for writing */
    struct segment_header header;
    struct segment_end end;
    uint64_t from, until; /* bytes that are written; `until` is known when take says ERR_NONE */
    log_index first;      /* of the entries */
    struct entry **entries;
    struct mend_level *levels; /* where each of them may begin */
    size_t count, capacity;
    const struct mend_points *points;
    uint64_t bytes; /* of the entries */
    bool whole;     /* nothing more is to be taken */
};

/* What is known of the places of entries. */
struct mend_points {
    struct index_point *points; /* ascending; mem_free */
    size_t count;
};
/* Those of the index file; none where that cannot be read. */
struct mend_points mend_points_load(struct env *env, const char *group_path,
                                    const struct segment_header *header, uint64_t limit);
/* A copy of those of an index in memory. */
struct mend_points mend_points_copy(const struct segment_index *index);

/* `at`: the place of the damage. `end`: that of the check that found it. `points`, the caller's,
 * stay until the close. */
void segment_mend_open(struct segment_mend *mend, struct env *env, const char *group_path,
                       struct env_file *file, const struct segment_header *header,
                       const struct segment_end *end, const struct check_place *at,
                       const struct mend_points *points);
/* The same of its header, which is known. */
void segment_mend_open_header(struct segment_mend *mend, struct env *env, const char *group_path,
                              struct env_file *file, const struct segment_header *header,
                              const struct segment_end *end);
/* The entry that is lacking next; takes a reference of its own. */
int segment_mend_take(struct segment_mend *mend, struct entry *entry);
int segment_mend_write(struct segment_mend *mend, bool *sync_failed);
void segment_mend_close(struct segment_mend *mend);

/* At a start, before the segment is read: what a crash has left of a mending of it. */
int segment_mend_finish(struct env *env, const char *group_path, uint64_t group,
                        kafka_offset base_offset, bool *sync_failed);

#endif
