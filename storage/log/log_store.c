/*
 * The log store: what all logs of a shard share. See partition_log.h for the contract,
 * log_internal.h for the inside.
 *
 * Happy path: log_store_open makes the directories and recovers the journal; logs come and go;
 * log_store_flush brings what is committed into synced segments. Failures: directories that cannot
 * be made or read are errors with a sentence. Invariant: the store outlives its last job in the
 * lane.
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "storage/directory.h"
#include "storage/log/log_internal.h"
#include "storage/log/log_reading.h"
#include "storage/log/write_behind.h"
#include "storage/log_types.h"

enum {
    LANES_MOST = 8, /* that write and sync segments; more gained nothing where it was measured
                       (decision 21) */
};

/* ---- Opening ---- */

static int make_directory(struct env *env, const char *path, struct error_text *why) {
    int error = directory_make(env, path);
    if (error == 0) return 0;
    return error_set(why, error,
                     "the directory %s cannot be made (%s); %s, or name another data.dir", path,
                     error_phrase(error), error_advice(error));
}

static void pressed(void *arg, uint64_t group, log_index index) {
    struct partition_log *log = log_store_find(arg, group);
    if (log) write_behind_sync(log, index);
}

/* Its file is wanted for others. */
static void want_sync(void *arg, struct segment *segment) {
    struct partition_log *log = log_store_find(arg, segment->header.group);
    if (log) write_behind_sync(log, segment->end.last_index);
}

static void room_for_file(void *arg) {
    log_readings_wake(arg);
}

static uint64_t index_interval(const struct log_store_options *options) {
    uint64_t least = options->segment_bytes / INDEX_POINTS_MAX,
             wanted = options->index_interval_bytes;
    return wanted > least ? wanted : least;
}

static void check_flush(struct env_task *task);

static void removals_idle(void *arg) {
    log_store_free_if_unused(arg);
}

/* Syncs of different files wait for the same commits of the file system: several at once cost
 * hardly more than one. */
static void open_lanes(struct log_store *store) {
    unsigned jobs = store->write_behind.jobs_max;
    store->lane_count = jobs < LANES_MOST ? jobs : LANES_MOST;
    store->lanes = mem_alloc(store->lane_count * sizeof(struct env_lane *));
    for (unsigned i = 0; i < store->lane_count; i++)
        store->lanes[i] = env_lane_new(store->env, "write-behind");
}

/* Accepted, and in no segment; what the journal may have to grow for what it has not written; and
 * what comes in as files. */
static uint64_t promised_room(void *arg) {
    const struct log_store *store = arg;
    if (!store->journal) return 0; /* not open yet */
    return store->uncommitted_bytes + store->write_behind.unwritten_bytes + store->staged_bytes +
           journal_owed_bytes(store->journal, store->undurable_bytes);
}

/* Without room, files that were let go of wait for no delay. */
static void room_changed(void *arg) {
    struct log_store *store = arg;
    struct log_store_room_listener *listener;
    dropped_segments_hurry(&store->dropped, disk_space_is_short(store->room, DISK_ROOM_LEADER));
    DL_FOREACH(store->room_listeners, listener) {
        listener->changed(listener);
    }
}

static int open_journal(struct log_store *store, const char *path, struct error_text *why) {
    struct journal_options options = {.file_bytes = store->options.journal_file_bytes,
                                      .max_bytes = store->options.journal_max_bytes,
                                      .room = store->room,
                                      .must_exist = store->options.must_exist};
    char *journal_path = path_join(path, "journal");
    int error = make_directory(store->env, path, why);
    if (!error) error = make_directory(store->env, store->groups_path, why);
    if (!error)
        error = journal_open(store->env, store->log, journal_path, &options, &store->journal, why);
    mem_free(journal_path);
    return error;
}

static void shrink_cache(struct env_task *task) {
    struct log_store *store = CONTAINER_OF(task, struct log_store, cache_task);
    while (tail_cache_set_limit(&store->cache, store->options.tail_cache_bytes)) {
        if (!env_turn_is_long(store->env)) continue;
        env_yield(store->env, task);
        return;
    }
}

bool log_store_take_wound(struct log_store *store, struct wound *into) {
    return wounds_take(&store->wounds, into);
}

void log_store_set_tail_cache(struct log_store *store, uint64_t bytes) {
    store->options.tail_cache_bytes = bytes;
    env_defer(store->env, &store->cache_task);
}

/* What needs the journal, and cannot fail. */
static void store_begin(struct log_store *store) {
    const struct log_store_options *options = &store->options;
    tail_cache_init(&store->cache, options->tail_cache_bytes);
    store->cache_task.run = shrink_cache;
    store->flush_task.run = check_flush;
    store->index_interval_bytes = index_interval(options);
    store->open_lane = env_lane_new(store->env, "open-logs");
    store->clean_lane = env_lane_new(store->env, "clean");
    store->staging_lane = env_lane_new(store->env, "staging");
    paced_removal_init(&store->removals, store->env, removals_idle, store);
    dropped_segments_open(&store->dropped, store->env, &store->removals);
    write_behind_open(store);
    open_lanes(store);
    log_readings_open(store);
    /* Each has a file of its own; a cleaning has one that it reads, one that it writes, and one
       that takes a name. */
    unsigned jobs = store->write_behind.jobs_max + 3;
    store->files = (struct segment_files){
        .env = store->env,
        .limit = options->open_files > jobs ? options->open_files - jobs : 1,
        .want_sync = want_sync,
        .room = room_for_file,
        .arg = store};
    journal_on_pressure(store->journal, pressed, store);
    log_store_remove_leftovers(store);
}

int log_store_open(struct env *env, struct log *log, const char *path,
                   const struct log_store_options *options, struct log_store **out,
                   struct error_text *why) {
    static const struct disk_space_events room_events = {promised_room, room_changed};
    CHECK(options->segment_bytes > 0 && options->index_interval_bytes > 0 &&
          options->open_files > 0);
    struct log_store *store = mem_zalloc(sizeof *store);
    store->env = env;
    store->log = log;
    store->options = *options;
    store->groups_path = path_join(path, "groups");
    store->room = disk_space_new(env, log, options->disk_path ? options->disk_path : path,
                                 options->disk_min_free_bytes, &room_events, store);
    int error = open_journal(store, path, why);
    if (error) {
        disk_space_free(store->room);
        mem_free(store->groups_path);
        mem_free(store);
        return error;
    }
    store_begin(store);
    *out = store;
    return 0;
}

void log_store_close(struct log_store *store) {
    struct partition_log *log, *next;
    HASH_ITER(by_group, store->logs, log, next) {
        CHECK(log->closed);
    }
    env_defer_cancel(store->env, &store->flush_task);
    env_defer_cancel(store->env, &store->cache_task);
    write_behind_close(store);
    dropped_segments_close(&store->dropped);
    paced_removal_stop(&store->removals);
    log_readings_close(store);
    journal_close(store->journal);
    log_store_end_forgetting(store);
    store->journal = NULL;
    disk_space_free(store->room);
    store->room = NULL;
    store->closed = true;
    log_store_free_if_unused(store);
}

/* ---- Small answers ---- */

struct journal *log_store_journal(struct log_store *store) {
    return store->journal;
}

struct disk_space *log_store_room(struct log_store *store) {
    return store->room;
}

void log_store_on_room(struct log_store *store, struct log_store_room_listener *listener) {
    DL_APPEND(store->room_listeners, listener);
}

void log_store_off_room(struct log_store *store, struct log_store_room_listener *listener) {
    DL_DELETE(store->room_listeners, listener);
}

uint64_t log_store_uncommitted_bytes(const struct log_store *store) {
    return store->uncommitted_bytes;
}

uint64_t log_store_unwritten_bytes(const struct log_store *store) {
    return store->write_behind.unwritten_bytes;
}

const struct log_store_counts *log_store_counts(const struct log_store *store) {
    return &store->counts;
}

uint64_t log_store_undurable_bytes(const struct log_store *store) {
    return store->undurable_bytes;
}

/* ---- Which groups there are ---- */

struct group_list {
    uint64_t *ids;
    size_t count, room;
};

static void add_group(void *arg, uint64_t group) {
    struct group_list *list = arg;
    list->ids = mem_grow(list->ids, list->count, &list->room, sizeof *list->ids);
    list->ids[list->count++] = group;
}

static void add_group_directory(void *arg, const char *name) {
    uint64_t group;
    if (path_group_id(name, &group)) add_group(arg, group);
}

static int compare_ids(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

void log_store_each_group(struct log_store *store, void (*each)(void *arg, uint64_t group),
                          void *arg) {
    struct group_list list = {0};
    journal_each_group(store->journal, add_group, &list);
    int error = env_list_dir(store->env, store->groups_path, add_group_directory, &list);
    if (error)
        env_fatal(store->env, "cannot list %s (%s)", store->groups_path, error_phrase(error));
    if (list.count > 0) qsort(list.ids, list.count, sizeof *list.ids, compare_ids);
    for (size_t i = 0; i < list.count; i++)
        if (i == 0 || list.ids[i] != list.ids[i - 1]) each(arg, list.ids[i]);
    mem_free(list.ids);
}

/* ---- Flush ---- */

static void flushed(struct journal_waiter *waiter) {
    struct log_store *store = CONTAINER_OF(waiter, struct log_store, flush_waiter);
    store->flush_waits = false;
    store->flushing = false;
    store->flush_done(store->flush_arg);
}

/* The last step: the progress records become durable, so that the next start reads them. */
static void check_flush(struct env_task *task) {
    struct log_store *store = CONTAINER_OF(task, struct log_store, flush_task);
    if (!store->flushing || store->flush_waits || store->jobs > 0) return;
    struct partition_log *log, *next;
    HASH_ITER(by_group, store->logs, log, next) {
        if (!log->closed && log->synced < log->flush_to) return;
    }
    store->flush_waits = true;
    store->flush_waiter.durable = flushed;
    journal_wait(store->journal, &store->flush_waiter);
}

/* What the journal holds of it that its segments do not. */
static uint64_t unsynced_bytes(const struct partition_log *log) {
    const struct segment *active = partition_log_active(log);
    if (log->closed || log->committed <= log->synced) return 0;
    return log->unwritten_bytes + (active ? active->end.position - active->synced : 0);
}

/* Logs with no more than this stay as they are; together they have no more than the store may
 * leave. */
static uint64_t most_that_stays(const struct log_store *store) {
    uint64_t most = store->options.flush_leaves_bytes, sum;
    do {
        sum = 0;
        for (const struct partition_log *log = store->logs; log; log = log->by_group.next)
            if (unsynced_bytes(log) <= most) sum += unsynced_bytes(log);
        if (sum > store->options.flush_leaves_bytes) most /= 2;
    } while (sum > store->options.flush_leaves_bytes);
    return most;
}

void log_store_flush(struct log_store *store, void (*done)(void *arg), void *arg) {
    CHECK(!store->flushing);
    store->flushing = true;
    store->flush_done = done;
    store->flush_arg = arg;
    uint64_t left = most_that_stays(store);
    struct partition_log *log, *next;
    HASH_ITER(by_group, store->logs, log, next) {
        log->flush_to = unsynced_bytes(log) > left ? log->committed : 0;
        if (!log->closed) write_behind_sync(log, log->flush_to);
    }
    log_store_check_flush(store);
}
