/*
 * Opening a log: what segments and journal hold is put together again.
 *
 * The journal's last durable progress record says up to which index, segment and position
 * everything is synced. What a crash can leave, and what is done:
 *
 *   segments, or what of them           journal              decision
 *   none                                nothing of the group a new log
 *   some, or a `start`                  nothing of the group damage: it knows every group with any
 *   base offset below `start`           -                    left by a crash: removed
 *   base offset inside of a cleaned one -                    merged into it, left by a crash:
 *                                                            removed
 *   an unfinished file of a cleaning    -                    removed
 *   a `.mend` file                      -                    what it says is written again, if it
 *                                                            is whole; it is removed
 *   `start` not whole, or behind the journal's end           damage
 *   `start`, and no applier's snapshot that reaches as far   damage: what it was made from is gone
 *   base offset below the progress      progress             sealed, kept; its index is read, or
 *                                                            rebuilt by a scan
 *   the progress segment                progress             kept up to the position; what lies
 *                                                            behind is cut
 *   the same, shorter than it           progress             damage: synced bytes are gone
 *   base offset above, or no progress   entries              removed: nothing in it was synced
 *   index missing, torn, or behind      -                    what it lacks is scanned; what it says
 *                                                            beyond is dropped
 *   index against segment or progress   -                    dropped: the segment is scanned
 *   a chain that does not fit           -                    damage (index, offset)
 *   any, and beside them a whole staged progress where that   the swap is finished: either
 * directory directory                           ends                 may be where it belongs
 * already the same                            another progress     it stays for the next offer a
 * valid entry behind the progress   entries up to it     it was committed: so is all up to it the
 * same                            entries end before   damage: what was durable is lost
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
#include "base/mutant.h"
#include "storage/log/log_internal.h"
#include "storage/log/recovered_segments.h"
#include "storage/log/write_behind.h"
#include "storage/log_types.h"
#include "storage/segment/group_directory.h"
#include "storage/segment/replica_file.h"
#include "storage/segment/staged_directory.h"
#include "storage/state/state_files.h"

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
    replica_id replica;            /* as in partition_log_open_begin */
    struct partition_log *log;     /* NULL: another one of this group is open, or was */
    struct journal_group *journal; /* a copy, because the journal may be closed meanwhile; NULL: it
                                      never heard of the group */
    struct recovered_segments segments;
    char *aside;            /* what a swap has left, and is to be removed; NULL: nothing */
    bool sync_failed;       /* another one might say that it is done when it is not */
    struct error_text *why; /* `sentence` */
};

/* ---- Entries from the journal ---- */

static void begin_at_segments(struct partition_log *log) {
    const struct segment *last = partition_log_last_segment(log);
    log->last_index = log->first_index - 1;
    log->end_offset = log->prefix.start.next_offset;
    if (last) {
        log->last_index = last->end.last_index;
        log->end_offset = last->end.offset;
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
        if (entry->index < log->first_index) continue; /* the progress says less than `start` */
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
        if (opening->journal->entries[i]->index >= log->first_index)
            log_memory_push(&log->memory, opening->journal->entries[i]);
}

/* As far as what is here tells. */
static uint64_t known_commit(const struct partition_log_opening *opening) {
    const struct partition_log *log = opening->log;
    uint64_t commit = opening->journal ? opening->journal->commit : 0;
    if (commit < opening->segments.unsynced_index) commit = opening->segments.unsynced_index;
    if (commit < log->written) commit = log->written;
    if (commit < log->kept_index) commit = log->kept_index; /* only what is committed is applied */
    return commit < log->last_index ? commit : log->last_index;
}

static void set_commit(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    log->durable = log->last_index;
    uint64_t committed = known_commit(opening);
    /* The applier's state may be ahead of the log: see find_snapshot. */
    log->commit = committed < log->kept_index ? log->kept_index : committed;
    for (uint64_t i = log->written + 1; i <= log->last_index; i++) {
        const struct entry *entry = log_memory_at(&log->memory, i);
        uint64_t stored = entry_stored_size(entry);
        if (entry->type == ENTRY_BATCHES) segment_age_begin(log, entry);
        if (i <= committed)
            log->unwritten_bytes += stored;
        else
            log->uncommitted_bytes += stored;
    }
    applier_snapshot_opened(log);
    log->store->uncommitted_bytes += log->uncommitted_bytes;
    log->store->write_behind.unwritten_bytes += log->unwritten_bytes;
    partition_log_set_positions(log, log->synced, log->written, committed);
}

static bool find_up_to(struct partition_log *log, const struct state_limits *limits) {
    if (log->has_snapshot) slice_unref(&log->snapshot);
    log->has_snapshot = state_files_find(log->store->env, log->path, log->group, limits,
                                         &log->snapshot_index, &log->snapshot);
    if (MUTANT(MUTANT_STATE_BELOW_START) && log->has_snapshot &&
        log->snapshot_index + 1 < log->first_index)
        log->snapshot_index = log->first_index - 1;
    return log->has_snapshot && log->snapshot_index + 1 >= log->first_index;
}

/* The applier's state, without which nothing that is gone can be known. One that a leader gave with
 * the beginning of the log may be ahead of what has come since: what it describes had committed. */
static int find_snapshot(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    struct state_limits limits = {.committed = known_commit(opening), .last = log->last_index};
    struct state_limits given = {.last = UINT64_MAX};
    bool reaches = find_up_to(log, &limits) || log->first_index == 1 || find_up_to(log, &given);
    if (log->has_snapshot) {
        log->kept_index = log->snapshot_index;
        if (state_files_have_copy(log->store->env, log->path, log->kept_index))
            log->copied_index = log->kept_index;
    }
    if (reaches) return 0;
    return error_set(
        opening->why, ERR_CORRUPT,
        "%s begins behind entry %" PRIu64
        ", and no whole snapshot in %s reaches as far; put back the files that belong together; the other replicas go on "
        "without this one",
        log->label, log->first_index - 1, log->path);
}

/* What `start` says is gone was durable in the journal. */
static int check_start(const struct partition_log_opening *opening) {
    const struct partition_log *log = opening->log;
    const struct journal_group *journal = opening->journal;
    uint64_t last = journal ? journal->progress + journal->entry_count : 0;
    if (last + 1 >= log->first_index) return 0;
    return error_set(opening->why, ERR_CORRUPT,
                     "%s/start says that %s begins behind entry %" PRIu64
                     ", but the journal beside it ends with %" PRIu64
                     ": it is older; put back the journal that belongs to it",
                     log->path, log->label, log->first_index - 1, last);
}

/* Votes and entries of another replica of this group must not be taken for ours. */
static int check_replica(struct partition_log_opening *opening) {
    const struct partition_log *log = opening->log;
    replica_id found = 0;
    bool nothing = !opening->journal && opening->segments.no_directory;
    int error = replica_file_read(log->store->env, log->store->groups_path, log->group, &found);
    if (error && error != ERR_NOT_FOUND)
        return error_set(opening->why, error,
                         "%s.replica cannot be read (%s); put it back as it was", log->path,
                         error_phrase(error));
    if (found == opening->replica) return 0;
    if (!nothing || found > opening->replica)
        return error_set(opening->why, ERR_BUSY,
                         "what is here of %s is of another of its replicas (%" PRIu64
                         ", not %" PRIu64 "; 0: the first one), which is to be removed first",
                         log->label, found, opening->replica);
    error = replica_file_write(log->store->env, log->store->groups_path, log->group,
                               opening->replica);
    opening->sync_failed = error && error != ERR_LIMIT && !error_is_no_room(error);
    return error ? error_set(opening->why, error, "cannot write %s.replica (%s); %s", log->path,
                             error_phrase(error), error_advice(error))
                 : 0;
}

/* The journal says that the log begins anew where the files beside it end. */
static int finish_install(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    const struct journal_group *journal = opening->journal;
    struct staged_place place = {0};
    if (journal)
        place = (struct staged_place){journal->progress, journal->progress_segment,
                                      journal->progress_position};
    char *staged_path = staged_directory_path(log->path);
    enum env_kind kind = ENV_NOTHING;
    bool ends_there = false;
    int error = env_kind_of(log->store->env, staged_path, &kind);
    if (!error && kind == ENV_DIRECTORY)
        error = staged_directory_ends_at(log->store->env, staged_path, log->group, &place,
                                         &ends_there);
    log->staged_left = kind == ENV_DIRECTORY && !ends_there;
    if (ends_there) {
        error = staged_directory_swap(log->store->env, log->store->groups_path, log->path,
                                      log->group, &place, &opening->aside);
        opening->sync_failed = error && error != ERR_LIMIT && !error_is_no_room(error);
    }
    if (error)
        error_set(opening->why, error, "%s cannot be read, or put in the place of %s (%s); %s",
                  staged_path, log->path, error_phrase(error), error_advice(error));
    mem_free(staged_path);
    return error;
}

/* ---- The three steps ---- */

static int recovery_look(struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    struct recovered_segments *found = &opening->segments;
    *found = (struct recovered_segments){
        .log = log, .journal = opening->journal, .why = opening->why};
    int error = finish_install(opening);
    if (!error) error = recovered_segments_start(found);
    if (!error) error = recovered_segments_list(found);
    if (!error) error = check_replica(opening);
    if (!error && found->count > 0 && !opening->journal)
        error = error_set(
            opening->why, ERR_CORRUPT,
            "%s has segments of %s, but the journal does not know this group; put back the journal that belongs to "
            "them",
            log->path, log->label);
    if (!error) error = check_start(opening);
    if (!error) error = recovered_segments_mend(found, &opening->sync_failed);
    if (!error) error = recovered_segments_keep(found);
    if (!error) error = recovered_segments_look_behind(found);
    if (!error) error = check_journal_entries(opening);
    if (!error) error = recovered_segments_cut(found, &opening->sync_failed);
    if (!error) error = kept_index_save_active(log, opening->why);
    if (error || found->no_directory) return error;
    log->directory_made = group_directory_is_made(log->store->env, log->path, log->label);
    return find_snapshot(opening);
}

static struct partition_log_opening *recovery_begin(struct log_store *store, uint64_t group,
                                                    const char *label) {
    struct partition_log_opening *opening = mem_zalloc(sizeof *opening);
    struct partition_log *log;
    opening->store = store;
    opening->why = &opening->sentence;
    HASH_FIND(by_group, store->logs, &group, sizeof group, log);
    if (log) {
        opening->error = error_set(
            opening->why, ERR_BUSY,
            "the log of %s is open already, or its last writes are not finished", label);
        return opening;
    }
    /* Else it would be a new log, without the votes of the old one. */
    if (journal_recovered_is_gone(store->journal, group)) {
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
    log->segment_bytes = log->active_bytes = store->options.segment_bytes;
    log->unwritten_timestamp = -1;
    log->closed = log->opening = true;
    HASH_ADD(by_group, store->logs, group, sizeof group, log);
    opening->log = log;
    opening->journal = journal_group_copy(journal_recovered(store->journal, group));
    return opening;
}

static void free_opening(struct partition_log_opening *opening) {
    struct log_store *store = opening->store;
    if (opening->aside && !store->closed)
        paced_removal_add(&store->removals, opening->aside);
    else
        mem_free(opening->aside);
    journal_group_free(opening->journal);
    recovered_segments_close(&opening->segments);
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

/* What a crash left below the start of the log, and of a cleaning. */
static void remove_leftovers(const struct partition_log_opening *opening) {
    struct partition_log *log = opening->log;
    const struct segment_bases *left = &opening->segments.leftovers,
                               *unfinished = &opening->segments.unfinished;
    for (size_t i = 0; i < left->count; i++)
        dropped_segments_add_leftover(&log->store->dropped, log->path, left->bases[i]);
    for (size_t i = 0; i < unfinished->count; i++)
        dropped_segments_add_unfinished(&log->store->dropped, log->path, unfinished->bases[i]);
}

/* A power cut may have taken the progress on which `start` stands, so that no segment is left up to
 * it: a later record may rely on it. */
static void repeat_progress(struct partition_log *log, const struct journal_group *journal) {
    if (log->synced <= journal->progress) return;
    log->progress_segment = log->prefix.start.next_offset;
    journal_progress(log->store->journal, log->group, log->synced, log->progress_segment,
                     SEGMENT_HEADER_SIZE);
}

int partition_log_open_end(struct partition_log_opening *opening,
                           const struct partition_log_events *events, void *arg,
                           struct partition_log **out, struct error_text *why) {
    CHECK(opening->phase == OPENING_LOOKED); /* only its owner calls, once it was told */
    struct partition_log *log = opening->log;
    int error = opening->error;
    if (error) {
        *why = opening->sentence;
        if (opening->segments.wounded) {
            wounds_add(&opening->store->wounds, &opening->segments.wound);
            opening->segments.wound.group_path = NULL; /* taken over */
        }
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
        log->progress_segment = opening->journal->progress_segment;
        repeat_progress(log, opening->journal);
    }
    set_commit(opening);
    journal_recovered_release(log->store->journal, log->group);
    remove_leftovers(opening);
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
                                                       replica_id replica, const char *label,
                                                       void (*ready)(void *arg), void *arg) {
    struct partition_log_opening *opening = recovery_begin(store, group, label);
    opening->replica = replica;
    opening->job = (struct env_job){.work = recovery_work, .done = recovery_done};
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
    /* Else it was over before: its owner knows by `ready`. */
    CHECK(opening->phase == OPENING_LOOKED);
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
