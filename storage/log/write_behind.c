/* Which log gets a job, what the job is to write and sync (storage/segment/segment_write.h does it,
 * in the lane), and what follows from its end: sealing, progress. */
#include "storage/log/write_behind.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/log/applier_snapshot.h"
#include "storage/segment/segment_write.h"

enum {
    TRY_DISK_AGAIN_US = 1000 * 1000,
    PACE_US = 100 * 1000,  /* between looks for logs to sync in the background */
    LOOK_US = 1000 * 1000, /* the same, while the journal has much room */
    ROOM_SHARE = 4,        /* of the journal: less is in use, and nothing is synced for its sake */
    UNWRITTEN_SHARE = 4,   /* of the journal: more is not kept in memory only */
};

/* One write into one segment. The loop fills it, the lane's thread works on it, the loop takes the
 * result. */
struct write_job {
    struct env_job job;         /* first: a job is its write_job */
    struct segment_write write; /* with a segment that is held, and references of entries */
    struct log_store *store;
    struct partition_log *log;
    struct segment_end end; /* of the segment after this write */
    unsigned life;          /* of the log */
    bool seal;
    bool no_room;            /* it was told that there is none, and has not got through yet */
    struct env_timer *again; /* NULL: nothing was in the way so far */
};

static void behind_work(struct env_job *base) {
    struct write_job *job = (struct write_job *)base;
    segment_write_run(&job->write);
}

/* ---- On the loop: results ---- */

static void free_job(struct write_job *job) {
    struct segment_write *write = &job->write;
    for (size_t i = 0; i < write->count; i++)
        entry_unref(write->entries[i]);
    env_timer_free(job->again);
    mem_free(write->entries);
    mem_free(write->path);
    mem_free(write->index_path);
    mem_free(write->index_bytes);
    mem_free(job);
}

static bool is_time_to_keep(const struct partition_log *log, const struct write_job *job) {
    if (MUTANT(MUTANT_PREFIX_WITHOUT_STATE)) return log->store->flushing;
    if (job->seal) return applier_snapshot_unasked(log) >= log->kept_bytes || log->store->flushing;
    return job->write.sync && applier_snapshot_is_due(log);
}

static void seal(struct partition_log *log, struct segment *segment) {
    segment->active = false;
    if (segment->end.max_timestamp < 0) segment->sealed_ms = env_wall_ms(log->store->env);
    segment_age_sealed(log);
}

/* The positions move, and the log goes on. */
static void take_result(struct partition_log *log, struct write_job *job) {
    struct segment *segment = job->write.segment;
    log->size_bytes += job->end.position - segment->end.position;
    segment->end = job->end;
    if (job->write.sync) segment->synced = job->end.position;
    log->written_end = job->end.offset;
    struct log_store_counts *counts = &log->store->counts;
    uint64_t stored = 0;
    for (size_t i = 0; i < job->write.count; i++) {
        stored += entry_stored_size(job->write.entries[i]);
        counts->raw_bytes += job->write.entries[i]->raw_len;
    }
    counts->written_bytes += stored;
    log_store_took_room(log->store, stored + job->write.padding + job->write.index_len +
                                        (job->write.create ? SEGMENT_HEADER_SIZE : 0));
    log->unwritten_bytes -= stored;
    log->store->write_behind.unwritten_bytes -= stored;
    log->directory_made = true;
    applier_snapshot_wrote(log, stored);
    if (job->write.sync) log->directory_synced = true;
    uint64_t synced = job->write.sync ? job->end.last_index : log->synced;
    partition_log_set_positions(log, synced, job->end.last_index, log->committed);
    log_memory_serve(&log->memory, job->end.last_index);
    if (job->write.sync) {
        log->progress_segment = segment->header.base_offset;
        journal_progress(log->store->journal, log->group, synced, log->progress_segment,
                         segment->synced);
    }
    if (job->end.last_index == log->last_index) log->unwritten_timestamp = -1;
    if (job->seal) seal(log, segment);
    if (job->seal && job->end.last_index >= log->roll_to)
        log->roll_to = 0; /* not the next ones, too */
    if (is_time_to_keep(log, job)) applier_snapshot_keep(log);
}

/* The log that it writes for is gone, or another one has taken its place. */
static bool is_in_vain(const struct write_job *job) {
    return job->log->closed || job->life != job->log->lives;
}

static void start_more(struct log_store *store);
static void roll_on(struct partition_log *log);

static void end_job(struct write_job *job) {
    struct log_store *store = job->store;
    struct partition_log *log = job->log;
    if (job->write.opened) segment_adopt_file(job->write.segment, job->write.file);
    log->job = NULL;
    if (job->no_room && store->room) disk_space_got_through(store->room);
    store->write_behind.jobs--;
    if (!is_in_vain(job)) take_result(log, job);
    segment_let_go(job->write.segment);
    free_job(job);
    if (log->closed) {
        partition_log_free_if_unused(log);
    } else {
        write_behind_look(log);
        if (log->roll_to > 0) roll_on(log);
        partition_log_look_prefix(log);
        if (log->settling) {
            write_behind_sync(log, log->committed);
            env_defer(store->env, log->settling);
        }
    }
    if (!store->closed) start_more(store);
    log_store_job_done(store);
}

static void try_again(void *arg) {
    struct write_job *job = arg;
    if (is_in_vain(job))
        end_job(job);
    else
        env_lane_run(log_store_lane(job->store, job->log->group), &job->job);
}

/* What did not fit is still in memory and in the journal: it is written again, from the beginning,
 * until there is room. */
static void wait_for_room(struct write_job *job) {
    struct segment_write *write = &job->write;
    struct log_store *store = job->store;
    log_limited(store->log, &store->full_disk, LOGGED_SEGMENT_WRITE_WAITS,
                "cannot %s %s (%s): %s; entries wait in the journal and in memory until then",
                segment_write_step_name(write), write->path, error_phrase(write->error),
                error_advice(write->error));
    if (write->error == ERR_LIMIT) {
        segment_files_give_back(&store->files);
    } else if (!job->no_room) {
        job->no_room = true;
        disk_space_wait(store->room, write->error);
    }
    if (write->opened) {
        env_file_close(write->file);
        write->file = NULL;
        write->opened = false;
    }
    if (!job->again) job->again = env_timer_new(store->env, try_again, job);
    env_timer_start(job->again, TRY_DISK_AGAIN_US);
}

static void behind_done(struct env_job *base) {
    struct write_job *job = (struct write_job *)base;
    struct segment_write *write = &job->write;
    bool sync_failed = segment_write_failed_to_sync(write);
    /* ERR_LIMIT comes from opening something: nothing was given to a sync that could have failed.
     */
    bool passing = write->error == ERR_LIMIT || (error_is_no_room(write->error) && !sync_failed);
    if (passing && !is_in_vain(job))
        wait_for_room(job);
    else if (write->error && !passing && !job->log->closed)
        env_fatal(
            write->env,
            "cannot %s %s (%s); %s, and start this broker again: what it acknowledged is in its journal",
            segment_write_step_name(write), write->path, error_phrase(write->error),
            error_advice(write->error));
    else
        end_job(job);
}

/* ---- On the loop: starting a job ---- */

static bool is_full(const struct partition_log *log, const struct segment *segment,
                    const struct segment_end *end) {
    return end->position > log->active_bytes && end->offset > segment->header.base_offset;
}

/* It is to be sealed, and may be. */
static bool may_roll(const struct partition_log *log, const struct segment *segment,
                     const struct segment_end *end) {
    return log->roll_to > 0 && end->last_index >= log->roll_to &&
           end->offset > segment->header.base_offset;
}

/* The header is never synced without entries. */
static bool was_synced(const struct segment *segment) {
    return segment->synced > SEGMENT_HEADER_SIZE;
}

/* What it has up to there is synced. */
static bool sync_faileded_at(const struct segment *segment, uint64_t position) {
    return was_synced(segment) && segment->synced == position;
}

/* Where the next entry goes: behind the block that holds the end of what is synced. Only format 1
 * has such a block. */
static struct segment_end next_end(const struct segment *segment) {
    struct segment_end end = segment->end;
    if (sync_faileded_at(segment, end.position)) end.position = segment_block_end(end.position);
    return end;
}

/* The segment that the next entry goes to. A new one is made on disk by the job. */
static struct segment *segment_for_next(struct partition_log *log) {
    struct segment *active = partition_log_active(log);
    struct segment_end next = active ? next_end(active) : (struct segment_end){0};
    if (active && !is_full(log, active, &next)) return active;
    if (active) seal(log, active); /* found full, and all synced, at start */
    const struct entry *entry = log_memory_at(&log->memory, log->written + 1);
    CHECK(entry);
    struct segment_header header = {
        .group = log->group, .base_offset = entry->base_offset, .first_index = entry->index};
    struct segment_index *index = mem_alloc(sizeof *index);
    uint64_t interval = partition_log_index_interval(log);
    segment_index_init(index, &header, interval);
    struct segment *segment = segment_new(&log->store->files, log->path, &header, interval, index);
    segment->active = true;
    log->active_bytes = log->segment_bytes;
    log->size_bytes += segment->end.position;
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
    struct segment_write *write = &job->write;
    struct segment_index *index = write->segment->index;
    uint64_t last = partition_log_writable(log);
    size_t room = 0;
    if (sync_faileded_at(write->segment, index->end.position) && last > log->written)
        leave_block(index); /* of format 1, which has no padding */
    write->position = index->end.position;
    for (uint64_t i = log->written + 1; i <= last; i++) {
        if (index->end.position - write->position >= WRITE_BEHIND_MAX ||
            is_full(log, write->segment, &index->end))
            break;
        struct entry *entry = log_memory_at(&log->memory, i);
        CHECK(entry);
        write->entries = mem_grow(write->entries, write->count, &room, sizeof *write->entries);
        write->entries[write->count++] = entry_ref(entry);
        segment_index_add(index, entry, entry_stored_size(entry));
    }
    job->end = index->end;
    /* Else the index would know of bytes that the file does not have. */
    CHECK(write->count > 0 || last == log->written);
}

/* How far the log is asked to be synced and can be. */
static uint64_t sync_target(const struct partition_log *log) {
    uint64_t writable = partition_log_writable(log);
    return log->sync_wanted < writable ? log->sync_wanted : writable;
}

/* What the index file lacks is read in the segment again, so it may lack a little. */
static bool wants_index(const struct partition_log *log, const struct write_job *job) {
    uint64_t lacks = job->end.position - job->write.segment->index->saved_position;
    return job->seal || log->store->flushing || lacks >= log->store->write_behind.index_lag;
}

static void prepare_sync(struct partition_log *log, struct write_job *job) {
    struct segment_write *write = &job->write;
    bool full = is_full(log, write->segment, &job->end);
    uint64_t target = sync_target(log);
    bool wanted = target > log->synced && job->end.last_index >= target;
    write->sync = full || wanted || segment_files_are_scarce(&log->store->files);
    if (!write->sync) return;
    write->padding = leave_block(write->segment->index);
    job->end = write->segment->index->end;
    job->seal = is_full(log, write->segment, &job->end) || may_roll(log, write->segment, &job->end);
    if (job->seal && job->end.max_timestamp < 0)
        write->segment->index->sealed_ms = env_wall_ms(write->env);
    if (wants_index(log, job))
        write->index_bytes = segment_index_take_block(write->segment->index, &write->index_position,
                                                      &write->index_len);
    if (write->index_bytes) write->index_path = segment_path(write->segment, SEGMENT_FILE_INDEX);
    bool index_is_new = write->index_bytes && write->index_position == 0;
    write->sync_group_directory = !was_synced(write->segment) || index_is_new;
    write->sync_parent_directory = !log->directory_synced;
}

static void behind_start(struct partition_log *log) {
    struct log_store *store = log->store;
    bool nothing_new = partition_log_writable(log) <= log->written;
    struct write_job *job = mem_zalloc(sizeof *job);
    struct segment_write *write = &job->write;
    job->job.work = behind_work;
    job->job.done = behind_done;
    write->env = store->env;
    job->store = store;
    job->log = log;
    job->life = log->lives;
    write->segment = nothing_new ? partition_log_active(log) : segment_for_next(log);
    CHECK(write->segment);
    segment_hold(write->segment);
    write->path = segment_path(write->segment, SEGMENT_FILE_LOG);
    write->group_path = log->path;
    write->groups_path = store->groups_path;
    write->label = log->label;
    write->make_directory = !log->directory_made;
    write->create = write->segment->end.position == SEGMENT_HEADER_SIZE;
    gather(log, job);
    prepare_sync(log, job);
    bool block_is_new = !was_synced(write->segment) ||
                        write->position >= segment_block_end(write->segment->synced);
    /* A torn write destroys whole blocks. */
    CHECK(block_is_new || MUTANT(MUTANT_SYNCED_BLOCK_WRITTEN));
    write->file = write->create ? NULL : write->segment->file;
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
    segment_age_open(store, write_behind_roll);
}

void write_behind_close(struct log_store *store) {
    CHECK(!store->write_behind.waiting.first && !store->write_behind.ready.first);
    env_timer_free(store->write_behind.pace);
    segment_age_close(store);
}

void write_behind_forget(struct partition_log *log) {
    queue_remove(log);
    segment_age_forget(log);
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

/* When all is written and synced there is no job that would seal it. */
static void roll_on(struct partition_log *log) {
    struct segment *active = partition_log_active(log);
    if (log->job || log->written < log->roll_to) return;
    if (active && active->end.offset > active->header.base_offset &&
        active->end.last_index >= log->roll_to) {
        if (active->synced < active->end.position) return;
        seal(log, active);
    }
    log->roll_to = 0;
}

void write_behind_roll(struct partition_log *log) {
    log->roll_to = log->committed;
    write_behind_sync(log, log->committed);
    roll_on(log);
    partition_log_look_prefix(log);
}

void write_behind_sync(struct partition_log *log, log_index index) {
    if (index > log->sync_wanted) log->sync_wanted = index;
    if (log->job || log->closed) return;
    if (sync_target(log) > log->synced) start_or_queue(log);
}
