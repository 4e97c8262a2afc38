/*
 * One read, fetch or search that is under way: what the three have in common.
 *
 * Happy path: the reader takes what is in memory at once. For what is in a segment it looks into it
 * with a visitor, a pure function over a cursor: first on the loop, from cached bytes only; if a
 * disk has to be asked, or much has to be done, the same visitor goes on in a job of the pool, and
 * `resume` continues on the loop. Failures: the visitor's error goes to whoever asked; one that
 * tells of damage is noted in the log first. When no file may be opened now, the look waits, in
 * order, until there is room for it (it is also tried again from time to time: the files may be
 * somebody else's).
 * A segment may be replaced by a cleaned one (log_cleaning.h) while a reading waits for a file: it
 * looks into the new one then, by its key. Who looks into the old one goes on there. One that is
 * being replaced is not opened any more: who would have to waits for that (log_readings_go_on).
 * Invariants: a reading in the pool touches nothing but itself, its held segment's file and memory
 * of its own; a request that was cancelled, or whose log was closed, is never touched again.
 */
#ifndef STORAGE_LOG_LOG_READING_H
#define STORAGE_LOG_LOG_READING_H

#include "storage/log/log_internal.h"
#include "storage/log_types.h"
#include "storage/segment/segment_cursor.h"

enum seek_by { SEEK_BY_INDEX, SEEK_BY_OFFSET, SEEK_BY_TIMESTAMP, SEEK_TO_START };

struct log_reading {
    struct env_job job; /* first: a job is its reading */
    struct env *env;
    struct partition_log *log; /* NULL: closed meanwhile, or cancelled */
    struct log_reading *next, *prev;
    void *request;               /* the caller's struct */
    struct log_reading **handle; /* in it: NULL when nothing is under way */
    /* On the loop, after a job: goes on with the outcome of the look. */
    void (*resume)(struct log_reading *reading, int error);
    void (*free)(struct log_reading *reading); /* frees what it gathered, and itself */

    /* The look into one segment. */
    int (*visit)(struct log_reading *reading); /* ERR_NONE: through, or enough; else an error */
    struct segment *segment;                   /* held */
    int64_t looked_at;                         /* base offset of the segment of the last look, */
    uint32_t looked_generation;                /* ... and its generation */
    struct segment_cursor cursor;
    size_t chunk_bytes;
    enum seek_by by;
    int64_t key;
    uint64_t position; /* where it begins, if not 0 */
    bool waiting;      /* for a file, in the store's queue */
    bool held_up;      /* until its segment is replaced, or is not to be any more */
    bool left;         /* another log has taken the place of the one that it reads */
    struct log_reading *next_waiting;
    char *index_path;                            /* set: the index is to be read first */
    struct segment_index *loaded;                /* by the job, for the segment */
    int (*compute)(struct log_reading *reading); /* under way in the pool; NULL: none */
    int error;
    uint64_t damaged_at; /* in a file whose index was to be read, by a scan */
};

/* Links `reading` (zeroed by the caller but for what the look needs) to its log and request. */
void log_reading_begin(struct log_reading *reading, struct partition_log *log, void *request,
                       struct log_reading **handle);
/* Unlinks it from both and frees it, now or when its job ends. */
void log_reading_end(struct log_reading *reading);
/* No segment of this log is being replaced any more: those that waited for it look again. */
void log_readings_go_on(struct partition_log *log);
/* Perhaps a file may be opened: those that wait for one go on, at the end of this turn. */
void log_readings_wake(struct log_store *store);
void log_readings_open(struct log_store *store);
void log_readings_close(struct log_store *store);

/* The log is closing: ends all that are under way. */
void log_readings_detach(struct partition_log *log);
/* Another log takes this one's place: those that are under way end, each when it comes back, with
 * what they have, or with ERR_NOT_FOUND. */
void log_readings_leave(struct partition_log *log);
/* Looks into the segment from where `by` and `key` say, or from `position` if that is not 0.
 * Returns what the visitor returned, or ERR_AGAIN: `resume` comes later. */
int log_reading_look(struct log_reading *reading, struct segment *segment, enum seek_by by,
                     int64_t key, uint64_t position);

/* Runs `compute`, which touches only what a reading in the pool may touch, in the pool: `resume`
 * comes later with what it returned. */
void log_reading_compute(struct log_reading *reading, int (*compute)(struct log_reading *reading));

/* Whoever read this segment of the log met the error at `position`: if it tells of damage, all know
 * by now. */
void log_note_damage(struct partition_log *log, struct segment *segment, int error,
                     uint64_t position);

/* The segments that hold an index or offset that is written. */
struct segment *log_segment_of_index(const struct partition_log *log, log_index index);
struct segment *log_segment_of_offset(const struct partition_log *log, kafka_offset offset);

/* Where an earlier reader stopped: the position of the entry with that index (offset), or 0. */
uint64_t log_hint_by_index(const struct partition_log *log, const struct segment *segment,
                           log_index index);
uint64_t log_hint_by_offset(const struct partition_log *log, const struct segment *segment,
                            kafka_offset offset);
/* The look has stopped before or inside the entry at its cursor's position; `index` (0) and
 * `offset` (-1: not known) are next. */
void log_hint_leave(const struct log_reading *reading, log_index index, kafka_offset offset,
                    uint64_t position);

#endif
