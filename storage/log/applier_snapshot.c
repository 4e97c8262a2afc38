/* Writing a snapshot of the applier's state in the lane, when its owner gives it. */
#include "storage/log/applier_snapshot.h"

#include "base/check.h"
#include "base/mem.h"
#include "storage/log/log_internal.h"
#include "storage/state/state_files.h"

enum {
    UNSAVED_SHARE = 2, /* of what the journal may hold */
    /* The same: a state costs some syncs, and no log is asked for less, however many there are. */
    UNSAVED_LEAST_SHARE = 2048,
    /* ... but again, before the last one that was asked for is there, for this much more. */
    UNSAVED_AGAIN_SHARE = 16,
};

struct save_job {
    struct env_job job; /* first: a job is its save_job */
    struct env *env;
    struct log_store *store;
    uint64_t group;
    uint64_t life; /* of the log, which may be another one by then */
    struct applier_state state;
    char *group_path, *path;
    bool twice;
    int error;
};

static void drop_state(struct applier_state *state) {
    for (size_t i = 0; i < state->count; i++)
        slice_unref(&state->parts[i]);
    mem_free(state->parts);
    *state = (struct applier_state){0};
}

/* ---- Writing, in the lane ---- */

/* Nothing is lost by it: the state is kept again at the next sync. */
static bool is_passing(int error) {
    return error_is_no_room(error) || error == ERR_LIMIT;
}

static void snapshot_work(struct env_job *base) {
    struct save_job *save = (struct save_job *)base;
    save->error = state_files_write(save->env, save->group_path, save->group, save->state.index,
                                    save->state.parts, save->state.count, save->state.len,
                                    save->twice);
    if (!save->error) state_files_remove_old(save->env, save->group_path);
}

static void set_saved(struct partition_log *log, uint64_t bytes) {
    if (bytes <= log->saved_bytes) return;
    log->store->unsaved_bytes -= bytes - log->saved_bytes;
    log->saved_bytes = bytes;
}

static void snapshot_done(struct env_job *base) {
    struct save_job *save = (struct save_job *)base;
    struct log_store *store = save->store;
    if (is_passing(save->error) && !store->closed)
        log_limited(store->log, &store->full_disk, LOGGED_KEPT_STATE_WAITS,
                    "cannot write %s (%s); %s: the next start takes longer without it", save->path,
                    error_phrase(save->error), error_advice(save->error));
    else if (save->error && !store->closed)
        env_fatal(
            store->env,
            "cannot write %s (%s); %s, and start this broker again: what it acknowledged is in its journal",
            save->path, error_phrase(save->error), error_advice(save->error));
    if (!save->error)
        log_store_took_room(store, (save->twice ? 2 : 1) * (save->state.len + STATE_HEAD_SIZE));
    struct partition_log *log = store->closed ? NULL : log_store_find(store, save->group);
    if (log) {
        log->saving--;
        if (!save->error && save->state.index > log->kept_index)
            log->kept_index = save->state.index;
        if (!save->error && save->twice) log->copied_index = save->state.index;
        if (!save->error && save->life == log->lives) set_saved(log, save->state.log_bytes);
        if (save->error)
            partition_log_pause_prefix(log, PREFIX_PAUSE_US);
        else
            partition_log_look_prefix(log);
    }
    drop_state(&save->state);
    mem_free(save->group_path);
    mem_free(save->path);
    mem_free(save);
    log_store_job_done(store);
}

/* Takes `early`. */
static void save(struct partition_log *log) {
    struct log_store *store = log->store;
    struct save_job *save = mem_alloc(sizeof *save);
    *save = (struct save_job){.job = {.work = snapshot_work, .done = snapshot_done},
                              .env = store->env,
                              .store = store,
                              .group = log->group,
                              .life = log->lives,
                              .state = log->early,
                              .group_path = mem_strdup(log->path),
                              .path = path_of_snapshot(log->path, log->early.index),
                              .twice = log->prefix.look || log->first_index > 1};
    log->early = (struct applier_state){0};
    log->saving++;
    log_store_run_job(store, log_store_lane(store, log->group), &save->job);
}

/* ---- When ---- */

uint64_t applier_snapshot_unsaved(const struct partition_log *log) {
    return log->log_bytes - log->saved_bytes;
}

uint64_t applier_snapshot_unasked(const struct partition_log *log) {
    return log->log_bytes - log->asked_bytes;
}

void applier_snapshot_wrote(struct partition_log *log, uint64_t bytes) {
    log->store->unsaved_bytes += bytes;
    log->log_bytes += bytes;
}

static void begin_anew(struct partition_log *log) {
    log->store->unsaved_bytes -= applier_snapshot_unsaved(log);
    log->log_bytes = log->asked_bytes = log->saved_bytes = 0;
}

/* As if all its entries were of one size. */
static uint64_t bytes_behind(const struct segment *segment, log_index index) {
    log_index first = segment->header.first_index, last = segment->end.last_index;
    if (index < first) return segment->end.position;
    return segment->end.position / (last - first + 1) * (last - index);
}

void applier_snapshot_opened(struct partition_log *log) {
    uint64_t bytes = 0;
    for (size_t i = log->segment_count;
         i > 0 && log->segments[i - 1]->end.last_index > log->kept_index; i--)
        bytes += bytes_behind(log->segments[i - 1], log->kept_index);
    begin_anew(log);
    applier_snapshot_wrote(log, bytes);
}

/* Who has no more of it than the average need not be asked. */
static bool is_too_much_of_all(const struct partition_log *log) {
    const struct log_store *store = log->store;
    uint64_t most = store->options.journal_max_bytes;
    uint64_t unsaved = applier_snapshot_unsaved(log), unasked = applier_snapshot_unasked(log);
    return store->unsaved_bytes > most / UNSAVED_SHARE &&
           unasked >= most / (unasked < unsaved ? UNSAVED_AGAIN_SHARE : UNSAVED_LEAST_SHARE) &&
           unsaved >= store->unsaved_bytes / HASH_CNT(by_group, store->logs);
}

/* But never more often than there is as much log behind the last one as that took: a large state
 * costs at most as much again as the log that made it. */
bool applier_snapshot_is_due(const struct partition_log *log) {
    if (log->store->flushing) return true;
    uint64_t unasked = applier_snapshot_unasked(log);
    return log->saving == 0 && unasked >= log->kept_bytes &&
           (unasked >= log->seal_every_bytes || is_too_much_of_all(log));
}

/* ---- The state, from its owner ---- */

void applier_snapshot_keep(struct partition_log *log) {
    if (!log->seal_wanted || log->keeping || log->early.count > 0) return;
    log->asked_bytes = log->log_bytes;
    log->keeping = true;
    log->store->jobs++; /* a flush waits for it */
    log->seal_wanted(log->seal_arg);
}

void partition_log_keep(struct partition_log *log, log_index index, struct slice *parts,
                        size_t count) {
    CHECK(log->keeping); /* it was asked for, and the log is open */
    struct applier_state state = {
        .index = index, .parts = parts, .count = count, .log_bytes = log->asked_bytes};
    if (log->keeping_in_vain) drop_state(&state);
    log->keeping = log->keeping_in_vain = false;
    if (state.count > 0) {
        /* Our own applier's, which is given committed entries only (raft_group_apply.c). */
        CHECK(index > 0 && index <= log->commit);
        log->early = state;
        for (size_t i = 0; i < count; i++)
            log->early.len += parts[i].len;
        /* Settings bound the memory of groups and producers. */
        CHECK(log->early.len <= UINT32_MAX);
        log->kept_bytes = log->early.len;
        applier_snapshot_durable(log);
    }
    log_store_job_done(log->store);
}

void applier_snapshot_renew(struct partition_log *log, bool copy) {
    char *path = copy ? path_of_snapshot_copy(log->path, log->kept_index)
                      : path_of_snapshot(log->path, log->kept_index);
    log_event(
        log->store->log, LOGGED_KEPT_STATE_BAD,
        "%s of %s does not match its checksum; what it says is still in memory here, and is written anew",
        path, log->label);
    mem_free(path);
    log->kept_index = log->copied_index = 0;
    applier_snapshot_keep(log);
}

void applier_snapshot_durable(struct partition_log *log) {
    if (log->early.count > 0 && log->early.index <= log->durable) save(log);
}

void applier_snapshot_forget(struct partition_log *log) {
    log->keeping_in_vain = log->keeping;
    drop_state(&log->early);
}

void applier_snapshot_close(struct partition_log *log) {
    bool keeping = log->keeping;
    log->keeping = false;
    begin_anew(log);
    drop_state(&log->early);
    if (keeping) log_store_job_done(log->store);
}
