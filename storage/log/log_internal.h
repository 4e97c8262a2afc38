/*
 * The inside of a log store and of its logs, for the files that make them up. Everybody else codes
 * against partition_log.h.
 *
 * An entry's way: appended (memory and journal) -> durable in the journal -> committed -> written
 * to the active segment by write-behind -> synced there, when the journal needs room, the segment
 * is sealed, or the store is flushed.
 *
 * The floors; a file uses those above it in this list, and none below:
 *   log_internal.c               which logs there are, their positions, the lane, who is freed when
 *   applier_snapshot.c           jobs of the lane: the applier's state beside the segments ...
 *   log_store_remove.c           ... and putting a deleted group aside, for paced_removal.h
 *   write_behind.c               jobs of the lane: committed entries go into segments
 *   log_reading.c                one read that is under way; on it
 *                                partition_log_{read,fetch,search}.c
 *   partition_log_durable.c      what the journal's rounds make durable, for write-behind
 *   partition_log_prefix.c       letting go of segments at the front
 *   partition_log.c              the log itself: append, truncate, commit, close
 *   recovered_segments.c         the segments that stay when a log is opened (on kept_index.c)
 *   partition_log_recovery.c     ... and how it is put together from them and the journal
 *   log_store.c                  the store: open, close, flush
 */
#ifndef STORAGE_LOG_LOG_INTERNAL_H
#define STORAGE_LOG_LOG_INTERNAL_H

#include <uthash.h>

#include "storage/journal/journal.h"
#include "storage/log/log_memory.h"
#include "storage/log/partition_log.h"
#include "storage/log/term_table.h"
#include "storage/log_types.h"
#include "storage/segment/dropped_segments.h"
#include "storage/segment/paced_removal.h"
#include "storage/segment/segment.h"
#include "storage/segment/start_file.h"

struct write_job;
struct prefix_job;
struct log_reading;

/* Logs in order; a log is in one list at most. */
struct log_queue {
    struct partition_log *first, *last;
};

/* See write_behind.h. */
struct write_behind {
    struct log_queue waiting; /* with entries that are not written or not synced, and no need yet:
                                 longest first */
    struct log_queue ready;   /* that want a job, while as many as may be are under way */
    unsigned jobs, jobs_max;
    uint64_t enough_bytes; /* a log with so much that is not written gets a job */
    /* Of segment that is synced, and of which the index file need not tell yet. */
    uint64_t index_lag;
    uint64_t unwritten_bytes; /* committed and in no segment, over all logs */
    struct env_timer *pace;
    bool pacing;
};

/* Readers that wait for a file: see log_reading.h. */
struct reading_queue {
    struct log_reading *first, *last;
    struct env_task wake;
    struct env_timer *again;
    bool waking; /* they are tried now */
};

struct log_store {
    struct env *env;
    struct log *log;
    struct log_store_options options;
    char *groups_path;
    struct journal *journal;
    struct disk_space *room;         /* NULL: the store is closed */
    void (*room_changed)(void *arg); /* NULL: nobody listens */
    void *room_arg;
    /* By group; open ones, and closed ones that something still waits for. */
    struct partition_log *logs;
    struct tail_cache cache;
    struct segment_files files;
    uint64_t index_interval_bytes; /* as the options say, or more where a segment would get too many
                                      points */
    struct env_lane **lanes; /* all that is written into the groups' directories; that of one group
                                in one lane, in order */
    unsigned lane_count;
    struct env_lane *open_lane;    /* looks at what is there, for logs that are opened */
    unsigned jobs;                 /* in the lanes */
    struct paced_removal removals; /* of what deleted groups leave, in a lane of its own */
    struct dropped_segments dropped;
    struct write_behind write_behind;
    struct reading_queue readers;
    uint64_t uncommitted_bytes, undurable_bytes;
    struct log_limiter full_disk;
    bool closed; /* freed when no job in the lanes and no log is left */
    /* log_store_flush */
    bool flushing, flush_waits; /* flush_waits: for the journal's round with the last progress */
    void (*flush_done)(void *arg);
    void *flush_arg;
    struct journal_waiter flush_waiter;
    struct env_task flush_task;
};

/* A round of the journal that this log waits for, and what is durable with it. */
struct durable_mark {
    struct journal_waiter waiter; /* first: a waiter is its mark */
    struct durable_mark *next;    /* of a later round */
    struct partition_log *log;
    /* Entries of today's log up to it are in this round or before; 0: nothing new. */
    log_index index;
    uint64_t version; /* of the hard state; 0: nothing new */
};

/* Where the last readers of segments stopped: the next ones go on from there. */
struct read_hint {
    int64_t segment;     /* its base offset */
    uint64_t position;   /* of an entry; 0: no hint */
    log_index index;     /* of that entry; 0: not known */
    kafka_offset offset; /* the first record in it that was not given out; -1: not known */
};
enum { READ_HINTS = 8 };

/* What may go at the front, and how far that has come. */
struct log_prefix {
    kafka_offset offset; /* whole segments below it may go, */
    log_index index;     /* ... and up to this entry */
    uint64_t delay_ms;
    void (*look)(struct partition_log *log); /* whether something can go now; NULL: nothing was
                                                asked for yet */
    struct prefix_job *job;                  /* under way; one at most */
    struct partition_log_read read;          /* of the configuration that is in force there */
    bool reading, pausing;
    struct env_timer *pause; /* behind what was in the way; NULL: nothing was so far */
    log_index change_index;  /* that was read; 0: none */
    struct slice change;
    struct start_file start; /* as on the disk; index 0: there is none */
};

struct partition_log {
    struct log_store *store;
    UT_hash_handle by_group;
    uint64_t group;
    char *label;
    char *path; /* of the group's directory */
    struct partition_log_events events;
    void *arg;
    bool opening; /* in its lane; counts as closed until it is open */
    bool closed;
    unsigned busy; /* calls of `events` under way: freed after them */

    log_term term;
    uint64_t voted_for;
    uint64_t hard_state_version;

    log_index first_index, last_index;
    kafka_offset start_offset, end_offset;
    int64_t written_end;                 /* offset behind the last entry that is written */
    uint64_t durable;                    /* reported by the journal */
    uint64_t commit;                     /* as told; may be ahead of last_index */
    uint64_t synced, written, committed; /* set by partition_log_set_positions only */
    uint64_t uncommitted_bytes, unwritten_bytes;
    uint64_t undurable_bytes; /* of entries above `durable` */

    struct log_memory memory;
    struct term_table terms;
    uint64_t *changes; /* indexes of ENTRY_CHANGE entries */
    size_t change_count, change_room;

    struct segment **segments; /* the last one is active if it says so */
    size_t segment_count, segment_room;
    uint64_t size_bytes; /* of the segments, as far as they are written */
    bool directory_made, directory_synced;
    bool damaged; /* one of the segments is */

    struct write_job *job;   /* under way; one at most */
    log_index roll_to;       /* the segment with this entry is to be sealed behind it; 0: none is */
    uint64_t sync_wanted;    /* entries up to this index are to be synced */
    uint64_t flush_to;       /* the store's flush waits until this index is synced */
    struct log_queue *queue; /* of write-behind; NULL: in none */
    struct partition_log *queue_next, *queue_prev;

    struct durable_mark *oldest_mark, *newest_mark;

    struct log_reading *readings;
    struct read_hint hints[READ_HINTS];
    unsigned next_hint;

    struct slice (*seal_state)(void *arg, log_index *index);
    uint64_t seal_every_bytes;
    void *seal_arg;
    bool has_snapshot; /* of the applier, found when the log was opened, and not given away yet */
    log_index snapshot_index;
    struct slice snapshot;
    uint64_t unsaved_bytes; /* written since the applier's state was kept */
    uint64_t kept_bytes;    /* of that state; 0: none since the log was opened */
    unsigned saving;        /* snapshots under way */
    log_index kept_index;   /* of the newest one that is on the disk; 0: none */
    struct slice early;     /* a state of entries that are not durable here yet; len 0: none */
    log_index early_index;  /* ... up to this one */
    struct log_prefix prefix;
#ifdef DRAVE_MUTANTS
    struct env_task early_report;
#endif
};

/* ---- log_internal.c: one log ---- */

/* The one setter of the three positions: synced <= written <= committed, none goes back. */
void partition_log_set_positions(struct partition_log *log, uint64_t synced, uint64_t written,
                                 uint64_t committed);
/* Entries up to this index may go into segments: committed, and durable in the journal, so that
 * recovery never finds an entry in a segment of which the journal does not know. */
uint64_t partition_log_writable(const struct partition_log *log);
/* Takes up what the index of a segment or an entry tells of changes. */
void partition_log_add_change(struct partition_log *log, log_index index);
void partition_log_add_segment(struct partition_log *log, struct segment *segment);
/* The active segment, or NULL. */
struct segment *partition_log_active(const struct partition_log *log);
/* Frees a closed log when nothing waits for it any more. */
void partition_log_free_if_unused(struct partition_log *log);

/* Perhaps something at the front can go now. */
void partition_log_look_prefix(struct partition_log *log);
/* Something is in the way that may pass: it is looked at again a second later, not before. */
void partition_log_pause_prefix(struct partition_log *log);

/* ---- log_internal.c: the store ---- */

/* The log of that group if it is open, or NULL. */
struct partition_log *log_store_find(struct log_store *store, uint64_t group);
/* Where all that is written into the directory of this group has its order. */
struct env_lane *log_store_lane(const struct log_store *store, uint64_t group);
/* Sends a job into a lane of the store, and takes it back: the last thing in its `done`. The store
 * lives until then. */
void log_store_run_job(struct log_store *store, struct env_lane *lane, struct env_job *job);
void log_store_job_done(struct log_store *store);
/* So much went into the files of groups. */
void log_store_took_room(struct log_store *store, uint64_t bytes);
/* Something is written, synced or closed: perhaps that was all that a flush waits for. */
void log_store_check_flush(struct log_store *store);
/* Frees a closed store when nothing needs it any more. */
void log_store_free_if_unused(struct log_store *store);

/* ---- log_store_remove.c ---- */

/* Directories that were renamed aside before the last stop and not yet removed: removes them in the
 * lane. */
void log_store_remove_leftovers(struct log_store *store);

/* ---- partition_log_durable.c ---- */

/* What is recorded in the journal now makes the log durable up to `index` (0: nothing new) and hard
 * state `version`. */
void partition_log_mark_durable(struct partition_log *log, log_index index, uint64_t version);
/* Entries from `index` on are void: no mark covers them. */
void partition_log_marks_truncate(struct partition_log *log, log_index index);

#endif
