/* Which log gets a job, the job's steps in the lane (write, sync, index, directories), and what
 * follows from its end: sealing, progress. */
#include "storage/log/write_behind.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/group_directory.h"

enum {
    APPLIER_STATE_BYTES =
        64 << 20, /* of segment, for which the applier's state is kept once, at a sync */
    TRY_DISK_AGAIN_US = 1000 * 1000,
    PACE_US = 100 * 1000,  /* between looks for logs to sync in the background */
    LOOK_US = 1000 * 1000, /* the same, while the journal has much room */
    ROOM_SHARE = 4,        /* of the journal: less is in use, and nothing is synced for its sake */
    UNWRITTEN_SHARE = 4,   /* of the journal: more is not kept in memory only */
};

/* In this order, and in the words of the sentence that ends the process. */
enum write_step {
    STEP_MAKE_DIRECTORY,
    STEP_OPEN,
    STEP_WRITE,
    STEP_SYNC,
    STEP_INDEX,
    STEP_DIRECTORY
};
static const char *const step_names[] = {"make the directory, with the file `name`, of",
                                         "open",
                                         "write",
                                         "sync",
                                         "write the index of",
                                         "sync the directory of"};

/* One write into one segment. The loop fills it, the lane's thread works on it, the loop takes the
 * result. */
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
    size_t padding;         /* zeros behind them: the rest of a block that is synced */
    bool make_directory, create, sync, seal, sync_group_directory, sync_parent_directory;
    struct env_file *file;
    bool opened; /* `file`, by this job; else it is the segment's */
    char *path, *index_path;
    const char *group_path, *groups_path, *label;
    uint8_t *index_bytes; /* NULL: nothing to say that is new */
    size_t index_len;
    uint64_t index_position;
    int error;
    enum write_step step;    /* at which it happened */
    bool no_room;            /* it was told that there is none, and has not got through yet */
    struct env_timer *again; /* NULL: nothing was in the way so far */
};

/* ---- On the lane's thread ---- */

/* One of this name may have lost its segment, to a power cut or a kill between two removals, and
 * tells of other blocks. It is gone for good with the sync of the directory, before anything is
 * known to be in the new segment. */
static int remove_old_index(struct write_job *job) {
    char *path = segment_path(job->segment, SEGMENT_FILE_INDEX);
    int error = env_unlink(job->env, path);
    mem_free(path);
    return error == ERR_NOT_FOUND ? 0 : error;
}

static int open_file(struct write_job *job) {
    if (job->file) return 0;
    int flags = ENV_READ | ENV_WRITE | (job->create ? ENV_CREATE : 0);
    int error = env_file_open(job->env, job->path, flags, &job->file);
    job->opened = !error;
    if (error || !job->create) return error;
    error = remove_old_index(job);
    if (!error) error = env_file_truncate(job->file, 0);
    uint8_t header[SEGMENT_HEADER_SIZE];
    segment_header_encode(&job->segment->header, SEGMENT_FILE_LOG, header);
    struct env_iov iov = {.base = header, .len = sizeof header};
    return error ? error : env_file_write(job->file, &iov, 1, 0, false);
}

static int write_entries(struct write_job *job) {
    static const uint8_t zeros[SEGMENT_BLOCK];
    if (job->count == 0 && job->padding == 0) return 0;
    struct env_iov *iov = mem_alloc((job->count * 2 + 1) * sizeof *iov);
    unsigned n = 0;
    for (size_t i = 0; i < job->count; i++) {
        const struct entry *entry = job->entries[i];
        iov[n++] = (struct env_iov){.base = entry->header, .len = ENTRY_HEADER_SIZE};
        if (entry->body.len > 0)
            iov[n++] = (struct env_iov){.base = entry->body.data, .len = entry->body.len};
    }
    if (job->padding > 0) iov[n++] = (struct env_iov){.base = zeros, .len = job->padding};
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
    case STEP_MAKE_DIRECTORY:
        return job->make_directory ? group_directory_make(job->env, job->group_path, job->label)
                                   : 0;
    case STEP_OPEN: return open_file(job);
    case STEP_WRITE: return write_entries(job);
    case STEP_SYNC: return MUTANT(MUTANT_SEGMENT_NOT_SYNCED) ? 0 : env_file_sync(job->file);
    case STEP_INDEX: return write_index(job);
    case STEP_DIRECTORY: return sync_directories(job);
    }
    return 0;
}

static void behind_work(struct env_job *base) {
    struct write_job *job = (struct write_job *)base;
    enum write_step last = job->sync ? STEP_DIRECTORY : STEP_WRITE;
    for (job->step = STEP_MAKE_DIRECTORY;; job->step++) {
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

/* Not only for sealed segments: the next start replays what is behind it, and segments are large.
 */
static void keep_applier_state(struct partition_log *log) {
    log->unsaved_bytes = 0;
    if (!log->seal_state) return;
    log_index index = 0;
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
    log_store_took_room(log->store, stored + job->padding + job->index_len +
                                        (job->create ? SEGMENT_HEADER_SIZE : 0));
    log->unwritten_bytes -= stored;
    log->store->write_behind.unwritten_bytes -= stored;
    log->directory_made = true;
    log->unsaved_bytes += stored;
    if (job->sync) log->directory_synced = true;
    uint64_t synced = job->sync ? job->end.last_index : log->synced;
    partition_log_set_positions(log, synced, job->end.last_index, log->committed);
    log_memory_serve(&log->memory, job->end.last_index);
    if (job->sync)
        journal_progress(log->store->journal, log->group, synced, segment->header.base_offset,
                         segment->synced);
    if (job->seal) segment->active = false;
    bool enough = log->unsaved_bytes >= APPLIER_STATE_BYTES || log->store->flushing;
    if (job->seal || (job->sync && enough)) keep_applier_state(log);
}

static void start_more(struct log_store *store);

static void end_job(struct write_job *job) {
    struct log_store *store = job->store;
    struct partition_log *log = job->log;
    if (job->opened) segment_adopt_file(job->segment, job->file);
    log->job = NULL;
    if (job->no_room && store->room) disk_space_got_through(store->room);
    store->write_behind.jobs--;
    if (!log->closed) take_result(log, job);
    segment_let_go(job->segment);
    free_job(job);
    if (log->closed)
        partition_log_free_if_unused(log);
    else
        write_behind_look(log);
    if (!store->closed) start_more(store);
    log_store_job_done(store);
}

static void try_again(void *arg) {
    struct write_job *job = arg;
    if (job->log->closed)
        end_job(job);
    else
        env_lane_run(log_store_lane(job->store, job->log->group), &job->job);
}

/* What did not fit is still in memory and in the journal: it is written again, from the beginning,
 * until there is room. */
static void wait_for_room(struct write_job *job) {
    struct log_store *store = job->store;
    log_limited(store->log, &store->full_disk, LOG_WARN,
                "cannot %s %s (%s): %s; entries wait in the journal and in memory until then",
                step_names[job->step], job->path, error_phrase(job->error),
                error_advice(job->error));
    if (job->error == ERR_LIMIT) {
        segment_files_give_back(&store->files);
    } else if (!job->no_room) {
        job->no_room = true;
        disk_space_wait(store->room, job->error);
    }
    if (job->opened) {
        env_file_close(job->file);
        job->file = NULL;
        job->opened = false;
    }
    if (!job->again) job->again = env_timer_new(store->env, try_again, job);
    env_timer_start(job->again, TRY_DISK_AGAIN_US);
}

static void behind_done(struct env_job *base) {
    struct write_job *job = (struct write_job *)base;
    bool is_sync = job->step == STEP_SYNC || job->step == STEP_DIRECTORY;
    /* ERR_LIMIT comes from opening something: nothing was given to a sync that could have failed.
     */
    bool passing = job->error == ERR_LIMIT || (error_is_no_room(job->error) && !is_sync);
    if (passing && !job->log->closed)
        wait_for_room(job);
    else if (job->error && !job->log->closed)
        env_fatal(
            job->env,
            "cannot %s %s (%s); %s, and start this broker again: what it acknowledged is in its journal",
            step_names[job->step], job->path, error_phrase(job->error), error_advice(job->error));
    else
        end_job(job);
}

/* ---- On the loop: starting a job ---- */

static bool is_full(const struct log_store *store, const struct segment *segment,
                    const struct segment_end *end) {
    return end->position > store->options.segment_bytes &&
           end->offset > segment->header.base_offset;
}

/* The header is never synced without entries. */
static bool was_synced(const struct segment *segment) {
    return segment->synced > SEGMENT_HEADER_SIZE;
}

/* What it has up to there is synced. */
static bool is_synced_at(const struct segment *segment, uint64_t position) {
    return was_synced(segment) && segment->synced == position;
}

/* Where the next entry goes: behind the block that holds the end of what is synced. Only format 1
 * has such a block. */
static struct segment_end next_end(const struct segment *segment) {
    struct segment_end end = segment->end;
    if (is_synced_at(segment, end.position)) end.position = segment_block_end(end.position);
    return end;
}

/* The segment that the next entry goes to. A new one is made on disk by the job. */
static struct segment *segment_for_next(struct partition_log *log) {
    struct segment *active = partition_log_active(log);
    struct segment_end next = active ? next_end(active) : (struct segment_end){0};
    if (active && !is_full(log->store, active, &next)) return active;
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

/* Nothing is written into the block that holds the end of what is synced. Returns how many bytes
 * are left out. */
static size_t leave_block(struct segment_index *index) {
    uint64_t end = index->end.position;
    if (!MUTANT(MUTANT_SYNCED_BLOCK_WRITTEN))
        segment_index_goes_on_at(index, segment_block_end(end));
    return (size_t)(index->end.position - end);
}

/* Takes entries from written + 1 on, up to the job's size or the end of the segment. */
static void gather(struct partition_log *log, struct write_job *job) {
    struct segment_index *index = job->segment->index;
    uint64_t last = partition_log_writable(log);
    size_t room = 0;
    if (is_synced_at(job->segment, index->end.position) && last > log->written)
        leave_block(index); /* of format 1, which has no padding */
    job->position = index->end.position;
    for (uint64_t i = log->written + 1; i <= last; i++) {
        if (index->end.position - job->position >= WRITE_BEHIND_MAX ||
            is_full(log->store, job->segment, &index->end))
            break;
        struct entry *entry = log_memory_at(&log->memory, i);
        CHECK(entry);
        job->entries = mem_grow(job->entries, job->count, &room, sizeof *job->entries);
        job->entries[job->count++] = entry_ref(entry);
        segment_index_add(index, entry, entry_stored_size(entry));
    }
    job->end = index->end;
    CHECK(job->count > 0 ||
          last ==
              log->written); /* else the index would know of bytes that the file does not have */
}

/* How far the log is asked to be synced and can be. */
static uint64_t sync_target(const struct partition_log *log) {
    uint64_t writable = partition_log_writable(log);
    return log->sync_wanted < writable ? log->sync_wanted : writable;
}

/* What the index file lacks is read in the segment again, so it may lack a little. */
static bool wants_index(const struct partition_log *log, const struct write_job *job) {
    uint64_t lacks = job->end.position - job->segment->index->saved_position;
    return job->seal || log->store->flushing || lacks >= log->store->write_behind.index_lag;
}

static void prepare_sync(struct partition_log *log, struct write_job *job) {
    bool full = is_full(log->store, job->segment, &job->end);
    uint64_t target = sync_target(log);
    bool wanted = target > log->synced && job->end.last_index >= target;
    job->sync = full || wanted || segment_files_are_scarce(&log->store->files);
    if (!job->sync) return;
    job->padding = leave_block(job->segment->index);
    job->end = job->segment->index->end;
    job->seal = is_full(log->store, job->segment, &job->end);
    if (wants_index(log, job))
        job->index_bytes = segment_index_take_block(job->segment->index, &job->index_position,
                                                    &job->index_len);
    if (job->index_bytes) job->index_path = segment_path(job->segment, SEGMENT_FILE_INDEX);
    bool index_is_new = job->index_bytes && job->index_position == 0;
    job->sync_group_directory = !was_synced(job->segment) || index_is_new;
    job->sync_parent_directory = !log->directory_synced;
}

static void behind_start(struct partition_log *log) {
    struct log_store *store = log->store;
    bool nothing_new = partition_log_writable(log) <= log->written;
    struct write_job *job = mem_zalloc(sizeof *job);
    job->job.work = behind_work;
    job->job.done = behind_done;
    job->env = store->env;
    job->store = store;
    job->log = log;
    job->segment = nothing_new ? partition_log_active(log) : segment_for_next(log);
    CHECK(job->segment);
    segment_hold(job->segment);
    job->path = segment_path(job->segment, SEGMENT_FILE_LOG);
    job->group_path = log->path;
    job->groups_path = store->groups_path;
    job->label = log->label;
    job->make_directory = !log->directory_made;
    job->create = job->segment->end.position == SEGMENT_HEADER_SIZE;
    gather(log, job);
    prepare_sync(log, job);
    bool block_is_new = !was_synced(job->segment) ||
                        job->position >= segment_block_end(job->segment->synced);
    CHECK(block_is_new ||
          MUTANT(MUTANT_SYNCED_BLOCK_WRITTEN)); /* a torn write destroys whole blocks */
    job->file = job->create ? NULL : job->segment->file;
    log->job = job;
    store->write_behind.jobs++;
    log_store_run_job(store, log_store_lane(store, log->group), &job->job);
}

/* ---- Which logs wait, and for what ---- */

static void queue_remove(struct partition_log *log) {
    struct log_queue *queue = log->queue;
    if (!queue) return;
    *(log->queue_prev ? &log->queue_prev->queue_next : &queue->first) = log->queue_next;
    *(log->queue_next ? &log->queue_next->queue_prev : &queue->last) = log->queue_prev;
    log->queue = NULL;
    log->queue_next = log->queue_prev = NULL;
}

static void queue_add(struct log_queue *queue, struct partition_log *log) {
    queue_remove(log);
    log->queue = queue;
    log->queue_prev = queue->last;
    *(queue->last ? &queue->last->queue_next : &queue->first) = log;
    queue->last = log;
}

static bool may_start(const struct write_behind *all) {
    return all->jobs < all->jobs_max && !all->ready.first;
}

static void start_or_queue(struct partition_log *log) {
    struct write_behind *all = &log->store->write_behind;
    if (may_start(all)) {
        queue_remove(log);
        behind_start(log);
    } else if (log->queue != &all->ready) {
        queue_add(&all->ready, log);
    }
}

/* The one that has waited longest is written and synced: nothing that is left of it needs memory,
 * journal or a file. */
static void sync_longest(struct log_store *store) {
    struct partition_log *log = store->write_behind.waiting.first;
    queue_remove(log);
    write_behind_sync(log, log->committed);
}

static uint64_t most_unwritten(const struct log_store *store) {
    return store->options.journal_max_bytes / UNWRITTEN_SHARE;
}

/* Jobs for those that are ready; then, while too much is in memory only, for those that wait
 * longest. */
static void start_more(struct log_store *store) {
    struct write_behind *all = &store->write_behind;
    while (all->ready.first && all->jobs < all->jobs_max) {
        struct partition_log *log = all->ready.first;
        queue_remove(log);
        behind_start(log);
    }
    while (all->unwritten_bytes > most_unwritten(store) && all->waiting.first && may_start(all))
        sync_longest(store);
}

static void arm_pace(struct log_store *store, uint64_t delay_us) {
    store->write_behind.pacing = true;
    env_timer_start(store->write_behind.pace, delay_us);
}

/* Journal files that old entries of quiet logs keep become free a few at a time. */
static void pace(void *arg) {
    struct log_store *store = arg;
    struct write_behind *all = &store->write_behind;
    bool need = journal_live_bytes(store->journal) > store->options.journal_max_bytes / ROOM_SHARE;
    all->pacing = false;
    for (unsigned i = 0; need && i < WRITE_BEHIND_PACED / (LOOK_US / PACE_US); i++)
        if (all->waiting.first && may_start(all)) sync_longest(store);
    if (all->waiting.first) arm_pace(store, need ? PACE_US : LOOK_US);
}

static void wait_for_need(struct partition_log *log) {
    struct log_store *store = log->store;
    if (!log->queue) queue_add(&store->write_behind.waiting, log);
    if (!store->write_behind.pacing) arm_pace(store, LOOK_US);
}

void write_behind_open(struct log_store *store) {
    unsigned share = store->options.open_files / 4;
    struct write_behind *all = &store->write_behind;
    all->jobs_max = share > WRITE_BEHIND_JOBS ? WRITE_BEHIND_JOBS : share > 0 ? share : 1;
    uint64_t segment = store->options.segment_bytes;
    all->enough_bytes = segment < WRITE_BEHIND_BYTES ? segment : WRITE_BEHIND_BYTES;
    all->index_lag = segment / 2 < WRITE_BEHIND_INDEX_LAG ? segment / 2 : WRITE_BEHIND_INDEX_LAG;
    all->pace = env_timer_new(store->env, pace, store);
}

void write_behind_close(struct log_store *store) {
    CHECK(!store->write_behind.waiting.first && !store->write_behind.ready.first);
    env_timer_free(store->write_behind.pace);
}

void write_behind_forget(struct partition_log *log) {
    queue_remove(log);
}

void write_behind_look(struct partition_log *log) {
    if (log->job || log->closed) return;
    bool more = partition_log_writable(log) > log->written;
    if (sync_target(log) > log->synced ||
        (more && log->unwritten_bytes >= log->store->write_behind.enough_bytes))
        start_or_queue(log);
    else if (more || log->written > log->synced)
        wait_for_need(log);
    if (log->store->write_behind.unwritten_bytes > most_unwritten(log->store))
        start_more(log->store);
}

void write_behind_sync(struct partition_log *log, log_index index) {
    if (index > log->sync_wanted) log->sync_wanted = index;
    if (log->job || log->closed) return;
    if (sync_target(log) > log->synced) start_or_queue(log);
}
