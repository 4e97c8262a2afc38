/*
 * The ground floor of store and logs: what all their files use, and nothing that starts anything.
 *
 * Happy path: positions move forward, jobs come and go in the lane. Failures: none.
 * Invariants: synced <= written <= committed. A closed log lives as long as one of its events or
 * its job is under way, a closed store as long as a job in its lane or such a log.
 */
#include "storage/log/log_internal.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"

enum { PREFIX_PAUSE_US = 1000 * 1000 };

/* ---- The store ---- */

struct partition_log *log_store_find(struct log_store *store, uint64_t group) {
    struct partition_log *log;
    HASH_FIND(by_group, store->logs, &group, sizeof group, log);
    return log && !log->closed ? log : NULL;
}

void log_store_check_flush(struct log_store *store) {
    if (store->flushing && !store->flush_waits) env_defer(store->env, &store->flush_task);
}

void log_store_free_if_unused(struct log_store *store) {
    if (!store->closed || store->jobs > 0 || store->staging_jobs > 0 || store->logs ||
        store->removals.busy)
        return;
    paced_removal_close(&store->removals);
    for (unsigned i = 0; i < store->lane_count; i++)
        env_lane_free(store->lanes[i]);
    mem_free(store->lanes);
    env_lane_free(store->open_lane);
    env_lane_free(store->clean_lane);
    env_lane_free(store->staging_lane);
    wounds_close(&store->wounds);
    mem_free(store->groups_path);
    mem_free(store);
}

struct env_lane *log_store_lane(const struct log_store *store, uint64_t group) {
    return store->lanes[group % store->lane_count];
}

void log_store_run_job(struct log_store *store, struct env_lane *lane, struct env_job *job) {
    store->jobs++;
    env_lane_run(lane, job);
}

void log_store_job_done(struct log_store *store) {
    store->jobs--;
    if (!store->closed) log_store_check_flush(store);
    log_store_free_if_unused(store);
}

void log_store_run_staging_job(struct log_store *store, struct env_job *job) {
    store->staging_jobs++;
    env_lane_run(store->staging_lane, job);
}

void log_store_staging_job_done(struct log_store *store) {
    store->staging_jobs--;
    log_store_free_if_unused(store);
}

void log_store_took_room(struct log_store *store, uint64_t bytes) {
    if (store->room) disk_space_took(store->room, bytes);
}

/* ---- A log's positions ---- */

void partition_log_set_positions(struct partition_log *log, uint64_t synced, uint64_t written,
                                 uint64_t committed) {
    CHECK(synced >= log->synced && written >= log->written && committed >= log->committed);
    CHECK(synced <= written);
    CHECK(written <= committed || MUTANT(MUTANT_UNCOMMITTED_IN_SEGMENT));
    log->synced = synced;
    log->written = written;
    log->committed = committed;
}

uint64_t partition_log_writable(const struct partition_log *log) {
    if (MUTANT(MUTANT_UNCOMMITTED_IN_SEGMENT))
        return log->last_index > log->written ? log->last_index : log->written;
    return log->committed < log->durable ? log->committed : log->durable;
}

/* ---- What a log is made of ---- */

void partition_log_add_change(struct partition_log *log, log_index index) {
    log->changes = mem_grow(log->changes, log->change_count, &log->change_room,
                            sizeof *log->changes);
    log->changes[log->change_count++] = index;
}

void partition_log_add_segment(struct partition_log *log, struct segment *segment) {
    log->segments = mem_grow(log->segments, log->segment_count, &log->segment_room,
                             sizeof *log->segments);
    log->segments[log->segment_count++] = segment;
}

uint64_t partition_log_index_interval(const struct partition_log *log) {
    uint64_t least = log->segment_bytes / INDEX_POINTS_MAX,
             of_store = log->store->index_interval_bytes;
    return least > of_store ? least : of_store;
}

struct segment *partition_log_last_segment(const struct partition_log *log) {
    return log->segment_count ? log->segments[log->segment_count - 1] : NULL;
}

struct segment *partition_log_active(const struct partition_log *log) {
    struct segment *last = partition_log_last_segment(log);
    return last && last->active ? last : NULL;
}

void partition_log_note_below(struct partition_log *log) {
    while (log->below_count < log->segment_count) {
        const struct segment *segment = log->segments[log->below_count];
        if (segment->active || segment->end.offset > log->prefix.offset) break;
        log->below_bytes += segment->end.position;
        log->below_count++;
    }
}

void partition_log_look_prefix(struct partition_log *log) {
    if (log->prefix.look && !log->prefix.pausing && !log->closed) log->prefix.look(log);
}

static void prefix_pause_over(void *arg) {
    struct partition_log *log = arg;
    log->prefix.pausing = false;
    partition_log_look_prefix(log);
}

void partition_log_pause_prefix(struct partition_log *log) {
    struct log_prefix *prefix = &log->prefix;
    if (!prefix->look || log->closed) return;
    if (!prefix->pause) prefix->pause = env_timer_new(log->store->env, prefix_pause_over, log);
    prefix->pausing = true;
    env_timer_start(prefix->pause, PREFIX_PAUSE_US);
}

/* ---- Its end ---- */

/* It waits for no round any more. */
static void drop_marks(struct partition_log *log) {
    struct journal *journal = log->store->journal;
    while (log->oldest_mark) {
        struct durable_mark *mark = log->oldest_mark;
        log->oldest_mark = mark->next;
        if (journal) journal_wait_cancel(journal, &mark->waiter);
        mem_free(mark);
    }
    log->newest_mark = NULL;
}

void partition_log_free_if_unused(struct partition_log *log) {
    if (!log->closed || log->opening || log->busy > 0 || log->job || log->prefix.job ||
        log->install)
        return;
    drop_marks(log);
    if (log->has_snapshot) slice_unref(&log->snapshot);
    slice_unref(&log->prefix.change);
    slice_unref(&log->prefix.start.change);
    struct log_store *store = log->store;
    HASH_DELETE(by_group, store->logs, log);
    term_table_close(&log->terms);
    mem_free(log->changes);
    mem_free(log->segments);
    mem_free(log->label);
    mem_free(log->path);
    mem_free(log);
    log_store_free_if_unused(store);
}
