/*
 * The inside of a log store and of its logs, for the files that make them up. Everybody else codes
 * against partition_log.h.
 *
 * An entry's way: appended (memory and journal) -> durable in the journal -> committed -> written
 * to the active segment by write-behind -> synced there, when the journal needs room, the segment
 * is sealed, or the store is flushed.
 *
 * The floors; a file uses those above it in this list, and none below:
 *   log_internal.c               which logs there are, their positions, the lane, who is freed
 * when, whose last segment has grown old applier_snapshot.c           jobs of the lane: the
 * applier's state beside the segments ... log_store_remove.c           ... and putting a deleted
 * group aside, for paced_removal.h write_behind.c               jobs of the lane: committed entries
 * go into segments log_reading.c                one read that is under way; on it
 *                                partition_log_{read,fetch,search}.c
 *   partition_log_prefix.c       letting go of segments at the front, which of them are too old or
 *                                too much, and giving them away
 *   log_swap.c                   a segment that was written again takes the place of others
 *   log_cleaning.c               what of a log could be cleaned, and rounds of that (storage/clean)
 *   log_beside.c                 the files beside the segments are read, and made again,
 *   log_refill.c                 a damaged segment is written again with what others have, and
 *   log_healing.c                damage is looked for, and mended (storage/heal)
 *   partition_log.c              the log itself: append, truncate, commit, close
 *   recovered_segments.c         the segments that stay when a log is opened (on kept_index.c);
 *   log_staging.c                a log that a leader gives as files, beside the one in force
 *   partition_log_install.c      ... and how it takes the other one's place
 *   partition_log_recovery.c     how a log is put together from segments and the journal
 *   log_store.c                  the store: open, close, flush
 */
#ifndef STORAGE_LOG_LOG_INTERNAL_H
#define STORAGE_LOG_LOG_INTERNAL_H

#include <uthash.h>

#include "base/timer_heap.h"
#include "storage/heal/wound.h"
#include "storage/journal/journal.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/partition_log.h"
#include "storage/log_types.h"
#include "storage/segment/dropped_segments.h"
#include "storage/segment/paced_removal.h"
#include "storage/segment/prefix_files.h"
#include "storage/segment/segment.h"
#include "storage/tables/log_memory.h"
#include "storage/tables/term_table.h"

struct write_job;
struct prefix_job;
struct install_job;
struct log_reading;
struct clean_round;
struct heal_round;
struct log_staging;

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

enum { INDEX_POINTS_MAX = 16384 }; /* of a segment of full size: bounds the memory of an index */

struct log_store {
    struct env *env;
    struct log *log;
    struct log_store_options options;
    char *groups_path;
    struct journal *journal;
    struct disk_space *room; /* NULL: the store is closed */
    struct log_store_room_listener *room_listeners;
    /* By group; open ones, and closed ones that something still waits for. */
    struct partition_log *logs;
    struct tail_cache cache;
    struct env_task cache_task; /* brings it under a lower limit */
    struct segment_files files;
    uint64_t index_interval_bytes; /* as the options say, or more where a segment would get too many
                                      points */
    struct env_lane **lanes; /* all that is written into the groups' directories; that of one group
                                in one lane, in order */
    unsigned lane_count;
    struct env_lane *clean_lane;   /* reads and writes for cleanings, one at a time; reads for
                                      healings */
    struct clean_round *cleaning;  /* NULL: none is under way */
    struct heal_round *healing;    /* the same */
    struct wounds wounds;          /* of logs that could not be opened */
    struct env_lane *open_lane;    /* looks at what is there, for logs that are opened */
    struct env_lane *staging_lane; /* log_staging.c: megabytes that nobody waits for */
    unsigned jobs;                 /* in the lanes, but for */
    unsigned staging_jobs;         /* ... those of the staging lane, for which no flush waits */
    uint64_t staged_bytes;         /* that stagings have still to write: room that is spoken for */
    struct remove_job *forgetting; /* removals that wait for the journal (log_store_remove.c) */
    struct paced_removal removals; /* of what deleted groups leave, in a lane of its own */
    struct dropped_segments dropped;
    struct write_behind write_behind;
    struct timer_heap ages; /* of logs, by when their last segment is old enough to be sealed */
    struct env_timer *age_timer;
    void (*roll)(struct partition_log *log);
    struct reading_queue readers;
    uint64_t uncommitted_bytes, undurable_bytes, unsaved_bytes; /* of all logs */
    struct log_store_counts counts;
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
    int64_t segment;     /* its base offset, */
    uint32_t generation; /* ... and that */
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
    enum prefix_refusal refused;             /* why nothing was given the last time */
    unsigned pins;                           /* sources that give it away: nothing goes meanwhile */
    struct prefix_job *job;                  /* under way; one at most */
    struct partition_log_read read;          /* of the configuration that is in force there */
    bool reading, pausing;
    struct env_timer *pause; /* behind what was in the way; NULL: nothing was so far */
    log_index change_asked;  /* is being read, or was last */
    log_index change_index;  /* that was read; 0: none */
    struct slice change;
    struct start_file start; /* as on the disk; index 0: there is none */
    /* Entries up to this one are to count as gone although their segments stay; and the offset
     * behind it. */
    log_index raise_index;
    kafka_offset raise_offset;
    void (*raised)(struct partition_log *log,
                   int error); /* ... and do by now; NULL: nobody asked */
    /* Segments are to be replaced, or are: none may go meanwhile. `idle`: no job is under way any
     * more that would let one go. */
    bool swapping;
    void (*idle)(struct partition_log *log);
};

/* How old the last segment is. */
struct log_age {
    struct timer_entry due; /* in the store's heap while a record lies behind what is sealed */
    uint64_t limit_ms, jitter_ms; /* it is sealed when it is so old, or a little before; 0: never */
    int64_t since_ms;             /* of env_now_ms: when it began; while it is in the heap */
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
    /* A segment is sealed when it is larger: the next ones, and the active one, which is never full
     * before something is written behind a change. */
    uint64_t segment_bytes, active_bytes;
    uint64_t size_bytes; /* of the segments, as far as they are written */
    /* Of those at the front that lie below what may go, and are still here; brought up to date by
     * partition_log_note_below. Whoever exchanges one of them sets both to 0. */
    size_t below_count;
    uint64_t below_bytes;
    int64_t unwritten_timestamp; /* the largest that is in no segment yet; -1: none is */
    struct log_age age;
    bool directory_made, directory_synced;
    bool damaged;             /* one of the segments is */
    int64_t progress_segment; /* that the journal was told of last */

    struct write_job *job;       /* under way; one at most */
    struct env_task *settling;   /* deferred when a job has ended; NULL: nobody waits for that */
    struct install_job *install; /* another log takes its place; NULL: none does */
    bool staged_left;            /* by an earlier start: files that a leader gave */
    unsigned lives;              /* how often that was; what is under way belongs to one of them */
    log_index roll_to;       /* the segment with this entry is to be sealed behind it; 0: none is */
    uint64_t sync_wanted;    /* entries up to this index are to be synced */
    uint64_t flush_to;       /* the store's flush waits until this index is synced */
    struct log_queue *queue; /* of write-behind; NULL: in none */
    struct partition_log *queue_next, *queue_prev;

    struct durable_mark *oldest_mark, *newest_mark;

    struct log_reading *readings;
    uint64_t losses; /* how often records that had been committed went, at the front or cleaned */
    struct read_hint hints[READ_HINTS];
    unsigned next_hint;

    void (*seal_wanted)(void *arg);
    uint64_t seal_every_bytes;
    void *seal_arg;
    bool has_snapshot; /* of the applier, found when the log was opened, and not given away yet */
    log_index snapshot_index;
    struct slice snapshot;
    /* Bytes of this log that were written, since it was opened and behind the state found then; how
     * many of them when the state was asked for last, and when that was asked for which is saved.
     */
    uint64_t log_bytes, asked_bytes, saved_bytes;
    uint64_t kept_bytes;        /* of that state; 0: none since the log was opened */
    bool keeping;               /* it was asked for and is not given yet: one of the store's jobs */
    bool keeping_in_vain;       /* ... and will be of a log that is not in force any more */
    unsigned saving;            /* snapshots under way */
    log_index kept_index;       /* of the newest one that is on the disk; 0: none, */
    log_index copied_index;     /* ... and of the newest that is there twice */
    struct applier_state early; /* of entries that are not durable here yet; without parts: none */
    struct log_prefix prefix;
    void (*end_cleaning)(struct partition_log *log); /* a round of it is under way; NULL: none */
    void (*end_healing)(struct partition_log *log);  /* the same */
    struct log_refill *refill; /* a segment of it is written again; NULL: none is */
    struct log_swap *swap;     /* one that was takes its place; NULL: none does */
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
/* Of its indexes: as the store's, or more where a segment would get too many points. */
uint64_t partition_log_index_interval(const struct partition_log *log);
/* NULL: there is none. */
struct segment *partition_log_last_segment(const struct partition_log *log);
/* The active segment, or NULL. */
struct segment *partition_log_active(const struct partition_log *log);
/* Frees a closed log when nothing waits for it any more. */
void partition_log_free_if_unused(struct partition_log *log);

/* A damaged segment was mended, or is gone: perhaps none is damaged any more. */
void partition_log_note_whole(struct partition_log *log);
/* Counts sealed segments that lie below prefix.offset by now. */
void partition_log_note_below(struct partition_log *log);
/* The log is closing: an install whose record may not be durable is given up. */
void partition_log_end_install(struct partition_log *log);

/* Perhaps something at the front can go now. */
void partition_log_look_prefix(struct partition_log *log);
/* partition_log_prefix.c: entries up to the end of this segment count as gone, while all segments
 * stay. `raised` is called when it is so on the disk, or (ERR_CORRUPT) when damage is in the way,
 * never within the call; it does not come if the log is closed. Not while it is so already. */
void partition_log_raise_start(struct partition_log *log, const struct segment *last,
                               void (*raised)(struct partition_log *log, int error));
/* Something is in the way: it is looked at again so much later, not before. */
enum { PREFIX_PAUSE_US = 1000 * 1000 }; /* ... if it may pass */
void partition_log_pause_prefix(struct partition_log *log, uint64_t pause_us);

/* ---- log_internal.c: the store ---- */

/* The log of that group if it is open, or NULL. */
struct partition_log *log_store_find(struct log_store *store, uint64_t group);
/* Where all that is written into the directory of this group has its order. */
struct env_lane *log_store_lane(const struct log_store *store, uint64_t group);
/* Sends a job into a lane of the store, and takes it back: the last thing in its `done`. The store
 * lives until then. */
void log_store_run_job(struct log_store *store, struct env_lane *lane, struct env_job *job);
void log_store_job_done(struct log_store *store);
/* The same in the staging lane. */
void log_store_run_staging_job(struct log_store *store, struct env_job *job);
void log_store_staging_job_done(struct log_store *store);
/* So much went into the files of groups. */
void log_store_took_room(struct log_store *store, uint64_t bytes);
/* Something is written, synced or closed: perhaps that was all that a flush waits for. */
void log_store_check_flush(struct log_store *store);
/* Frees a closed store when nothing needs it any more. */
void log_store_free_if_unused(struct log_store *store);

/* ---- log_internal.c: ages ---- */

/* `roll` seals the last segment of a log behind what has committed. */
void segment_age_open(struct log_store *store, void (*roll)(struct partition_log *log));
void segment_age_close(struct log_store *store); /* its logs are closed */
/* An entry with records was appended, or found in the journal. */
void segment_age_begin(struct partition_log *log, const struct entry *entry);
/* The active segment was sealed: what lies behind it begins anew. */
void segment_age_sealed(struct partition_log *log);
/* The log is closing, or another one takes its place. */
void segment_age_forget(struct partition_log *log);

/* ---- log_swap.c ---- */

struct clean_input;
struct clean_output;

/* The output, whole and synced as `<base>.clean`, takes the place of the inputs that it stands for;
 * `segments` are those, held, and the swap's from now on. One of each log at a time. `done` comes
 * later: ERR_NONE; ERR_NOT_FOUND: they were dropped meanwhile; another: all is as it was. */
struct log_swap *log_swap_begin(struct partition_log *log, const struct clean_output *output,
                                const struct clean_input *inputs, struct segment *const *segments,
                                void (*done)(void *arg, int error), void *arg);
/* `done` will not be called; it is given up if no file was touched yet, else goes on by itself. */
void log_swap_leave(struct log_swap *swap);
/* The log is closing, or another one takes its place. */
void log_swap_end(struct partition_log *log);

/* ---- log_beside.c, for log_healing.c ---- */

/* Reads `start`, the snapshots of the appliers and the indexes, and makes again what is damaged.
 * `done` comes later. */
struct log_beside *log_beside_begin(struct partition_log *log, void (*done)(void *arg), void *arg);
void log_beside_leave(struct log_beside *beside); /* `done` does not come */

/* ---- log_refill.c, for log_healing.c ---- */

struct log_refill_events {
    /* No state of the appliers on the disk reaches as far as the segment: log_refill_applied when
     * they know as much, or _give_up, now or later. */
    void (*lacks_state)(void *arg);
    /* All that somebody has of the segment's entries is wanted, the first of them (`begins`) or the
     * next: log_refill_give, _again or _give_up, now or later. */
    void (*lacks)(void *arg, bool begins);
    void (*done)(void *arg, int error, uint64_t entries); /* not within log_refill_begin */
};
/* Whether that can be done now. */
bool log_refill_may(const struct partition_log *log, const struct segment *segment);
/* Where it cannot: what keeps it from that is changed, for later. It is sealed, and what follows it
 * is brought to the disk; false: nothing follows. */
bool log_refill_prepare(struct partition_log *log, const struct segment *segment);
struct log_refill *log_refill_begin(struct partition_log *log, struct segment *segment,
                                    const struct log_refill_events *events, void *arg);
void log_refill_applied(struct log_refill *refill);
/* Takes references of its own. `through`: these were the last. ERR_CORRUPT for those that do not
 * go on ends it. */
void log_refill_give(struct log_refill *refill, struct entry *const *entries, size_t count,
                     bool through);
/* What was given so far is forgotten: somebody else gives all of it. */
void log_refill_again(struct log_refill *refill);
void log_refill_give_up(struct log_refill *refill);
/* No event comes any more; a swap that has begun goes on. */
void log_refill_leave(struct log_refill *refill);

/* ---- log_staging.c, for partition_log_install.c ---- */

/* A log as a start would find it in the directory. */
struct staged_log {
    struct prefix_files files;
    /* Never opened: terms, changes, segments, start and path only, which is that of the staged
     * directory. */
    struct partition_log *tables;
    struct slice state; /* of the appliers, up to files.state_index */
};

/* Of one that is prepared, which is closed then. */
struct staged_log log_staging_take(struct log_staging *staging);
void staged_log_free(struct staged_log *staged);

/* ---- log_store_remove.c ---- */

/* The journal is closed: what waited for it ends. */
void log_store_end_forgetting(struct log_store *store);
/* Directories that were renamed aside before the last stop and not yet removed: removes them in the
 * lane. */
void log_store_remove_leftovers(struct log_store *store);

/* ---- partition_log.c: what the rounds of the journal make durable ---- */

/* What is recorded in the journal now makes the log durable up to `index` (0: nothing new) and hard
 * state `version`. */
void partition_log_mark_durable(struct partition_log *log, log_index index, uint64_t version);
/* Entries from `index` on are void: no mark covers them. */
void partition_log_marks_truncate(struct partition_log *log, log_index index);

#endif
