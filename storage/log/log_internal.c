/*
 * The ground floor of store and logs: what all their files use, and nothing that starts anything.
 *
 * Happy path: positions move forward, jobs come and go in the lane. Failures: none.
 * Invariants: synced <= written <= committed. A closed log lives as long as one of its events or
 * its job is under way, a closed store as long as a job in its lane or such a log.
 */
#include "storage/log/log_internal.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"

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

void partition_log_note_whole(struct partition_log *log) {
    if (!log->damaged) return;
    for (size_t i = 0; i < log->segment_count; i++)
        if (log->segments[i]->damaged) return;
    log->damaged = false;
    if (log->events.mended) log->events.mended(log->arg);
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

void partition_log_pause_prefix(struct partition_log *log, uint64_t pause_us) {
    struct log_prefix *prefix = &log->prefix;
    if (!prefix->look || log->closed) return;
    if (!prefix->pause) prefix->pause = env_timer_new(log->store->env, prefix_pause_over, log);
    prefix->pausing = true;
    env_timer_start(prefix->pause, pause_us);
}

void partition_log_marks_truncate(struct partition_log *log, log_index index) {
    if (MUTANT(MUTANT_STALE_COMPLETION)) return;
    for (struct durable_mark *mark = log->oldest_mark; mark; mark = mark->next)
        if (mark->index >= index) mark->index = index - 1;
}

/* ---- Segments end by their age ----
 *
 * So the records of a log to which little is written can grow too old to be kept. The first record
 * behind what is sealed begins the age; a heap of all logs of the store has one timer, and the log
 * whose time it is rolls. A few at a time: ten thousand that were made together do not roll
 * together. What a roll cannot write waits in write-behind. A log without a record behind what is
 * sealed is not in the heap and costs nothing; this is every replica's own business, and moves
 * nothing but file borders. */

enum {
    ROLLS_AT_ONCE = 50,
    PACE_US = 1000 * 1000,
    LOOK_MS = 24 * 3600 * 1000, /* what is further away is looked at again then */
};

static void age_arm(struct log_store *store, uint64_t pause_us) {
    const struct timer_entry *first = timer_heap_first(&store->ages);
    if (!first) {
        env_timer_stop(store->age_timer);
        return;
    }
    uint64_t now_ms = env_now_ms(store->env);
    uint64_t left_ms = first->at_ms > now_ms ? first->at_ms - now_ms : 0;
    uint64_t left_us = (left_ms < LOOK_MS ? left_ms : LOOK_MS) * 1000;
    env_timer_start(store->age_timer, left_us > pause_us ? left_us : pause_us);
}

static bool is_counted(const struct partition_log *log) {
    return log->age.due.place > 0;
}

static kafka_offset sealed_end(const struct partition_log *log) {
    size_t count = log->segment_count;
    if (count > 0 && log->segments[count - 1]->active) count--;
    return count > 0 ? log->segments[count - 1]->end.offset : log->start_offset;
}

static void on_age(void *arg) {
    struct log_store *store = arg;
    uint64_t now_ms = env_now_ms(store->env);
    struct timer_entry *first = timer_heap_first(&store->ages);
    for (int n = 0; first && first->at_ms <= now_ms && n < ROLLS_AT_ONCE; n++) {
        struct partition_log *log = CONTAINER_OF(first, struct partition_log, age.due);
        timer_heap_remove(&store->ages, first);
        store->roll(log);
        /* What has not committed cannot be sealed: it is tried again. */
        if (!is_counted(log) && log->end_offset > sealed_end(log))
            timer_heap_set(&store->ages, &log->age.due, now_ms + PACE_US / 1000);
        first = timer_heap_first(&store->ages);
    }
    age_arm(store, first && first->at_ms <= now_ms ? PACE_US : 0);
}

void segment_age_open(struct log_store *store, void (*roll)(struct partition_log *log)) {
    store->roll = roll;
    timer_heap_init(&store->ages);
    store->age_timer = env_timer_new(store->env, on_age, store);
}

void segment_age_close(struct log_store *store) {
    env_timer_free(store->age_timer);
    timer_heap_close(&store->ages);
}

/* ---- One log ---- */

/* Its last segment is so old at present. */
static void due_in(struct partition_log *log, uint64_t age_ms) {
    struct log_store *store = log->store;
    struct log_age *age = &log->age;
    uint64_t now_ms = env_now_ms(store->env), least_ms = age->limit_ms;
    if (age->jitter_ms > 0) {
        uint64_t earlier_ms = env_random_u64(store->env) % age->jitter_ms;
        least_ms = earlier_ms < least_ms ? least_ms - earlier_ms : 0;
    }
    uint64_t left_ms = least_ms > age_ms ? least_ms - age_ms : 0;
    uint64_t at_ms = left_ms < UINT64_MAX - now_ms ? now_ms + left_ms : UINT64_MAX;
    age->since_ms = (int64_t)now_ms - (int64_t)age_ms;
    timer_heap_set(&store->ages, &age->due, at_ms);
    if (timer_heap_first(&store->ages) == &age->due) age_arm(store, 0);
}

void segment_age_begin(struct partition_log *log, const struct entry *entry) {
    if (entry->max_timestamp > log->unwritten_timestamp)
        log->unwritten_timestamp = entry->max_timestamp;
    if (log->age.limit_ms > 0 && !is_counted(log)) due_in(log, 0);
}

void segment_age_forget(struct partition_log *log) {
    timer_heap_remove(&log->store->ages, &log->age.due);
}

void segment_age_sealed(struct partition_log *log) {
    segment_age_forget(log);
    if (log->age.limit_ms > 0 && log->end_offset > sealed_end(log)) due_in(log, 0);
}

/* How old the last segment was when the log was opened, by its own timestamps: its first record is
 * no older than the last one before it, and no younger than its newest. */
static uint64_t age_before(const struct partition_log *log) {
    const struct segment *last = log->segment_count > 0 ? log->segments[log->segment_count - 1]
                                                        : NULL;
    const struct segment *before = log->segment_count > 1 ? log->segments[log->segment_count - 2]
                                                          : NULL;
    int64_t from_ms = -1, now_ms = env_wall_ms(log->store->env);
    if (last && last->active) from_ms = before ? before->end.max_timestamp : -1;
    if (last && from_ms < 0) from_ms = last->end.max_timestamp;
    return from_ms >= 0 && from_ms < now_ms ? (uint64_t)(now_ms - from_ms) : 0;
}

void partition_log_roll_at_age(struct partition_log *log, uint64_t age_ms, uint64_t jitter_ms) {
    struct log_age *age = &log->age;
    if (age->limit_ms == age_ms && age->jitter_ms == jitter_ms) return;
    bool first = age->limit_ms == 0;
    uint64_t old_ms = is_counted(log) ? env_now_ms(log->store->env) - (uint64_t)age->since_ms
                      : first         ? age_before(log)
                                      : 0;
    age->limit_ms = age_ms;
    age->jitter_ms = jitter_ms;
    segment_age_forget(log);
    if (age_ms > 0 && log->end_offset > sealed_end(log)) due_in(log, old_ms);
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
