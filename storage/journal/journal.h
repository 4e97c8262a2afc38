/*
 * The journal of a broker: one ring of pre-written, recycled files that makes entries, terms and
 * votes of every group durable together.
 *
 * Happy path: journal_* calls copy records into the round that is gathering; a round starts at the
 * end of the loop's turn, or as soon as the one before it ends; the flusher writes it and syncs it
 * once; then everybody who waits for it is told, in the order in which they asked. Batching comes
 * from the disk being busy, never from a timer.
 * Failures: an error from write or sync ends the process (env_fatal): the page cache cannot be
 * believed afterwards. A disk without room (error_is_no_room) makes the round wait, and all of it
 * is written again: until then nothing of it counts.
 * Invariants: a record is durable when its round is; rounds become durable in order; a file is
 * reused only when everything in it is either synced in a segment (journal_progress), truncated,
 * superseded, or copied forward.
 *
 * journal_format.h draws the bytes, journal_recovery.c lists what a crash can leave and what is
 * done about it.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_H
#define STORAGE_JOURNAL_JOURNAL_H

#include "base/env.h"
#include "base/log.h"
#include "base/measure/buckets.h"
#include "storage/disk_space.h"
#include "storage/entry.h"
#include "storage/log_types.h"

struct journal;

struct journal_options {
    uint64_t file_bytes; /* of one file, taken up to a multiple of 4096, at least 32 KiB; 64 KiB in
                            the simulator */
    /* Of all files; at least eight, so files are smaller where this leaves no room for eight of
     * file_bytes. */
    uint64_t max_bytes;
    struct disk_space *room; /* stays until journal_close. NULL: what the disk has */
    bool must_exist; /* this directory has been in use: a missing journal is damage (ERR_CORRUPT),
                        never a new one */
};

/* What the journal knows of one group after recovery. Entries are those above `progress`, in order
 * and without holes, ending with the last that was durable (or was written: what a torn tail did
 * not lose). */
struct journal_group {
    uint64_t group;
    log_term term;      /* hard state */
    uint64_t voted_for; /* replica id; 0: nobody */
    uint64_t commit;    /* the highest commit index known; may be below what was really committed */
    uint64_t progress;  /* everything up to this index is synced in segments */
    /* The file position in the active segment behind that entry, and that segment's base offset. */
    uint64_t progress_position;
    int64_t progress_segment;
    struct entry **entries;
    size_t entry_count;
};

/* With references of its own, for whoever looks at it while the journal may be closed. NULL gives
 * NULL. */
struct journal_group *journal_group_copy(const struct journal_group *group);
void journal_group_free(struct journal_group *copy); /* NULL does nothing */

/* Opens or makes the journal in directory `path` and recovers it. ERR_CORRUPT: damage that is not a
 * torn tail; `why` says the place. ERR_VERSION, ERR_IO, ERR_NO_SPACE. */
int journal_open(struct env *env, struct log *log, const char *path,
                 const struct journal_options *options, struct journal **journal,
                 struct error_text *why);
/* After this no callback comes; what is not durable yet may be lost. */
void journal_close(struct journal *journal);

/* The recovered state of a group, or NULL if the journal never heard of it. Valid until
 * journal_recovered_release. */
const struct journal_group *journal_recovered(const struct journal *journal, uint64_t group);
/* It was released: what was recovered of the group, its term and its vote, lives in the log that
 * was opened with it, and nowhere else. */
bool journal_recovered_is_gone(const struct journal *journal, uint64_t group);
/* Calls `each` for the id of every group that the journal knows. */
void journal_each_group(const struct journal *journal, void (*each)(void *arg, uint64_t group),
                        void *arg);
/* Frees a group's recovered entries (their owner took references of those it wanted). */
void journal_recovered_release(struct journal *journal, uint64_t group);

/* ---- Records; each is part of the round that gathers now ---- */

/* The index is one above the group's last, or, after journal_truncate, the truncated one. A log
 * that does not begin with 1 says so first, by journal_progress. A reference is kept until the
 * journal knows that the entry is committed. */
void journal_entry(struct journal *journal, struct entry *entry);
void journal_hard_state(struct journal *journal, uint64_t group, log_term term, uint64_t voted_for);
/* Entries from `index` on are void. */
void journal_truncate(struct journal *journal, uint64_t group, log_index index);
/* The commit index moved; rides with whichever round comes next and starts none of its own. */
void journal_commit(struct journal *journal, uint64_t group, log_index index);
/* Everything up to `index`, which was reported durable, is synced in the group's segments (segment
 * base offset and position behind it are given back at recovery). Starts no round of its own; may
 * be durable before what was recorded earlier and waits for room. */
void journal_progress(struct journal *journal, uint64_t group, log_index index, int64_t segment,
                      uint64_t position);
/* All entries of the group are void; it goes on behind `index`, with segments that are synced up to
 * that place. One record: no crash sees half of it. All that had committed is synced (else nobody
 * could give back its room while this waits for some), and `index` lies above it. */
void journal_log_begins(struct journal *journal, uint64_t group, log_index index, int64_t segment,
                        uint64_t position);
/* The group is gone: nothing of it is needed, and nothing is recorded for it any more. Starts no
 * round of its own. */
void journal_forget(struct journal *journal, uint64_t group);
/* One number for the whole broker that only grows: "metadata applied up to". Rides with the next
 * round, starts none. */
void journal_mark(struct journal *journal, uint64_t mark);
uint64_t journal_durable_mark(const struct journal *journal);

/* What a broker saw of the journal of another: how that one learns that its journal went back in
 * time (raft-glue/peer/rollback_guard.h). */
struct journal_witness {
    uint64_t directory; /* whose: the first eight bytes of its UUID */
    uint64_t run;       /* journal_run of that broker */
    uint64_t sequence;  /* the highest journal_sequence that it told of in that run */
};
/* Takes the place of what was recorded of that directory. */
void journal_witness(struct journal *journal, const struct journal_witness *witness);
/* NULL: none was recorded. Valid until the end of the turn. */
const struct journal_witness *journal_witness_of(const struct journal *journal, uint64_t directory);
/* This journal is not to be believed any more, in no later run either. Rides with the next round.
 */
void journal_disown(struct journal *journal);
bool journal_is_disowned(const struct journal *journal);

/* Calls `durable` when everything recorded up to now is durable; not within this call. Waiters end
 * with journal_close. */
struct journal_waiter {
    void (*durable)(struct journal_waiter *waiter);
    struct journal_waiter *next; /* the journal's */
    uint64_t round;              /* the journal's */
};
void journal_wait(struct journal *journal, struct journal_waiter *waiter);
/* `durable` will not be called. Nothing if it does not wait. */
void journal_wait_cancel(struct journal *journal, struct journal_waiter *waiter);
/* The number of the round that gathers now: a waiter with this `round` waits for what is recorded
 * now, too. */
uint64_t journal_round(const struct journal *journal);

/* ---- Room ---- */

/* The journal needs files back: `pressed` is called (at most once a turn) with the groups that hold
 * the oldest files, one call each: the owner writes and syncs that group's committed entries up to
 * `index`, then calls journal_progress. What is not committed the journal copies forward by itself.
 */
void journal_on_pressure(struct journal *journal,
                         void (*pressed)(void *arg, uint64_t group, log_index index), void *arg);
uint64_t journal_live_bytes(const struct journal *journal); /* what recovery would read */
/* Of all files: at most journal_limit_bytes and one round. */
uint64_t journal_disk_bytes(const struct journal *journal);
uint64_t journal_limit_bytes(const struct journal *journal);
/* Whether its files go past the page cache; where the file system cannot, they are written through
 * it. */
bool journal_is_direct(const struct journal *journal);
/* Twice as much as may be uncommitted, over all groups: so much goes round and leaves room for the
 * rest. */
uint64_t journal_usable_bytes(const struct journal *journal);
/* Of what is recorded `unwritten` bytes are in no file yet: so much the files may have to grow for
 * them. */
uint64_t journal_owed_bytes(const struct journal *journal, uint64_t unwritten);
/* Sequence number of the last durable round: never goes back unless the disk did. Rounds that hold
 * nothing but what was seen of other journals do not count: idle brokers would tell each other of
 * them for ever. */
uint64_t journal_sequence(const struct journal *journal);
/* The number of this run, from journal_open to journal_close; random, not 0. */
uint64_t journal_run(const struct journal *journal);
/* Whether this journal can be the one that was durable up to `sequence` in that run. It cannot: it
 * went back in time. */
bool journal_covers(const struct journal *journal, uint64_t run, uint64_t sequence);

struct journal_stats {
    uint64_t rounds, bytes, files_made, files_reused, entries_copied_forward, torn_tails;
    struct buckets sync;  /* microseconds of a synced write, bounds_sync */
    uint64_t sync_age_us; /* of the one under way; 0: none is */
};
void journal_stats_get(const struct journal *journal, struct journal_stats *stats);

/* ---- Beside a running broker ---- */

/* Reads the journal in `path` without changing anything and calls `each` for every group in it;
 * what it is given lives for that call. ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION, ERR_IO. */
int journal_read(struct env *env, const char *path,
                 void (*each)(void *arg, const struct journal_group *group), void *arg,
                 struct error_text *why);

#endif
