/*
 * The log of one Raft group on this broker: says where an entry, index or offset is (memory,
 * journal, segment), and keeps the group's hard state.
 *
 * Happy path: partition_log_append puts entries into memory and into the journal; `durable` reports
 * how far the log is on disk; partition_log_commit lets write-behind bring committed entries into
 * the active segment, after which they may leave memory (kept while the tail cache's budget
 * allows). Reads find an entry in memory or in a segment.
 * Failures: an error of write, sync, rename or directory sync ends the process. A segment that does
 * not match its checksums gives ERR_CORRUPT to the reader, and the log knows from then on that it
 * is damaged, until that is mended; a new start forgets it, because the file may have been put
 * back. Invariants: first <= commit+1; uncommitted entries are never in a segment; segments are
 * append-only; offsets are dense; an entry leaves memory only when its segment can serve it. Three
 * positions with one setter: synced <= written <= committed.
 *
 * All logs of a shard share one log_store: journal, write-behind lane, tail cache budget, data
 * directory.
 */
#ifndef STORAGE_LOG_PARTITION_LOG_H
#define STORAGE_LOG_PARTITION_LOG_H

#include "base/env.h"
#include "base/log.h"
#include "base/measure/buckets.h"
#include "storage/disk_space.h"
#include "storage/entry.h"
#include "storage/log_types.h"

/* ---- The store: what all logs of a shard share ---- */

struct log_store;

struct log_store_options {
    uint64_t journal_file_bytes, journal_max_bytes;
    uint64_t segment_bytes;        /* a segment is sealed when it is larger, unless its log says
                                      otherwise */
    uint32_t index_interval_bytes; /* one index entry for so many bytes of segment */
    bool must_exist;               /* as in journal_options */
    const char *disk_path;         /* what people call the disk; NULL: the store's directory */
    uint64_t disk_min_free_bytes;  /* disk_space.h */
    uint64_t tail_cache_bytes;   /* entries kept in memory after their segment can serve them, over
                                    all logs */
    unsigned open_files;         /* segments that may be open at one time */
    uint64_t flush_leaves_bytes; /* so much a flush leaves in the journal, of the logs that have
                                    least in it */
};

/* `path` is the shard's directory (".../shard-0"); made if missing. Recovers the journal. Errors as
 * journal_open. */
int log_store_open(struct env *env, struct log *log, const char *path,
                   const struct log_store_options *options, struct log_store **store,
                   struct error_text *why);
/* Waits for nothing: logs must be closed before. */
void log_store_close(struct log_store *store);
/* Writes what is committed to segments and syncs it (but for flush_leaves_bytes), then calls
 * `done`: a clean stop, so that the next start is short. */
void log_store_flush(struct log_store *store, void (*done)(void *arg), void *arg);
/* Calls `each` for every group that has a directory or journal records here. */
void log_store_each_group(struct log_store *store, void (*each)(void *arg, uint64_t group),
                          void *arg);
struct journal *log_store_journal(struct log_store *store);
struct disk_space *log_store_room(struct log_store *store);
/* Another tail_cache_bytes; what is too much leaves over several turns of the loop. */
void log_store_set_tail_cache(struct log_store *store, uint64_t bytes);
/* A segment that keeps a log of this store from being opened (storage/heal/wound.h), the caller's;
 * false: there is none. It is told again by the next try to open that log. */
struct wound;
bool log_store_take_wound(struct log_store *store, struct wound *into);
/* Told when disk_space_is_short has changed. */
struct log_store_room_listener {
    void (*changed)(struct log_store_room_listener *listener);
    struct log_store_room_listener *next, *prev;
};
void log_store_on_room(struct log_store *store, struct log_store_room_listener *listener);
void log_store_off_room(struct log_store *store, struct log_store_room_listener *listener);
/* Bytes of entries that are not yet committed, over all logs: leaders refuse and followers stop
 * reading beyond their limit. */
uint64_t log_store_uncommitted_bytes(const struct log_store *store);
/* Committed, and in no segment yet: the journal is their copy. */
uint64_t log_store_unwritten_bytes(const struct log_store *store);
/* What all logs of a store count together since it was opened, for metrics. */
enum fetched_from {
    FETCHED_MEMORY, /* the tail, as it was appended */
    FETCHED_CACHE,  /* a segment, of which the page cache had it */
    FETCHED_DISK,   /* ... that a thread had to read */
    FETCHED_FROM
};
struct log_store_counts {
    uint64_t fetched_bytes[FETCHED_FROM]; /* of batches, as consumers get them */
    struct buckets read_us[FETCHED_FROM]; /* how long looks into segments took (bounds_sync) */
    uint64_t written_bytes, raw_bytes;    /* of entries that went into segments, as they are stored,
                                             and before they were compressed */
    uint64_t dropped_bytes,
        cleaned_bytes; /* that went with segments at the front, or by cleaning */
};
const struct log_store_counts *log_store_counts(const struct log_store *store);
/* Bytes of entries that are not durable here, committed or not: what a slow disk has not taken yet,
 * over all logs. */
uint64_t log_store_undurable_bytes(const struct log_store *store);
/* Removes the files of a group whose deletion was committed; renamed aside first. The log must be
 * closed. */
int log_store_remove_group(struct log_store *store, uint64_t group);
/* The same for one replica of it that left by a committed plan, and only if what is here is that
 * replica's: 0, the one that the partition began with here; else as it was given when it was
 * opened. `over`: nothing of it is here any more, so the group may come back as another; not called
 * when the store is closed first, nor within the call. ERR_BUSY: its log is open. */
int log_store_remove_replica(struct log_store *store, uint64_t group, replica_id replica,
                             void (*over)(void *arg), void *arg);
/* The same for whatever replica is here, unless it is that one, or one that whoever asks does not
 * know of yet: ids rise. `over` comes also when nothing had to go. */
#define LOG_STORE_NO_REPLICA UINT64_MAX
struct log_store_others {
    replica_id keep;  /* as given to log_store_remove_replica; LOG_STORE_NO_REPLICA: none */
    replica_id below; /* of one that has a lower id, or is the first here */
};
int log_store_remove_others(struct log_store *store, uint64_t group,
                            const struct log_store_others *which, void (*over)(void *arg),
                            void *arg);

/* ---- One log ---- */

struct partition_log;
struct prefix_source;

/* Bytes of a segment that are not what was written, or cannot be read. */
struct partition_log_damage {
    const char *file;
    uint64_t position; /* of the entry in it */
    int error;         /* ERR_CORRUPT, or what the system says */
};

struct partition_log_events {
    /* Entries up to `index` (as they are in the log at this moment) are on disk, and every hard
     * state set before them is. */
    void (*durable)(void *arg, log_index index);
    /* The hard state that partition_log_set_hard_state numbered `version` is on disk, and all
     * before it. */
    void (*hard_state_durable)(void *arg, uint64_t version);
    /* A read has met damage; once for each file. The owner notes it, and calls nothing of the log.
     * May be NULL. */
    void (*damaged)(void *arg, const struct partition_log_damage *damage);
    /* All of its damage is mended (log_healing.h), or gone with its segments:
     * partition_log_is_damaged says no again. The owner notes it, too. May be NULL. */
    void (*mended)(void *arg);
    /* The start is to move past the configuration of entry `index`, which is committed and cannot
     * be read for damage. The owner gives it within the call (partition_log_know_change), if it
     * knows it. May be NULL. */
    void (*lacks_change)(void *arg, log_index index);
    /* A prefix is gone: partition_log_first_index has moved. May be NULL. */
    void (*start_moved)(void *arg);
    /* partition_log_install has come to its end, durably: partition_log_snapshot gives the state of
     * the new log's appliers. Not NULL where that is called. */
    void (*installed)(void *arg);
};

/* Opens the log of `group`, once in the life of the store, or begins a new one, for which nothing
 * is made on disk yet. After recovery the committed part that is known is in segments (or memory),
 * and later entries are uncommitted. `label` ("orders-3", "metadata") is for messages; copied.
 * Blocks: for the one log that a start waits for. ERR_CORRUPT, ERR_VERSION: damage, or a file of
 * another time; what else there is (ERR_IO, ERR_LIMIT, ERR_NO_SPACE, ERR_BUSY, ...) may pass. */
int partition_log_open(struct log_store *store, uint64_t group, const char *label,
                       const struct partition_log_events *events, void *arg,
                       struct partition_log **log, struct error_text *why);

/* The same without blocking: begin sends it into a lane; `ready` comes later, never within the
 * call; then the owner calls end once, which gives the log or the error. Between begin and end the
 * group must not be removed. `replica`: which one of the group this is, if it joined later; 0: it
 * was there when the partition was made. ERR_BUSY also when what is here is another replica's. */
struct partition_log_opening;
struct partition_log_opening *partition_log_open_begin(struct log_store *store, uint64_t group,
                                                       replica_id replica, const char *label,
                                                       void (*ready)(void *arg), void *arg);
int partition_log_open_end(struct partition_log_opening *opening,
                           const struct partition_log_events *events, void *arg,
                           struct partition_log **log, struct error_text *why);
/* Instead of end, at any time: `ready` will not come. Says whether it is over, so that the group
 * may be removed; if not, `over` is called later (NULL: nobody waits; also when the store is closed
 * first). */
bool partition_log_open_cancel(struct partition_log_opening *opening, void (*over)(void *arg),
                               void *arg);
/* `damaged` is called for what the opening has found, and has passed over; the owner is ready for
 * it by now. */
void partition_log_tell_damage(struct partition_log *log);
/* No event comes after this; NULL does nothing. */
void partition_log_close(struct partition_log *log);

uint64_t partition_log_first_index(const struct partition_log *log); /* 1 while no prefix is gone */
uint64_t partition_log_last_index(const struct partition_log *log);  /* 0: empty */
uint64_t partition_log_durable_index(const struct partition_log *log);
/* The highest given to partition_log_commit, or known after recovery. */
uint64_t partition_log_commit_index(const struct partition_log *log);
/* 0: not in the log. That of first - 1 is known. */
uint32_t partition_log_term_at(const struct partition_log *log, log_index index);
/* Where the first segment begins. */
int64_t partition_log_start_offset(const struct partition_log *log);
/* The offset that the next record gets. */
int64_t partition_log_end_offset(const struct partition_log *log);
/* The end offset if the log ended with `index`, which is in [first-1, last] and either in memory or
 * the commit index; else -1. */
int64_t partition_log_offset_behind(const struct partition_log *log, log_index index);
uint64_t partition_log_uncommitted_bytes(const struct partition_log *log);
uint64_t partition_log_undurable_bytes(const struct partition_log *log);
/* A read has met damage since it was opened. */
bool partition_log_is_damaged(const struct partition_log *log);
uint64_t partition_log_size_bytes(const struct partition_log *log); /* on disk, in segments */
/* About what entries behind `index` take, in segments and in memory. */
uint64_t partition_log_bytes_behind(const struct partition_log *log, log_index index);
size_t partition_log_segments(const struct partition_log *log);
/* Of all that has committed: in segments, and what the journal alone has so far. */
uint64_t partition_log_committed_bytes(const struct partition_log *log);

/* The body of an ENTRY_CHANGE that was read at the start, or is in force: should its segment be
 * damaged, the log's start can move past it all the same. Copied. */
void partition_log_know_change(struct partition_log *log, log_index index, struct slice body);
/* Ranges of equal term, in order: feeds RAFT_START. `count` entries of `term` from `first` on; the
 * first range may begin with the last entry that is gone. */
void partition_log_each_term(const struct partition_log *log,
                             void (*each)(void *arg, uint64_t first, uint64_t count, log_term term),
                             void *arg);
/* Indexes of ENTRY_CHANGE entries, ascending (a handful in a log's life). The body comes by
 * partition_log_read; but that of the first one, if it is gone, by partition_log_base_change. */
size_t partition_log_changes(const struct partition_log *log, uint64_t *into, size_t room);
/* The configuration in force where the log begins, and its index: below the first one. False: that
 * is the beginning of all. `body` is borrowed. */
bool partition_log_base_change(const struct partition_log *log, log_index *index,
                               struct slice *body);

/* Whole sealed segments of which all records lie below `offset`, and all entries up to `index`, are
 * not needed any more, here or by a member: they go in steps, as soon as the applier's state that
 * reaches as far is on the disk; each file `delay_ms` later. Neither goes back. */
void partition_log_drop_prefix(struct partition_log *log, kafka_offset offset, log_index index,
                               uint64_t delay_ms);
/* The last index of the first sealed segment that only `index` keeps from going, or that it ends
 * with the log's last entry; 0: there is none. */
log_index partition_log_waiting_prefix(const struct partition_log *log);
/* Bytes in segments that lie below what partition_log_drop_prefix was told, and are still in them.
 */
uint64_t partition_log_below_bytes(struct partition_log *log);

/* How long records stay. */
struct log_limits {
    int64_t age_ms; /* by the largest timestamp of a segment; -1: no limit */
    int64_t bytes;  /* of what partition_log_drop_prefix leaves, in segments; -1: no limit */
};
struct log_expiry {
    kafka_offset offset; /* the log may start there: the end of a segment, or of the log; -1:
                            nothing is too old or too much */
    int64_t future_ms;   /* a timestamp above `wall_ms` that keeps a segment; -1: none does */
};
/* What is too old, or beyond the bytes, of the segments at the front: what
 * partition_log_drop_prefix was told of does not count. All of the log, the active segment and what
 * is in memory too, when all of it has committed and is too old. Takes as long as segments go, few
 * thousand a call at most. */
struct log_expiry partition_log_expiry(struct partition_log *log, const struct log_limits *limits,
                                       int64_t wall_ms);
/* The active segment is sealed, as by partition_log_roll, when its first record has been there for
 * `age_ms`, or up to `jitter_ms` earlier, drawn for each segment. age_ms 0: never. Behind an
 * opening the age is as the timestamps tell it. */
void partition_log_roll_at_age(struct partition_log *log, uint64_t age_ms, uint64_t jitter_ms);

/* Such a segment is there, or the active one is about to become one (partition_log_roll). */
bool partition_log_keeps_prefix(const struct partition_log *log);
/* A segment of this log is sealed when it is larger than so much; from the next entry on. */
void partition_log_set_segment_bytes(struct partition_log *log, uint64_t bytes);
/* The beginning of the log, to be given away as files: the newest snapshot of the appliers on this
 * disk, and the sealed segments that it covers, up to the first change of the configuration.
 * Nothing at the front goes until it is taken back. NULL: not at present (the start is about to
 * move), or it is of no use, because nothing of the log is gone. The log is not closed before. */
struct prefix_source *partition_log_give_prefix(struct partition_log *log);
/* Why that gave none the last time. */
enum prefix_refusal {
    PREFIX_NOT_NOW,  /* it passes */
    PREFIX_NO_STATE, /* no whole snapshot of the appliers reaches as far; one is asked for */
    /* Of what no entry can replace: */
    PREFIX_DAMAGED,   /* a segment is damaged here */
    PREFIX_TOO_LARGE, /* it has more files or blocks than a list may have (prefix_files.h) */
};
enum prefix_refusal partition_log_prefix_refused(const struct partition_log *log);
void partition_log_take_back(struct partition_log *log, struct prefix_source *source);
/* The newest snapshot of the appliers on this disk alone, which describes all up to *index, `least`
 * at least: for a replica that cannot apply what lies before that. NULL: none reaches as far; one
 * that does is kept soon, if that much has committed here. */
struct prefix_source *partition_log_give_state(struct partition_log *log, log_index least,
                                               log_index *index);
void partition_log_take_state_back(struct partition_log *log, struct prefix_source *source);
/* Where the log begins; index 0: with its first entry. Valid until the end of the turn. */
struct start_file;
const struct start_file *partition_log_place(const struct partition_log *log);
/* What segments have of the entries from `first` to `last`, for a replica that lacks them
 * (range_source.h), whether they count as gone here or not. NULL: damage is among them, or (*later)
 * not all of it is in segments, which it will be soon. */
struct range_source;
struct range_source *partition_log_give_range(struct partition_log *log, log_index first,
                                              log_index last, bool *later);
/* Damage that it has met is noted; it is freed. */
void partition_log_take_range_back(struct partition_log *log, struct range_source *source);

/* The active segment is larger than it is to be and has no record, nor is one to come: only behind
 * one it can be sealed. */
bool partition_log_lacks_record(const struct partition_log *log);
/* The active segment is sealed behind what has committed, if it has a record. */
void partition_log_roll(struct partition_log *log);

/* A log that a leader gave as files (log_staging.h), which is prepared, settled and taken over,
 * takes the place of this one, which lacks the entry where that ends. At once the log is empty and
 * begins behind that entry, and reads under way end with ERR_NOT_FOUND; nothing is appended until
 * `installed` comes. A crash leaves the old log, or the new one. */
struct log_staging;
void partition_log_install(struct partition_log *log, struct log_staging *staging);

/* Hard state. set returns its version; `hard_state_durable` reports it. */
uint32_t partition_log_term(const struct partition_log *log);
uint64_t partition_log_voted_for(const struct partition_log *log);
uint64_t partition_log_set_hard_state(struct partition_log *log, log_term term, uint64_t voted_for);

/* Sealed entries, the first with index last+1, each going on where the one before it ended: group,
 * base offset, term not below. That is checked (CHECK), so what a peer sent is compared with
 * partition_log_offset_behind first. Takes references of its own. */
void partition_log_append(struct partition_log *log, struct entry *const *entries, size_t n);
/* Drops entries from `index` on; index > commit index. Their completion is never reported. */
void partition_log_truncate(struct partition_log *log, log_index index);
/* Entries up to `index` are committed; never goes back; may be ahead of the last index (then it
 * counts as it arrives). */
void partition_log_commit(struct partition_log *log, log_index index);

/* ---- Reading: closing the log cancels what is under way ---- */

struct log_reading;

/* Reads entries by index, for peers and appliers: from `first`, whole entries, at least one, then
 * up to max_bytes. Calls `done` later, or within this call when all is in memory (returns true
 * then). Entries are the callee's to unref. ERR_NOT_FOUND: truncated away meanwhile or below the
 * first index; ERR_CORRUPT. */
struct partition_log_read {
    void (*done)(struct partition_log_read *read, int error);
    /* Array and references: the callee's; free with partition_log_read_release. */
    struct entry **entries;
    size_t count;
    struct entry
        *only; /* the array, of one entry that was in memory: so a read stays where it is */
    struct log_reading *reading; /* the log's */
};
bool partition_log_read(struct partition_log *log, uint64_t first, uint64_t last,
                        uint64_t max_bytes, struct partition_log_read *read);
void partition_log_read_release(struct partition_log_read *read);
/* `done` will not be called. */
void partition_log_read_cancel(struct partition_log_read *read);

/* Reads record batches for a consumer: from the batch that holds `offset` (it may begin below it),
 * up to `max_bytes` but always at least one batch, never at or above `end_offset` (the high
 * watermark). Slices in order, as produced. Same calling convention. ERR_NOT_FOUND: offset not in
 * [start, end]; ERR_CORRUPT. */
struct partition_log_fetch {
    void (*done)(struct partition_log_fetch *fetch, int error);
    /* Array and slices: the callee's; free with partition_log_fetch_release. */
    struct slice *slices;
    size_t count;
    uint64_t bytes;
    kafka_offset next_offset; /* behind the last batch: below the end offset if more did not fit */
    struct log_reading *reading; /* the log's */
};
bool partition_log_fetch(struct partition_log *log, kafka_offset offset, kafka_offset end_offset,
                         uint64_t max_bytes, struct partition_log_fetch *fetch);
void partition_log_fetch_release(struct partition_log_fetch *fetch);
void partition_log_fetch_cancel(struct partition_log_fetch *fetch);

/* Finds the first record from `start_offset` on (a log start, perhaps inside of a batch) and below
 * `end_offset` (a high watermark: where a batch ends) whose timestamp is >= `timestamp`
 * (ListOffsets), or, with timestamp -3, the first of those with the largest timestamp (KIP-734).
 * Same calling convention; offset -1: there is none. ERR_AGAIN, never at once: records went
 * meanwhile, and the one looked for may have been among them; others may be above `end_offset`: ask
 * again, with the start and the end of now. */
struct partition_log_search {
    void (*done)(struct partition_log_search *search, int error);
    kafka_offset offset;
    int64_t timestamp;
    uint32_t leader_epoch;
    struct log_reading *reading; /* the log's */
};
bool partition_log_search(struct partition_log *log, int64_t timestamp, kafka_offset start_offset,
                          kafka_offset end_offset, struct partition_log_search *search);
void partition_log_search_cancel(struct partition_log_search *search);

/* Leader epoch (term) of the entry that holds `offset`, or would if it is the end; 0: none. */
uint32_t partition_log_epoch_at(const struct partition_log *log, kafka_offset offset);
/* For OffsetForLeaderEpoch: the end offset of an epoch (term_table.h). -1: none. */
int64_t partition_log_epoch_end(const struct partition_log *log, uint32_t epoch,
                                uint32_t *epoch_found);

/* ---- The applier's snapshot: opaque bytes kept at segment boundaries (producer state), so that a
 * start replays little ---- */

/* `wanted` is called when a segment is sealed, when one is synced and `every_bytes` of log were
 * written since the last time, and at a flush; but, unless it is a flush, not before as much log
 * was written as the state took the last time. The owner then puts its applier's state together, in
 * its own time, while the log goes on, and gives it: partition_log_keep, once for each call, within
 * it or later. A flush waits for it. */
void partition_log_on_seal(struct partition_log *log, uint64_t every_bytes,
                           void (*wanted)(void *arg), void *arg);
/* The applier's state after exactly the entries up to `index`, which is the last that it has
 * applied: `count` parts, one behind the other; array and references are taken over. 0: none. */
void partition_log_keep(struct partition_log *log, log_index index, struct slice *parts,
                        size_t count);
/* The newest snapshot that was usable when the log was opened, once: its index and bytes (the
 * caller's slice); false: none, replay from the first index, which is 1 then. */
bool partition_log_snapshot(struct partition_log *log, log_index *index, struct slice *state);
/* The same of another replica: partition_log_snapshot gives it once. It is on no disk of ours; what
 * its owner keeps from there on is. The slice is taken over. */
void partition_log_set_snapshot(struct partition_log *log, log_index index, struct slice state);
/* Its owner cannot read that: it is no reason to let go of what it is of, nor given to others. */
void partition_log_refuse_snapshot(struct partition_log *log);

#endif
