/*
 * A log that a start cannot open, because it has to read a damaged segment whose entries count here
 * and are gone everywhere else (wound.h), is made to begin later: where that of another replica
 * does.
 *
 *   1 that one tells its place: the last entry P that is gone there, its term, the offset behind
 *     it, and the configuration in force; P lies at or behind the end of the damaged segment, and
 *     in front of the last entry that is synced here
 *   2 a state of the appliers that reaches P, of this log, or else one that another replica gives,
 *     of an entry that this log has, is written, twice, and synced
 *   3 `start` says that all up to P is gone, and is synced; no file goes
 *
 * Behind that the segment is one of which nobody needs the same bytes: the next try to open the log
 * notes it as such, and it is written again with what others have of it, be that nothing.
 *
 * Why that is right: P was committed there, or it were not gone, and so was all up to the last
 * synced entry here: of each index up to P both replicas have, or had, the same entry. A log may
 * begin behind any such entry that a state of the appliers reaches. No place in front of it may be
 * made up instead: its term and its configuration may be in the damage alone. A state is of a
 * committed entry, so it makes all of the log up to there count as committed: it is taken only
 * where the log is known to have the same, because that much is known to be committed here, too, or
 * because its entry has the same term.
 *
 *   a power cut leaves                 the next start
 *     `snapshot.tmp`, `start.new`      writes over them some time; the log is damaged as it was
 *     one state file, or both, and     the same; the state is one of this log, behind a committed
 *     the old `start`                  entry, and is used as our own would be
 *     the new `start`                  finds the segment in front of it: it is written again
 *     `<base>.clean`                   removes it: the same
 *
 * Failures: a full disk: nothing is changed but a state more; any other error of writing ends the
 * process. Invariants: S of `start` does not go back; S <= a state that is on the disk; S < synced;
 * the log is closed, and stays so while the damage is there, so nobody else writes beside it.
 */
#ifndef STORAGE_HEAL_LATER_START_H
#define STORAGE_HEAL_LATER_START_H

#include "storage/heal/wound.h"
#include "storage/segment/start_file.h"

/* Of a damaged segment that is sealed and ends with that entry (0: not known), in a log of which
 * all is synced up to another one, and the journal has those `entries` behind it. */
struct later_limits later_limits_of(log_index segment_ends, log_index synced, log_index committed,
                                    struct entry *const *entries, size_t count);
/* Whether the log may begin there. */
bool later_start_fits(const struct later_limits *limits, const struct start_file *place);
/* Whether the state behind that entry, which has that term and is committed, may be given. */
bool later_start_wants(const struct later_limits *limits, log_index index, log_term term);

struct later_start;

/* `place`, which fits, is taken over; its files count for nothing here. `done` comes later, never
 * within a call: ERR_NONE: `start` says so; ERR_AGAIN: later_start_give is to be called with a
 * state that reaches the place; another: the disk has no room, or no files are left. */
struct later_start *later_start_begin(struct env *env, const char *group_path, uint64_t group,
                                      const struct later_limits *limits, struct start_file *place,
                                      void (*done)(void *arg, int error), void *arg);
/* The slice is taken over. */
void later_start_give(struct later_start *later, log_index index, struct slice *state);
/* Also while it is under way: `done` does not come. NULL does nothing. */
void later_start_free(struct later_start *later);

#endif
