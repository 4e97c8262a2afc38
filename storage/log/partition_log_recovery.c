/*
 * Opening a log: what segments and journal hold is put together again.
 *
 * The journal's last durable progress record says up to which index, segment and position
 * everything is synced. What a crash can leave, and what is done:
 *
 *   segments                                   journal                    decision
 *   none                                       nothing of the group       a new log
 *   some                                       nothing of the group       damage: the journal knows
 * every group with segments base offset below the progress segment     progress sealed: kept; its
 * index file is read, or rebuilt by a scan the progress segment                       progress kept
 * up to the position; what lies behind is cut the same, shorter than the position        progress
 * damage: synced bytes are gone base offset above, or no progress          entries removed: nothing
 * in it was synced index file missing, torn, or behind        -                          what it
 * lacks is scanned; what it says beyond is dropped one that contradicts segment or progress   -
 * dropped: the segment is scanned a chain that does not fit (index, offset)  - damage an entry
 * behind the progress that is valid entries up to it           it was committed: so is everything
 * up to it the same                                   entries end before it      damage: the
 * journal lost what was durable
 *
 * Entries behind the progress come from the journal; what is known to be committed of them goes to
 * segments again by write-behind. Damage is ERR_CORRUPT with the place; nothing but an index that
 * was scanned is changed on disk before everything has been checked.
 *
 * In three steps: begin, on the loop; look, which blocks and may be a job of the store's own lane
 * for it: it touches the log that nobody else knows yet, and a copy of the journal's view of the
 * group; end, on the loop again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/group_directory.h"
#include "storage/log/kept_index.h"
#include "storage/log/log_internal.h"
#include "storage/log/partition_log_cut.h"
#include "storage/log/write_behind.h"
#include "storage/log_types.h"
#include "storage/segment/segment_cursor.h"
#include "storage/segment/segment_list.h"

static const char damage_advice[] =
    "put back this file as it was; the other replicas go on without this one";

enum opening_phase { OPENING_IN_LANE, OPENING_LOOKED, OPENING_CANCELED };

/* What is found while a log is opened. */
struct partition_log_opening {
    struct env_job job; /* first: a job is its opening */
    struct log_store *store;
    enum opening_phase phase;
    void (*ready)(void *arg); /* or, once canceled, `over`; may be NULL then */
    void *arg;
    int error;
    struct error_text sentence;    /* of `error` */
    struct partition_log *log;     /* NULL: another one of this group is open, or was */
    struct journal_group *journal; /* a copy, because the journal may be closed meanwhile; NULL: it
                                      never heard of the group */
    int64_t *bases;                /* base offsets of the segment files, ascending */
    size_t count;
    bool no_directory;
    bool sync_failed;       /* another one might say that it is done when it is not */
    size_t kept;            /* so many of them stay; the last of those is active */
    uint64_t found;         /* the largest index of a valid entry behind the progress */
    struct error_text *why; /* `sentence` */
};

/* ---- Files ---- */

static int list_segments(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    int error = segment_list(log->store->env, log->path, &opening->bases, &opening->count);
    opening->no_directory = error == ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND) return 0; /* nothing of it was written to a segment yet */
    if (error)
        return error_set(opening->why, error, "%s cannot be listed (%s)", log->path,
                         error_phrase(error));
    return 0;
}

static int damaged(struct partition_log_opening *opening, const char *path, const char *what) {
    return error_set(opening->why, ERR_CORRUPT, "%s of %s %s; %s", path, opening->log->label, what,
                     damage_advice);
}

/* Opens a segment file and reads its header. */
static int open_segment_file(struct partition_log_opening *opening, const char *path,
                             struct env_file **file, struct segment_header *header,
                             uint64_t *size) {
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    size_t got = 0;
    int error = env_file_open(opening->log->store->env, path, ENV_READ, file);
    if (error)
        return error_set(opening->why, error, "%s cannot be opened (%s); %s", path,
                         error_phrase(error), error_advice(error));
    error = env_file_size(*file, size);
    if (!error) error = env_file_read(*file, bytes, sizeof bytes, 0, &got);
    if (error) {
        error_set(opening->why, error, "%s cannot be read (%s); %s", path, error_phrase(error),
                  error_advice(error));
    } else if (got < sizeof bytes) {
        error = damaged(opening, path, "is too short to be a segment");
    } else if ((error = segment_header_decode(bytes, SEGMENT_FILE_LOG, header)) == ERR_VERSION) {
        error_set(opening->why, error,
                  "%s was written by a newer version of draved; start that one", path);
    } else if (error || header->group != opening->log->group) {
        error = damaged(opening, path, "does not begin with the header of this group's segments");
    }
    if (error) env_file_close(*file);
    return error;
}

/* ---- Segments that stay ---- */

/* Does the segment go on where the one before it ended? */
static bool follows(const struct partition_log *log, const struct segment_header *header,
                    int64_t base) {
    log_index last_index = 0;
    int64_t end = 0;
    if (log->segment_count > 0) {
        const struct segment *before = log->segments[log->segment_count - 1];
        last_index = before->end.last_index;
        end = before->end.offset;
    }
    return header->base_offset == base && header->base_offset == end &&
           header->first_index == last_index + 1;
}

/* Reads what is known of one segment up to its limit and adds it to the log. */
static int keep_segment(struct partition_log_opening *opening, const struct kept_segment *kept,
                        const char *path) {
    struct partition_log *log = opening->log;
    char *index_path = path_of_segment(log->path, kept->header.base_offset, SEGMENT_FILE_INDEX);
    struct segment_index *index = NULL;
    uint64_t damaged_at = 0;
    int error = kept_index_read(log, kept, index_path, &index, &damaged_at);
    if (error == ERR_CORRUPT)
        error_set(opening->why, error,
                  "%s of %s has an entry that does not match its checksum, at position %" PRIu64
                  "; %s",
                  path, log->label, damaged_at, damage_advice);
    else if (error)
        error_set(
            opening->why, error,
            "%s or its index %s cannot be read or written (%s); %s; the index may be removed, it is made again",
            path, index_path, error_phrase(error), error_advice(error));
    mem_free(index_path);
    if (error) return error;
    bool fits = kept_index_take_tables(log, index);
    struct segment *segment = segment_new(&log->store->files, log->path, &kept->header,
                                          log->store->index_interval_bytes, NULL);
    segment->end = index->end;
    segment->synced = index->end.position;
    segment->active = kept->active;
    if (kept->active)
        segment->index = index;
    else
        segment_index_free(index);
    partition_log_add_segment(log, segment);
    return fits ? 0 : damaged(opening, path, "has an index whose terms do not fit");
}

/* Segments are named for where they begin: so there may be one missing, whose name is known. */
static int does_not_follow(struct partition_log_opening *opening, const char *path, int64_t base) {
    const struct partition_log *log = opening->log;
    int64_t end = log->segment_count > 0 ? log->segments[log->segment_count - 1]->end.offset : 0;
    if (end >= base)
        return damaged(opening, path, "does not go on where the segment before it ends");
    char *missing = path_of_segment(log->path, end, SEGMENT_FILE_LOG);
    int error = error_set(
        opening->why, ERR_CORRUPT,
        "%s of %s does not go on where the segment before it ends: %s is missing, or what lies before it was cut; put "
        "it back as it was; the other replicas go on without this one",
        path, log->label, missing);
    mem_free(missing);
    return error;
}

/* The segment with this base offset: sealed, or (active) the one that progress names. */
static int keep(struct partition_log_opening *opening, int64_t base, bool active) {
    struct partition_log *log = opening->log;
    char *path = path_of_segment(log->path, base, SEGMENT_FILE_LOG);
    struct kept_segment kept = {.active = active, .end_offset = -1};
    uint64_t size;
    int error = open_segment_file(opening, path, &kept.file, &kept.header, &size);
    if (!error) {
        size_t next = opening->kept + 1;
        if (active)
            kept.last_index = opening->journal->progress;
        else if (next < opening->count)
            kept.end_offset = opening->bases[next];
        kept.limit = active ? opening->journal->progress_position : size;
        if (!follows(log, &kept.header, base))
            error = does_not_follow(opening, path, base);
        else if (kept.limit > size || kept.limit < SEGMENT_HEADER_SIZE)
            error = damaged(opening, path, "is shorter than what the journal knows to be synced");
        else
            error = keep_segment(opening, &kept, path);
        env_file_close(kept.file);
    }
    if (!error && active &&
        log->segments[log->segment_count - 1]->end.last_index != opening->journal->progress)
        error = damaged(opening, path, "does not end with the entry that the journal names");
    mem_free(path);
    return error;
}

static int keep_synced(struct partition_log_opening *opening) {
    if (!opening->journal || opening->journal->progress == 0) return 0;
    for (size_t i = 0; i < opening->count; i++) {
        int64_t base = opening->bases[i];
        if (base > opening->journal->progress_segment) break;
        int error = keep(opening, base, base == opening->journal->progress_segment);
        if (error) return error;
        opening->kept++;
    }
    if (opening->kept > 0 &&
        opening->bases[opening->kept - 1] == opening->journal->progress_segment)
        return 0;
    char *path = path_of_segment(opening->log->path, opening->journal->progress_segment,
                                 SEGMENT_FILE_LOG);
    int error = damaged(opening, path, "is missing, but the journal knows that it was synced");
    mem_free(path);
    return error;
}

/* ---- What lies behind the progress ---- */

/* The last index of the valid entries that follow each other from `position` on. */
static void look_behind(struct partition_log_opening *opening, struct env_file *file,
                        uint64_t position, uint64_t size, uint64_t expected) {
    enum { LOOK_CHUNK_BYTES = 64 << 10 };
    struct segment_cursor cursor;
    segment_cursor_init(&cursor, file, opening->log->group, position, size, LOOK_CHUNK_BYTES);
    cursor.expected_index = expected;
    struct entry *entry;
    while (segment_cursor_next(&cursor, &entry) == 0) {
        if (entry->index > opening->found) opening->found = entry->index;
        entry_unref(entry);
    }
    segment_cursor_close(&cursor);
}

/* Which committed entries do the unsynced parts hold? They must be in the journal. */
static int look_at_unsynced(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    for (size_t i = opening->kept > 0 ? opening->kept - 1 : 0; i < opening->count; i++) {
        char *path = path_of_segment(log->path, opening->bases[i], SEGMENT_FILE_LOG);
        struct env_file *file;
        struct segment_header header;
        uint64_t size;
        struct error_text ignored, *why = opening->why;
        bool kept = i + 1 == opening->kept;
        opening->why = &ignored; /* a file that was never synced may be anything */
        int error = open_segment_file(opening, path, &file, &header, &size);
        opening->why = why;
        if (error == ERR_NONE) {
            uint64_t position = kept ? opening->journal->progress_position : SEGMENT_HEADER_SIZE;
            look_behind(opening, file, position, size,
                        kept ? opening->journal->progress + 1 : header.first_index);
            env_file_close(file);
        }
        mem_free(path);
    }
    const struct journal_group *journal = opening->journal;
    if (opening->found == 0) return 0;
    if (!journal || opening->found > journal->progress + journal->entry_count)
        return error_set(opening->why, ERR_CORRUPT,
                         "the segments of %s in %s hold entry %" PRIu64
                         ", but the journal beside them ends before it: it is older "
                         "than they are; put back the journal that belongs to them",
                         log->label, log->path, opening->found);
    return 0;
}

/* ---- Entries from the journal ---- */

static void begin_at_segments(struct partition_log *log) {
    const struct segment *active = partition_log_active(log);
    if (active) {
        log->last_index = active->end.last_index;
        log->end_offset = active->end.offset;
    }
    log->synced = log->written = log->committed = log->last_index;
    log->written_end = log->end_offset;
}

/* The positions and tables go on over them; the entries themselves belong to the loop. */
static int check_journal_entries(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    const struct journal_group *journal = opening->journal;
    begin_at_segments(log);
    for (size_t i = 0; journal && i < journal->entry_count; i++) {
        const struct entry *entry = journal->entries[i];
        log_term term = term_table_at(&log->terms, log->last_index);
        if (entry->index != log->last_index + 1 || entry->base_offset != log->end_offset ||
            entry->term < term || entry->term == 0)
            return error_set(
                opening->why, ERR_CORRUPT,
                "entry %" PRIu64
                " of %s in the journal does not go on where its segments end (entry %" PRIu64
                ", offset %" PRId64 "); put back the files that belong together",
                entry->index, log->label, log->last_index, log->end_offset);
        term_table_add(&log->terms, entry->index, entry->base_offset, entry->term);
        if (entry->type == ENTRY_CHANGE) partition_log_add_change(log, entry->index);
        log->last_index = entry->index;
        log->end_offset += entry->records;
    }
    return 0;
}

static void take_journal_entries(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    log_memory_init(&log->memory, &log->store->cache, log->written + 1);
    for (size_t i = 0; opening->journal && i < opening->journal->entry_count; i++)
        log_memory_push(&log->memory, opening->journal->entries[i]);
}

/* As far as what is here tells. */
static uint64_t known_commit(const struct partition_log_opening *opening) {
    const struct partition_log *log = opening->log;
    uint64_t commit = opening->journal ? opening->journal->commit : 0;
    if (commit < opening->found) commit = opening->found;
    if (commit < log->written) commit = log->written;
    return commit < log->last_index ? commit : log->last_index;
}

static void set_commit(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    log->durable = log->last_index;
    log->commit = known_commit(opening);
    for (uint64_t i = log->written + 1; i <= log->last_index; i++) {
        uint64_t stored = entry_stored_size(log_memory_at(&log->memory, i));
        if (i <= log->commit)
            log->unwritten_bytes += stored;
        else
            log->uncommitted_bytes += stored;
    }
    log->store->uncommitted_bytes += log->uncommitted_bytes;
    log->store->write_behind.unwritten_bytes += log->unwritten_bytes;
    partition_log_set_positions(log, log->synced, log->written, log->commit);
}

/* ---- The three steps ---- */

static int recovery_look(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    int error = list_segments(opening);
    if (!error && opening->count > 0 && !opening->journal)
        error = error_set(
            opening->why, ERR_CORRUPT,
            "%s has segments of %s, but the journal does not know this group; put back the journal that belongs to "
            "them",
            log->path, log->label);
    if (!error) error = keep_synced(opening);
    if (!error) error = look_at_unsynced(opening);
    if (!error) error = check_journal_entries(opening);
    if (!error)
        error = partition_log_cut(log, opening->bases, opening->count, opening->kept,
                                  &opening->sync_failed, opening->why);
    if (!error) error = kept_index_save_active(log, opening->why);
    if (error || opening->no_directory) return error;
    log->directory_made = group_directory_is_made(log->store->env, log->path, log->label);
    log->has_snapshot = applier_snapshot_find(log->store->env, log->path, log->group,
                                              known_commit(opening), &log->snapshot_index,
                                              &log->snapshot);
    return 0;
}

static struct partition_log_opening *recovery_begin(struct log_store *store, uint64_t group,
                                                    const char *label) {
    struct partition_log_opening *opening = mem_zalloc(sizeof *opening);
    struct partition_log *log;
    opening->why = &opening->sentence;
    HASH_FIND(by_group, store->logs, &group, sizeof group, log);
    if (log) {
        opening->error = error_set(
            opening->why, ERR_BUSY,
            "the log of %s is open already, or its last writes are not finished", label);
        return opening;
    }
    if (journal_recovered_is_gone(
            store->journal, group)) { /* it would be a new log, without the votes of the old one */
        opening->error = error_set(
            opening->why, ERR_CORRUPT,
            "the log of %s was closed since this broker started, as its own log says; start the broker again to open it",
            label);
        return opening;
    }
    log = mem_zalloc(sizeof *log);
    log->store = store;
    log->group = group;
    log->label = mem_strdup(label);
    log->path = path_of_group(store->groups_path, group);
    log->first_index = 1;
    log->closed = log->opening = true;
    HASH_ADD(by_group, store->logs, group, sizeof group, log);
    opening->log = log;
    opening->journal = journal_group_copy(journal_recovered(store->journal, group));
    return opening;
}

static void free_opening(struct partition_log_opening *opening) {
    journal_group_free(opening->journal);
    mem_free(opening->bases);
    mem_free(opening);
}

/* The log was not opened: it goes. */
static void recovery_drop(struct partition_log *log) {
    log->opening = false;
    for (size_t i = 0; i < log->segment_count; i++)
        segment_drop(log->segments[i]);
    log->segment_count = 0;
    partition_log_free_if_unused(log);
}

int partition_log_open_end(struct partition_log_opening *opening,
                           const struct partition_log_events *events, void *arg,
                           struct partition_log **out, struct error_text *why) {
    CHECK(opening->phase == OPENING_LOOKED); /* only its owner calls, once it was told */
    struct partition_log *log = opening->log;
    int error = opening->error;
    if (error) {
        *why = opening->sentence;
        if (log) recovery_drop(log);
        free_opening(opening);
        return error;
    }
    log->events = *events;
    log->arg = arg;
    log->closed = log->opening = false;
    take_journal_entries(opening);
    if (opening->journal) {
        log->term = opening->journal->term;
        log->voted_for = opening->journal->voted_for;
    }
    set_commit(opening);
    journal_recovered_release(log->store->journal, log->group);
    free_opening(opening);
    write_behind_look(log);
    *out = log;
    return 0;
}

static void recovery_work(struct env_job *job) {
    struct partition_log_opening *opening = (struct partition_log_opening *)job;
    if (opening->log) opening->error = recovery_look(opening);
}

static void end_if_sync_failed(const struct partition_log_opening *opening) {
    if (opening->sync_failed) env_fatal(opening->log->store->env, "%s", opening->sentence.text);
}

static void recovery_done(struct env_job *job) {
    struct partition_log_opening *opening = (struct partition_log_opening *)job;
    struct log_store *store = opening->store;
    end_if_sync_failed(opening);
    void (*tell)(void *) = opening->ready;
    void *arg = opening->arg;
    bool canceled = opening->phase == OPENING_CANCELED;
    opening->phase = OPENING_LOOKED;
    if (canceled) {
        if (opening->log) recovery_drop(opening->log);
        free_opening(opening);
    }
    if (tell && !store->closed) tell(arg);
    log_store_job_done(store);
}

struct partition_log_opening *partition_log_open_begin(struct log_store *store, uint64_t group,
                                                       const char *label, void (*ready)(void *arg),
                                                       void *arg) {
    struct partition_log_opening *opening = recovery_begin(store, group, label);
    opening->job = (struct env_job){.work = recovery_work, .done = recovery_done};
    opening->store = store;
    opening->ready = ready;
    opening->arg = arg;
    log_store_run_job(store, store->open_lane, &opening->job);
    return opening;
}

bool partition_log_open_cancel(struct partition_log_opening *opening, void (*over)(void *arg),
                               void *arg) {
    if (opening->phase == OPENING_IN_LANE) {
        opening->phase = OPENING_CANCELED;
        opening->ready = over;
        opening->arg = arg;
        return false;
    }
    CHECK(opening->phase ==
          OPENING_LOOKED); /* else it was over before: its owner knows by `ready` */
    if (opening->log) recovery_drop(opening->log);
    free_opening(opening);
    return true;
}

int partition_log_open(struct log_store *store, uint64_t group, const char *label,
                       const struct partition_log_events *events, void *arg,
                       struct partition_log **out, struct error_text *why) {
    struct partition_log_opening *opening = recovery_begin(store, group, label);
    if (!opening->error) opening->error = recovery_look(opening);
    end_if_sync_failed(opening);
    opening->phase = OPENING_LOOKED;
    return partition_log_open_end(opening, events, arg, out, why);
}
