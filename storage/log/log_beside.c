/*
 * The files beside the segments of a log are read, and what is damaged in them is made again from
 * what memory and the segments have: for the scrub (log_healing.h).
 *
 *   `start`       both copies; written again as it is known here
 *   snapshots     removed; instead of the newest one the appliers give another
 *   an index      of a sealed segment: that is scanned, and the file written again; of the active
 *                 one: removed, and written from its beginning on with the next sync that needs it
 *
 * One step at a time, each a job: reading in the lane of the cleanings, writing in that of the
 * group. Failures: what cannot be read or written now is looked at again with the next scrub; a
 * segment in which the scan meets damage is left to whoever mends that. Each thing that was made
 * again is one line on the log. Invariant: nothing is written over what somebody else has put in
 * its place meanwhile: who swaps segments, or moves `start`, is waited for by passing them over.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/log_internal.h"
#include "storage/segment/segment_list.h"
#include "storage/segment/start_file.h"
#include "storage/state/state_files.h"

enum { SNAPSHOTS_MOST = 8 };

enum beside_stage {
    BESIDE_LOOK,  /* at `start` and the snapshots */
    BESIDE_START, /* written again */
    BESIDE_REMOVE,
    BESIDE_INDEX,       /* read, and scanned if it is damaged */
    BESIDE_INDEX_WRITE, /* ... then written, or removed */
};

struct beside_snapshot {
    log_index index;
    bool is_copy;
};

struct log_beside {
    struct env_job job; /* first: a job is its beside */
    struct log_store *store;
    struct partition_log *log; /* NULL: it was left */
    void (*done)(void *arg);
    void *arg;
    enum beside_stage stage;
    bool busy;
    int error;
    char *group_path;
    uint64_t group;
    bool has_start, start_damaged;
    struct start_file start;
    struct beside_snapshot damaged[SNAPSHOTS_MOST];
    size_t damaged_count;
    struct segment *segment; /* held; NULL: none */
    kafka_offset next;       /* segments from there on are still to be looked at */
    uint64_t limit, interval_bytes;
    struct segment_index *index; /* to be written; NULL: to be removed */
    bool index_damaged;
};

/* ---- Jobs ---- */

static char *path_of_found(const struct log_beside *beside, struct beside_snapshot found) {
    return found.is_copy ? path_of_snapshot_copy(beside->group_path, found.index)
                         : path_of_snapshot(beside->group_path, found.index);
}

static void look_at_snapshot(void *arg, const char *name) {
    struct log_beside *beside = arg;
    struct slice state = {0};
    struct beside_snapshot found = {0};
    bool was_durable;
    found.is_copy = path_number(name, ".copy", &found.index);
    if (!found.is_copy && !path_number(name, ".snapshot", &found.index)) return;
    if (beside->damaged_count == SNAPSHOTS_MOST) return;
    char *path = path_of_found(beside, found);
    int error = state_file_read(beside->store->env, path, beside->group, found.index, &was_durable,
                                &state);
    slice_unref(&state);
    mem_free(path);
    if (error == ERR_CORRUPT || error == ERR_MALFORMED)
        beside->damaged[beside->damaged_count++] = found;
}

static void look(struct log_beside *beside) {
    struct env *env = beside->store->env;
    int error = start_file_check(env, beside->group_path, beside->group);
    beside->start_damaged = beside->has_start && (error == ERR_CORRUPT || error == ERR_NOT_FOUND);
    env_list_dir(env, beside->group_path, look_at_snapshot, beside);
}

static void remove_snapshots(struct log_beside *beside) {
    for (size_t i = 0; i < beside->damaged_count; i++) {
        char *path = path_of_found(beside, beside->damaged[i]);
        env_unlink(beside->store->env, path);
        mem_free(path);
    }
}

static bool index_is_whole(struct log_beside *beside, const char *path) {
    const struct segment *segment = beside->segment; /* only what never changes is looked at */
    struct segment_index found;
    segment_index_init(&found, &segment->header, beside->interval_bytes);
    int error = segment_index_load(beside->store->env, path, beside->limit, true, &found);
    bool whole = error || segment_index_goes_on_at(&found, beside->limit) ||
                 found.end.position >= beside->limit;
    segment_index_close(&found);
    return whole;
}

static void look_at_index(struct log_beside *beside) {
    struct segment *segment = beside->segment;
    char *path = path_of_segment(beside->group_path, segment->header.base_offset,
                                 SEGMENT_FILE_INDEX);
    beside->index_damaged = !index_is_whole(beside, path);
    mem_free(path);
    beside->error = ERR_NONE;
    if (beside->index_damaged && !segment->active)
        beside->error = segment_index_read(beside->store->env, segment->file, NULL,
                                           &segment->header, beside->limit, beside->interval_bytes,
                                           true, &beside->index, NULL);
}

static void write_index(struct log_beside *beside) {
    char *path = path_of_segment(beside->group_path, beside->segment->header.base_offset,
                                 SEGMENT_FILE_INDEX);
    if (beside->index != NULL)
        beside->error = segment_index_save(beside->store->env, path, beside->index);
    else
        beside->error = env_unlink(beside->store->env, path);
    mem_free(path);
}

static void beside_work(struct env_job *job) {
    struct log_beside *beside = (struct log_beside *)job;
    switch (beside->stage) {
    case BESIDE_LOOK: look(beside); break;
    case BESIDE_START:
        beside->error = start_file_write(beside->store->env, beside->group_path, beside->group,
                                         &beside->start);
        break;
    case BESIDE_REMOVE: remove_snapshots(beside); break;
    case BESIDE_INDEX: look_at_index(beside); break;
    case BESIDE_INDEX_WRITE: write_index(beside); break;
    }
}

static void beside_done(struct env_job *job);

static void run(struct log_beside *beside, enum beside_stage stage) {
    struct log_store *store = beside->store;
    bool reads = stage == BESIDE_LOOK || stage == BESIDE_INDEX;
    beside->stage = stage;
    beside->busy = true;
    beside->job = (struct env_job){.work = beside_work, .done = beside_done};
    log_store_run_job(store, reads ? store->clean_lane : log_store_lane(store, beside->group),
                      &beside->job);
}

/* ---- Its end ---- */

static void leave_segment(struct log_beside *beside) {
    segment_index_free(beside->index);
    beside->index = NULL;
    if (beside->segment != NULL) segment_let_go(beside->segment);
    beside->segment = NULL;
}

static void beside_free(struct log_beside *beside) {
    leave_segment(beside);
    slice_unref(&beside->start.change);
    mem_free(beside->group_path);
    mem_free(beside);
}

void log_beside_leave(struct log_beside *beside) {
    beside->log = NULL;
    if (!beside->busy) beside_free(beside);
}

static void beside_over(struct log_beside *beside) {
    void (*done)(void *) = beside->done;
    void *arg = beside->arg;
    log_beside_leave(beside);
    done(arg);
}

/* ---- Indexes ---- */

static struct segment *find_next(const struct log_beside *beside) {
    const struct partition_log *log = beside->log;
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        bool idle = !segment->active || (log->job == NULL && segment->index != NULL);
        if (segment->header.base_offset >= beside->next && idle && !segment->moving &&
            !segment->damaged)
            return segment;
    }
    return NULL;
}

static void next_index(struct log_beside *beside) {
    leave_segment(beside);
    struct segment *segment = find_next(beside);
    if (segment == NULL) {
        beside_over(beside);
        return;
    }
    segment_hold(segment);
    beside->segment = segment;
    beside->next = segment->header.base_offset + 1;
    beside->limit = segment->active ? segment->index->saved_position : segment->end.position;
    if (segment_open_file(segment))
        beside_over(beside); /* at another time */
    else
        run(beside, BESIDE_INDEX);
}

/* It is written from its header on, when it is written again. */
static void forget_saved(struct segment_index *index) {
    index->saved_points = index->saved_terms = index->saved_changes = 0;
    index->saved_position = SEGMENT_HEADER_SIZE;
    index->file_size = 0;
}

static void take_index(struct log_beside *beside) {
    struct segment *segment = beside->segment;
    bool there = segment->files != NULL && !segment->moving;
    bool writes = beside->log->job != NULL;
    if (!beside->index_damaged || !there || beside->error || (beside->index == NULL && writes)) {
        next_index(beside);
        return;
    }
    /* Sealed meanwhile: the next scrub has it. */
    if (beside->index == NULL && !segment->active) {
        next_index(beside);
        return;
    }
    if (beside->index == NULL) forget_saved(segment->index);
    run(beside, BESIDE_INDEX_WRITE);
}

static void tell_index(const struct log_beside *beside) {
    if (beside->error) return;
    log_event(beside->store->log, LOGGED_FILE_MADE_AGAIN,
              "%s/%020" PRId64 ".index of %s did not match its checksums; it %s",
              beside->group_path, beside->segment->header.base_offset, beside->log->label,
              beside->index != NULL ? "was made again from its segment"
                                    : "is made again when it is needed");
}

/* ---- From stage to stage ---- */

static void remove_or_go_on(struct log_beside *beside) {
    if (beside->damaged_count > 0)
        run(beside, BESIDE_REMOVE);
    else
        next_index(beside);
}

static void take_look(struct log_beside *beside) {
    const struct partition_log *log = beside->log;
    if (!beside->start_damaged || log->prefix.job != NULL) {
        remove_or_go_on(beside);
        return;
    }
    beside->start = log->prefix.start;
    beside->start.change = slice_ref(log->prefix.start.change);
    run(beside, BESIDE_START);
}

static void take_start(struct log_beside *beside) {
    struct log_store *store = beside->store;
    bool passing = error_is_no_room(beside->error) || beside->error == ERR_LIMIT;
    if (beside->error && !passing)
        env_fatal(
            store->env,
            "cannot write %s/start (%s); %s, and start this broker again: what it acknowledged is in its journal",
            beside->group_path, error_phrase(beside->error), error_advice(beside->error));
    if (!beside->error)
        log_event(store->log, LOGGED_FILE_MADE_AGAIN,
                  "%s/start of %s did not match its checksums; it is written again as it was",
                  beside->group_path, beside->log->label);
    remove_or_go_on(beside);
}

static void take_removed(struct log_beside *beside) {
    struct partition_log *log = beside->log;
    for (size_t i = 0; i < beside->damaged_count; i++) {
        if (beside->damaged[i].index == log->kept_index) {
            applier_snapshot_renew(log, beside->damaged[i].is_copy);
            continue;
        }
        char *path = path_of_found(beside, beside->damaged[i]);
        log_event(beside->store->log, LOGGED_FILE_MADE_AGAIN,
                  "%s of %s did not match its checksum; it is removed, because %s", path,
                  log->label,
                  beside->damaged[i].index < log->kept_index ? "a newer one is here"
                                                             : "the log has all that it said");
        mem_free(path);
    }
    next_index(beside);
}

static void beside_done(struct env_job *job) {
    struct log_beside *beside = (struct log_beside *)job;
    struct log_store *store = beside->store;
    beside->busy = false;
    if (beside->log == NULL) {
        beside_free(beside);
    } else {
        switch (beside->stage) {
        case BESIDE_LOOK: take_look(beside); break;
        case BESIDE_START: take_start(beside); break;
        case BESIDE_REMOVE: take_removed(beside); break;
        case BESIDE_INDEX: take_index(beside); break;
        case BESIDE_INDEX_WRITE:
            tell_index(beside);
            next_index(beside);
            break;
        }
    }
    log_store_job_done(store);
}

struct log_beside *log_beside_begin(struct partition_log *log, void (*done)(void *arg), void *arg) {
    struct log_beside *beside = mem_zalloc(sizeof *beside);
    beside->store = log->store;
    beside->log = log;
    beside->done = done;
    beside->arg = arg;
    beside->group = log->group;
    beside->group_path = mem_strdup(log->path);
    beside->interval_bytes = partition_log_index_interval(log);
    beside->has_start = log->prefix.start.index > 0;
    beside->next = INT64_MIN;
    run(beside, BESIDE_LOOK);
    return beside;
}
