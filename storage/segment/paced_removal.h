/*
 * Takes files, and directories of them, away a little at a time. Unlinking gigabytes at once makes
 * the file system free, and discard, all of it in one commit, and every sync of the journal waits
 * for that: records of other topics took up to 2 s beside a deletion of 2 GB.
 *
 * Happy path: in a lane of its own, one directory after the other: files are cut down from their
 * ends, or unlinked when they are small, a few MiB a step; each step is synced, so that the file
 * system commits it by itself, and followed by a pause. The more waits, the larger the steps and
 * the shorter the pauses: else who lets go of more than the steps take would fill the disk.
 * Failures: too many open files, it waits; a file that cannot be cut is unlinked as it is; one that
 * stays is found again at the next start.
 * Invariants: one step is under way at most; after paced_removal_stop nothing begins any more.
 */
#ifndef STORAGE_SEGMENT_PACED_REMOVAL_H
#define STORAGE_SEGMENT_PACED_REMOVAL_H

#include <stdbool.h>

#include "base/env.h"

struct removal;
struct paced_removal {
    struct env *env;
    struct env_lane *lane;
    struct env_timer *pause;
    struct removal *first,
        **end;      /* in the order in which they were added; the first is being removed */
    size_t count;   /* of them */
    uint64_t bytes; /* in those whose size is known */
    bool busy;      /* a step is in the lane */
    bool stopped;
    void (*idle)(void *arg); /* the last step after paced_removal_stop ended */
    void *arg;
};

void paced_removal_init(struct paced_removal *removals, struct env *env, void (*idle)(void *arg),
                        void *arg);
/* The directory and the files in it; nothing else uses them, and it has no directories inside.
 * Takes the path over. */
void paced_removal_add(struct paced_removal *removals, char *directory);
/* These files, whose directory stays; nothing else uses them. Takes array and texts over. They
 * have so many bytes, as far as that is known. */
void paced_removal_add_files(struct paced_removal *removals, char *directory, char **paths,
                             size_t count, uint64_t bytes);
/* Files of this directory, or all of it, are still to be removed. */
bool paced_removal_waits_in(const struct paced_removal *removals, const char *directory);
/* Of that directory nothing is removed any more: it is about to be another one. False: the step
 * under way removes some of it; ask again. */
bool paced_removal_leave(struct paced_removal *removals, const char *directory);
/* What is not removed yet stays. `idle` is called if a step is under way (busy). */
void paced_removal_stop(struct paced_removal *removals);
/* Stopped and not busy. */
void paced_removal_close(struct paced_removal *removals);

#endif
