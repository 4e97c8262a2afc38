/* Write-behind: see write_behind.h. */
#include "storage/write_behind.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/applier_snapshot.h"

enum {
    APPLIER_STATE_BYTES = 64 << 20, /* of segment, for which the applier's state is kept once, at a sync */
    TRY_DISK_AGAIN_US = 1000 * 1000,
};

/* In this order, and in the words of the sentence that ends the process. */
enum write_step { STEP_CREATE, STEP_WRITE, STEP_SYNC, STEP_INDEX, STEP_DIRECTORY };
static const char *const step_names[] = {"create", "write", "sync", "write the index of", "sync the directory of"};

/* One write into one segment. The loop fills it, the lane's thread works on it, the loop takes the result. */
struct write_job {
    struct env_job job; /* first: a job is its write_job */
    struct env *env;
    struct log_store *store;
    struct partition_log *log;
    struct segment *segment; /* held */
    struct entry **entries;  /* references */
    size_t count;
    struct segment_end end; /* of the segment after this write */
    uint64_t position;      /* where the entries go */
    bool create, sync, seal, sync_group_directory, sync_parent_directory;
    struct env_file *file; /* made by the job if `create` */
    char *path, *index_path;
    const char *group_path, *groups_path;
    uint8_t *index_bytes; /* NULL: nothing to say that is new */
    size_t index_len;
    uint64_t index_position;
    int error;
    enum write_step step;    /* at which it happened */
    struct env_timer *again; /* NULL: the disk was not full so far */
};

/* ---- On the lane's thread ---- */

static int create_file(struct write_job *job) {
    int error = env_file_open(job->env, job->path, ENV_READ | ENV_WRITE | ENV_CREATE, &job->file);
    if (!error) error = env_file_truncate(job->file, 0);
    uint8_t header[SEGMENT_HEADER_SIZE];
    segment_header_encode(&job->segment->header, SEGMENT_FILE_LOG, header);
    struct env_iov iov = {.base = header, .len = sizeof header};
    return error ? error : env_file_write(job->file, &iov, 1, 0, false);
}

static int write_entries(struct write_job *job) {
    if (job->count == 0) return 0;
    struct env_iov *iov = mem_alloc(job->count * 2 * sizeof *iov);
    unsigned n = 0;
    for (size_t i = 0; i < job->count; i++) {
        const struct entry *entry = job->entries[i];
        iov[n++] = (struct env_iov){.base = entry->header, .len = ENTRY_HEADER_SIZE};
        if (entry->body.len > 0) iov[n++] = (struct env_iov){.base = entry->body.data, .len = entry->body.len};
    }
    int error = env_file_write_bulk(job->file, iov, n, job->position);
    mem_free(iov);
    return error;
}

static int write_index(struct write_job *job) {
    if (!job->index_bytes) return 0;
    struct env_file *file;
    int error = env_file_open(job->env, job->index_path, ENV_WRITE | ENV_CREATE, &file);
    if (error) return error;
    if (job->index_position == 0) error = env_file_truncate(file, 0);
    struct env_iov iov = {.base = job->index_bytes, .len = job->index_len};
    if (!error) error = env_file_write(file, &iov, 1, job->index_position, true);
    env_file_close(file);
    return error;
}

static int sync_directories(struct write_job *job) {
    if (MUTANT(MUTANT_DIRECTORY_NOT_SYNCED)) return 0;
    int error = job->sync_group_directory ? env_sync_dir(job->env, job->group_path) : 0;
    if (!error && job->sync_parent_directory) error = env_sync_dir(job->env, job->groups_path);
    return error;
}

static int do_step(struct write_job *job) {
    switch (job->step) {
    case STEP_CREATE: return job->create ? create_file(job) : 0;
    case STEP_WRITE: return write_entries(job);
    case STEP_SYNC: return env_file_sync(job->file);
    case STEP_INDEX: return write_index(job);
    case STEP_DIRECTORY: return sync_directories(job);
    }
    return 0;
}

static void work(struct env_job *base) {
    struct write_job *job = (struct write_job *)base;
    enum write_step last = job->sync ? STEP_DIRECTORY : STEP_WRITE;
    for (job->step = STEP_CREATE;; job->step++) {
        job->error = do_step(job);
        if (job->error || job->step == last) return;
    }
}

/* ---- On the loop: results ---- */

static void free_job(struct write_job *job) {
    for (size_t i = 0; i < job->count; i++)
        entry_unref(job->entries[i]);
    env_timer_free(job->again);
    mem_free(job->entries);
    mem_free(job->path);
    mem_free(job->index_path);
    mem_free(job->index_bytes);
    mem_free(job);
}

/* Not only for sealed segments: the next start replays what is behind it, and segments are large. */
static void keep_applier_state(struct partition_log *log) {
    log->unsaved_bytes = 0;
    if (!log->seal_state) return;
    uint64_t index = 0;
    struct slice state = log->seal_state(log->seal_arg, &index);
    if (state.len == 0) {
        slice_unref(&state);
        return;
    }
    CHECK(index > 0 && index <= log->committed);
    applier_snapshot_save(log, index, state);
}

/* The positions move, and the log goes on. */
static void take_result(struct partition_log *log, struct write_job *job) {
    struct segment *segment = job->segment;
    segment->end = job->end;
    if (job->sync) segment->synced = job->end.position;
    log->written_end = job->end.offset;
    uint64_t stored = 0;
    for (size_t i = 0; i < job->count; i++)
        stored += entry_stored_size(job->entries[i]);
    log->unwritten_bytes -= stored;
    log->unsaved_bytes += stored;
    if (job->sync) log->directory_synced = true;
    uint64_t synced = job->sync ? job->end.last_index : log->synced;
    partition_log_set_positions(log, synced, job->end.last_index, log->committed);
    log_memory_serve(&log->memory, job->end.last_index);
    if (job->sync)
        journal_progress(log->store->journal, log->group, synced, segment->header.base_offset, segment->synced);
    if (job->seal) segment->active = false;
    bool enough = log->unsaved_bytes >= APPLIER_STATE_BYTES || log->store->flushing;
    if (job->seal || (job->sync && enough)) keep_applier_state(log);
}

static void end_job(struct write_job *job) {
    struct log_store *store = job->store;
    struct partition_log *log = job->log;
    if (job->create && job->file) segment_adopt_file(job->segment, job->file);
    log->job = NULL;
    if (!log->closed) take_result(log, job);
    segment_let_go(job->segment);
    free_job(job);
    if (log->closed)
        partition_log_free_if_unused(log);
    else
        write_behind_look(log);
    log_store_job_done(store);
}

static void try_again(void *arg) {
    struct write_job *job = arg;
    if (job->log->closed)
        end_job(job);
    else
        env_lane_run(job->store->lane, &job->job);
}

/* What did not fit is still in memory and in the journal: it is written again, from the beginning, until the disk has room. */
static void wait_for_disk(struct write_job *job) {
    struct log_store *store = job->store;
    log_limited(store->log, &store->full_disk, LOG_WARN,
                "cannot %s %s: no space left; entries wait in the journal and in memory until the disk has room",
                step_names[job->step], job->path);
    if (job->create) {
        env_file_close(job->file);
        job->file = NULL;
    }
    if (!job->again) job->again = env_timer_new(store->env, try_again, job);
    env_timer_start(job->again, TRY_DISK_AGAIN_US);
}

static void done(struct env_job *base) {
    struct write_job *job = (struct write_job *)base;
    bool is_sync = job->step == STEP_SYNC || job->step == STEP_DIRECTORY;
    if (job->error == ERR_NO_SPACE && !is_sync && !job->log->closed)
        wait_for_disk(job);
    else if (job->error && !job->log->closed)
        env_fatal(
            job->env,
            "cannot %s %s (%s); mend the disk and start this broker again: what it acknowledged is in its journal",
            step_names[job->step], job->path, error_phrase(job->error));
    else
        end_job(job);
}

/* ---- On the loop: starting a job ---- */

static bool is_full(const struct log_store *store, const struct segment *segment, const struct segment_end *end) {
    return end->position > store->options.segment_bytes && end->offset > segment->header.base_offset;
}

/* The segment that the next entry goes to. A new one is made on disk by the job. */
static struct segment *segment_for_next(struct partition_log *log) {
    struct segment *active = partition_log_active(log);
    if (active && !is_full(log->store, active, &active->end)) return active;
    if (active) active->active = false; /* found full, and all synced, at start */
    const struct entry *entry = log_memory_at(&log->memory, log->written + 1);
    CHECK(entry);
    struct segment_header header = {
        .group = log->group, .base_offset = entry->base_offset, .first_index = entry->index};
    struct segment_index *index = mem_alloc(sizeof *index);
    uint64_t interval = log->store->index_interval_bytes;
    segment_index_init(index, &header, interval);
    struct segment *segment = segment_new(&log->store->files, log->path, &header, interval, index);
    segment->active = true;
    partition_log_add_segment(log, segment);
    return segment;
}

/* Takes entries from written + 1 on, up to the job's size or the end of the segment. */
static void gather(struct partition_log *log, struct write_job *job) {
    struct segment_index *index = job->segment->index;
    uint64_t last = partition_log_writable(log);
    size_t room = 0;
    job->position = index->end.position;
    for (uint64_t i = log->written + 1; i <= last; i++) {
        if (index->end.position - job->position >= WRITE_BEHIND_MAX || is_full(log->store, job->segment, &index->end))
            break;
        struct entry *entry = log_memory_at(&log->memory, i);
        CHECK(entry);
        if (job->count == room) {
            room = room ? room * 2 : 16;
            job->entries = mem_realloc(job->entries, room * sizeof(struct entry *));
        }
        job->entries[job->count++] = entry_ref(entry);
        segment_index_add(index, entry, entry_stored_size(entry));
    }
    job->end = index->end;
}

/* How far the log is asked to be synced and can be. */
static uint64_t sync_target(const struct partition_log *log) {
    uint64_t writable = partition_log_writable(log);
    return log->sync_wanted < writable ? log->sync_wanted : writable;
}

static void prepare_sync(struct partition_log *log, struct write_job *job) {
    job->seal = is_full(log->store, job->segment, &job->end);
    uint64_t target = sync_target(log);
    job->sync = job->seal || (target > log->synced && job->end.last_index >= target);
    if (!job->sync) return;
    job->index_bytes = segment_index_take_block(job->segment->index, &job->index_position, &job->index_len);
    job->index_path = segment_path(job->segment, SEGMENT_FILE_INDEX);
    job->sync_group_directory = job->segment->synced == SEGMENT_HEADER_SIZE;
    job->sync_parent_directory = !log->directory_synced;
}

static void start(struct partition_log *log) {
    struct log_store *store = log->store;
    bool nothing_new = partition_log_writable(log) <= log->written;
    struct write_job *job = mem_zalloc(sizeof *job);
    job->job.work = work;
    job->job.done = done;
    job->env = store->env;
    job->store = store;
    job->log = log;
    job->segment = nothing_new ? partition_log_active(log) : segment_for_next(log);
    CHECK(job->segment);
    segment_hold(job->segment);
    job->path = segment_path(job->segment, SEGMENT_FILE_LOG);
    job->group_path = log->path;
    job->groups_path = store->groups_path;
    job->create = job->segment->end.position == SEGMENT_HEADER_SIZE;
    gather(log, job);
    prepare_sync(log, job);
    if (!job->create) {
        int error = segment_open_file(job->segment);
        if (error)
            env_fatal(store->env, "cannot open %s (%s), to which entries are to be written", job->path,
                      error_phrase(error));
        job->file = job->segment->file;
    }
    log->job = job;
    log_store_run_job(store, &job->job);
}

/* ---- Deadlines: all logs wait for the same time, so their list is in order ---- */

static void wait_for_more(struct partition_log *log) {
    struct write_behind *waiting = &log->store->write_behind;
    if (log->due_at_us) return;
    log->due_at_us = env_now_us(log->store->env) + WRITE_BEHIND_US;
    log->due_next = NULL;
    if (waiting->due_last) {
        waiting->due_last->due_next = log;
    } else {
        waiting->due_first = log;
        env_timer_start_at(waiting->timer, log->due_at_us);
    }
    waiting->due_last = log;
}

static struct partition_log *take_due(struct write_behind *waiting) {
    struct partition_log *log = waiting->due_first;
    waiting->due_first = log->due_next;
    if (!waiting->due_first) waiting->due_last = NULL;
    log->due_at_us = 0;
    return log;
}

static void deadline(void *arg) {
    struct log_store *store = arg;
    struct write_behind *waiting = &store->write_behind;
    uint64_t now = env_now_us(store->env);
    while (waiting->due_first && waiting->due_first->due_at_us <= now) {
        struct partition_log *log = take_due(waiting);
        if (!log->job && partition_log_writable(log) > log->written) start(log);
    }
    if (waiting->due_first) env_timer_start_at(waiting->timer, waiting->due_first->due_at_us);
}

void write_behind_forget(struct partition_log *log) {
    if (!log->due_at_us) return;
    struct write_behind *waiting = &log->store->write_behind;
    struct partition_log **at = &waiting->due_first, *before = NULL;
    while (*at != log) {
        before = *at;
        at = &(*at)->due_next;
    }
    *at = log->due_next;
    if (waiting->due_last == log) waiting->due_last = before;
    log->due_at_us = 0;
    if (!waiting->due_first) env_timer_stop(waiting->timer);
}

void write_behind_open(struct log_store *store) {
    store->write_behind.timer = env_timer_new(store->env, deadline, store);
}

void write_behind_close(struct log_store *store) {
    CHECK(!store->write_behind.due_first);
    env_timer_free(store->write_behind.timer);
}

void write_behind_look(struct partition_log *log) {
    if (log->job || log->closed) return;
    bool more = partition_log_writable(log) > log->written;
    if (sync_target(log) > log->synced || (more && log->unwritten_bytes >= WRITE_BEHIND_BYTES))
        start(log);
    else if (more)
        wait_for_more(log);
}

void write_behind_sync(struct partition_log *log, uint64_t index) {
    if (index > log->sync_wanted) log->sync_wanted = index;
    write_behind_look(log);
}
