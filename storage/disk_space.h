/*
 * The room of the disk, counted as it is given out: what was accepted and lies in no file yet is
 * spoken for, and what went into files since the last look is gone, so that records are refused
 * before the disk is full, however fast they come. What makes room (deletions and all other
 * metadata, votes, truncations) and what was accepted (the journal, segments, snapshots) asks
 * nobody: the limit, disk.min.free.bytes, is theirs.
 *
 * Happy path: looks once a second; disk_space_for() says yes. It looks again before it says no. Two
 * limits: below disk.min.free.bytes a leader takes no records from producers; below half of it a
 * follower takes none from its leader, so that one with a disk of the same size has room for what
 * the leader has accepted.
 * Failures: whoever writes and is told that there is no room (bytes, inodes, quota, size of a file)
 * says so with disk_space_wait, and nothing more is accepted until it got through. A file system
 * that does not tell how much is free counts as having room. Invariant: nothing is accepted that
 * would not leave the limit free, had nobody else written to this disk since the last look.
 */
#ifndef STORAGE_DISK_SPACE_H
#define STORAGE_DISK_SPACE_H

#include "base/env.h"
#include "base/log.h"

/* Fewer inodes: no records either, because topics and segments need some. */
enum { DISK_ROOM_FILES_LEAST = 32 };

struct disk_space;

struct disk_space_events {
    /* Bytes that were accepted and are not in files yet. */
    uint64_t (*promised)(void *arg);
    /* Records that were accepted are refused from now on, or the other way round. May be NULL. */
    void (*changed)(void *arg);
};

/* Of the file system that holds `path`, which is how people know it. Events are not called within.
 */
struct disk_space *disk_space_new(struct env *env, struct log *log, const char *path,
                                  uint64_t min_free_bytes, const struct disk_space_events *events,
                                  void *arg);
void disk_space_free(struct disk_space *room); /* NULL does nothing */
/* Another limit; what it changes is found out with the next look, a second from now at most. */
void disk_space_set_min_free(struct disk_space *room, uint64_t min_free_bytes);

/* ---- Who accepts ---- */

enum disk_space_asker { DISK_ROOM_LEADER, DISK_ROOM_FOLLOWER, DISK_ROOM_ASKERS };
/* May so many bytes of records more be accepted? */
bool disk_space_for(struct disk_space *room, enum disk_space_asker asker, uint64_t bytes);
/* The last answer, as it may have changed with a look since. */
bool disk_space_is_short(const struct disk_space *room, enum disk_space_asker asker);
/* While a leader's is short: which disk, what is free, the limit, what to do; else "". */
const char *disk_space_sentence(const struct disk_space *room);

/* ---- Who writes ---- */

/* So many bytes went into files, or soon will: from now on they count as taken, and the owner
 * promises them no longer. */
void disk_space_took(struct disk_space *room, uint64_t bytes);
/* A writer is told that there is no room (error_is_no_room), and tries again until it has got
 * through; once each. */
void disk_space_wait(struct disk_space *room, int error);
void disk_space_got_through(struct disk_space *room);
/* Free, and promised to nobody. UINT64_MAX: not known. */
uint64_t disk_space_left(const struct disk_space *room);
/* The same above the limit: what the journal may grow into. */
uint64_t disk_space_above_limit(const struct disk_space *room);

/* Would so many bytes leave the limit free? Looks before it says no. Nobody is refused anything by
 * the answer: for those who can come again later, and promise what they are given. */
bool disk_space_fits(struct disk_space *room, uint64_t bytes);

/* For whoever shows it. */
struct disk_space_facts {
    const char *path;
    uint64_t free_bytes, free_files, total_bytes; /* UINT64_MAX: not known */
    uint64_t promised_bytes, min_free_bytes;
};
void disk_space_facts_get(const struct disk_space *room, struct disk_space_facts *facts);

#endif
