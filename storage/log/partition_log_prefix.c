/*
 * Letting go of whole segments at the front: partition_log_drop_prefix of partition_log.h.
 *
 * One step at a time, the newest segment that may go and all before it:
 *   1 an applier's snapshot that reaches at least as far is on the disk; else one is kept first
 *   2 the configuration in force there is read: its entry may be among those that go
 *   3 `start` is written (start_file.h), in the lane of the group
 *   4 the segments leave the tables; the owner is told
 *   5 their files go, when nobody reads them any more (dropped_segments.h)
 *
 * What a crash leaves, and what the next opening makes of it (recovered_segments.c):
 *   before `start` is renamed    the old one, all segments: as before, and the step is taken again
 *   after it                     segments below `start`: they are removed, whatever is left of them
 *   (no crash) `start` missing, or not whole, or no snapshot that reaches as far: damage
 *
 * Failures: a full disk, or no more files, makes it wait and begin again; damage where the
 * configuration is keeps everything; any other error of writing ends the process. Invariants: index
 * <= that of a snapshot on the disk; index <= synced; a segment that is not sealed never goes.
 */
#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/log_internal.h"

enum { TRY_AGAIN_US = 1000 * 1000 };

/* The step that writes `start`. */
struct prefix_job {
    struct env_job job; /* first: a job is its prefix_job */
    struct env *env;
    struct log_store *store;
    struct partition_log *log;
    struct start_file start;
    int error;
    struct env_timer *again; /* NULL: nothing was in the way so far */
};

/* ---- What may go ---- */

/* How many segments at the front lie below what was asked for; `index` stands in for that of the
 * log. */
static size_t count_droppable(const struct partition_log *log, log_index index) {
    size_t count = 0;
    while (count < log->segment_count) {
        const struct segment *segment = log->segments[count];
        if (segment->active || segment->end.offset > log->prefix.offset ||
            segment->end.last_index > index || segment->end.last_index >= log->last_index ||
            segment->synced < segment->end.position)
            break;
        count++;
    }
    return count;
}

log_index partition_log_waiting_prefix(const struct partition_log *log) {
    size_t count = count_droppable(log, log->prefix.index);
    bool waits = count < count_droppable(log, UINT64_MAX);
    return waits ? log->segments[count]->end.last_index : 0;
}

bool partition_log_keeps_prefix(const struct partition_log *log) {
    return log->roll_to > 0 || partition_log_waiting_prefix(log) > 0;
}

static log_index last_change_up_to(const struct partition_log *log, log_index index) {
    size_t n = log->change_count;
    while (n > 0 && log->changes[n - 1] > index)
        n--;
    return n == 0 ? 0 : log->changes[n - 1];
}

/* ---- The configuration ---- */

static void on_change_read(struct partition_log_read *read, int error) {
    struct partition_log *log = CONTAINER_OF(read, struct partition_log, prefix.read);
    bool later = log->prefix.reading;
    log->prefix.reading = false;
    if (error == ERR_NONE && read->entries[0]->codec == ENTRY_PLAIN) {
        slice_unref(&log->prefix.change);
        log->prefix.change = slice_ref(read->entries[0]->body);
        log->prefix.change_index = read->entries[0]->index;
    }
    partition_log_read_release(read);
    /* Damage does not pass: it is met again with the next start that is asked for. */
    if (error != ERR_NONE && log->damaged)
        log->prefix.look = NULL;
    else if (error != ERR_NONE)
        partition_log_pause_prefix(log);
    else if (later)
        partition_log_look_prefix(log);
}

/* Its bytes are in prefix.change. False: not yet, or it cannot be read at present: the next look
 * tries again. */
static bool have_change(struct partition_log *log, log_index change_index) {
    struct log_prefix *prefix = &log->prefix;
    if (prefix->change_index == change_index) return true;
    if (prefix->start.change_index == change_index) {
        slice_unref(&prefix->change);
        prefix->change = slice_ref(prefix->start.change);
        prefix->change_index = change_index;
        return true;
    }
    prefix->read.done = on_change_read;
    if (!partition_log_read(log, change_index, change_index, 1, &prefix->read))
        prefix->reading = true;
    return prefix->change_index == change_index;
}

/* ---- After `start` ---- */

static void cut_tables(struct partition_log *log, const struct start_file *start) {
    term_table_drop_below(&log->terms, start->index, start->offset);
    size_t gone = 0;
    while (gone < log->change_count && log->changes[gone] < start->change_index)
        gone++;
    for (size_t i = gone; i < log->change_count; i++)
        log->changes[i - gone] = log->changes[i];
    log->change_count -= gone;
}

static void drop_segments(struct partition_log *log, log_index index) {
    size_t count = 0;
    /* One that was just begun has no entry yet: it is not known by its end. */
    while (count < log->segment_count && log->segments[count]->header.first_index <= index) {
        log->size_bytes -= log->segments[count]->end.position;
        dropped_segments_add(&log->store->dropped, log->segments[count++], log->prefix.delay_ms);
    }
    for (size_t i = count; i < log->segment_count; i++)
        log->segments[i - count] = log->segments[i];
    log->segment_count -= count;
}

static void take_start(struct partition_log *log, struct prefix_job *job) {
    slice_unref(&log->prefix.start.change);
    log->prefix.start = job->start;
    job->start.change = (struct slice){0};
    log->first_index = log->prefix.start.index + 1;
    log->start_offset = log->prefix.start.offset;
    cut_tables(log, &log->prefix.start);
    drop_segments(log, log->prefix.start.index);
    if (log->events.start_moved) log->events.start_moved(log->arg);
}

/* ---- The job ---- */

static void prefix_work(struct env_job *base) {
    struct prefix_job *job = (struct prefix_job *)base;
    job->error = start_file_write(job->env, job->log->path, job->log->group, &job->start);
}

static void try_again(void *arg) {
    struct prefix_job *job = arg;
    env_lane_run(log_store_lane(job->store, job->log->group), &job->job);
}

static void prefix_done(struct env_job *base) {
    struct prefix_job *job = (struct prefix_job *)base;
    struct partition_log *log = job->log;
    struct log_store *store = job->store;
    bool passing = error_is_no_room(job->error) || job->error == ERR_LIMIT;
    if (passing && !log->closed) {
        if (!job->again) job->again = env_timer_new(job->env, try_again, job);
        env_timer_start(job->again, TRY_AGAIN_US);
        return;
    }
    if (job->error && !log->closed)
        env_fatal(
            job->env,
            "cannot write %s/start (%s); %s, and start this broker again: what it acknowledged is in its journal",
            log->path, error_phrase(job->error), error_advice(job->error));
    log->prefix.job = NULL;
    if (!log->closed) take_start(log, job);
    slice_unref(&job->start.change);
    env_timer_free(job->again);
    mem_free(job);
    if (log->closed)
        partition_log_free_if_unused(log);
    else
        partition_log_look_prefix(log);
    log_store_job_done(store);
}

static void begin(struct partition_log *log, const struct segment *last, log_index change_index) {
    struct prefix_job *job = mem_zalloc(sizeof *job);
    job->job = (struct env_job){.work = prefix_work, .done = prefix_done};
    job->env = log->store->env;
    job->store = log->store;
    job->log = log;
    job->start = (struct start_file){.index = last->end.last_index,
                                     .term = partition_log_term_at(log, last->end.last_index),
                                     .offset = last->end.offset,
                                     .change_index = change_index,
                                     .change = change_index > 0 ? slice_ref(log->prefix.change)
                                                                : (struct slice){0}};
    CHECK(job->start.index <= log->synced &&
          job->start.index < log->last_index); /* count_droppable */
    log->prefix.job = job;
    log_store_run_job(log->store, log_store_lane(log->store, log->group), &job->job);
}

static void prefix_look(struct partition_log *log) {
    struct log_prefix *prefix = &log->prefix;
    if (prefix->job || prefix->reading) return;
    size_t count = count_droppable(log, prefix->index);
    if (count == 0) return;
    const struct segment *last = log->segments[count - 1];
    log_index index = last->end.last_index;
    if (log->kept_index < index && !MUTANT(MUTANT_PREFIX_WITHOUT_STATE)) {
        if (log->saving == 0) applier_snapshot_keep(log);
        return;
    }
    log_index change_index = last_change_up_to(log, index);
    if (change_index > 0 && !have_change(log, change_index)) return;
    begin(log, last, change_index);
}

void partition_log_drop_prefix(struct partition_log *log, kafka_offset offset, log_index index,
                               uint64_t delay_ms) {
    CHECK(!log->closed); /* the group closes its log last */
    if (offset > log->prefix.offset) log->prefix.offset = offset;
    if (index > log->prefix.index) log->prefix.index = index;
    log->prefix.delay_ms = delay_ms;
    log->prefix.look = prefix_look;
    partition_log_look_prefix(log);
}
