/*
 * A log takes another one's place, which a leader gave as files: partition_log_install of
 * partition_log.h.
 *
 *   1 at once    the log is empty, and goes on where the files end; reads under way end; the
 *                journal records that it begins anew there (journal_log_begins)
 *   2 durable    the staged directory takes the place of the log's own, in the lane of the group
 *                (staged_directory.h)
 *   3 swapped    its tables are the log's, with the state of the appliers; the owner is told
 *
 * What a crash leaves, and what the next opening makes of it (partition_log_recovery.c):
 *   before 2    the old log; what is staged stays for the next offer
 *   before 3    the journal says where the staged directory ends: the swap is finished, whichever
 *               of its renames is missing
 *   after 3     the new log; what was put aside is removed
 *
 * Failures: a full disk, or no more files, makes the swap wait and begin again; any other error of
 * a rename or a sync ends the process. Invariants: nothing is appended between 1 and 3; of what the
 * old log had under way nothing is taken any more (log->lives).
 */
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/log_reading.h"
#include "storage/log/write_behind.h"
#include "storage/segment/staged_directory.h"

enum { TRY_AGAIN_US = 1000 * 1000, LEAVE_AGAIN_US = 20 * 1000 };

struct install_job {
    struct env_job job; /* first: a job is its install_job */
    struct journal_waiter waiter;
    struct env *env;
    struct log_store *store;
    struct partition_log *log;
    struct staged_log staged;
    char *aside;
    int error;
    bool waits;              /* for the journal */
    struct env_timer *again; /* NULL: nothing was in the way so far */
};

/* ---- 1: the log is empty ---- */

static void empty_log(struct partition_log *log) {
    struct log_store *store = log->store;
    store->uncommitted_bytes -= log->uncommitted_bytes;
    store->undurable_bytes -= log->undurable_bytes;
    store->write_behind.unwritten_bytes -= log->unwritten_bytes;
    log->uncommitted_bytes = log->undurable_bytes = log->unwritten_bytes = 0;
    log->lives++;
    if (log->end_cleaning) log->end_cleaning(log);
    if (log->end_healing) log->end_healing(log);
    log_swap_end(log);
    log_readings_leave(log);
    write_behind_forget(log);
    for (size_t i = 0; i < log->segment_count; i++)
        segment_drop(log->segments[i]);
    log->segment_count = 0;
    log->size_bytes = log->below_bytes = 0;
    log->below_count = 0;
    log->unwritten_timestamp = -1;
    segment_age_forget(log);
    log->damaged = false;
    log_memory_close(&log->memory);
    partition_log_marks_truncate(log, 1);
    memset(log->hints, 0, sizeof log->hints);
    log->roll_to = 0;
    applier_snapshot_forget(log);
    if (log->has_snapshot) slice_unref(&log->snapshot);
    log->has_snapshot = false;
    struct log_prefix *prefix = &log->prefix;
    prefix->raise_index = 0;
    if (prefix->reading) partition_log_read_cancel(&prefix->read);
    prefix->reading = false;
    slice_unref(&prefix->change);
    slice_unref(&prefix->start.change);
    prefix->change = prefix->start.change = (struct slice){0};
    prefix->change_index = prefix->start.change_index = 0;
    log->change_count = 0;
    term_table_close(&log->terms);
}

static void go_on_behind(struct partition_log *log, const struct prefix_files *files) {
    const struct start_file *place = &files->ends;
    log_index applied = files->state_index;
    log->first_index = place->index + 1;
    log->last_index = log->durable = place->index;
    log->start_offset = files->begins.file_offset; /* as it will be: nobody reads before */
    log->end_offset = log->written_end = log->progress_segment = place->next_offset;
    log->synced = log->written = log->committed = place->index;
    if (log->commit < applied) log->commit = applied; /* what the appliers know has committed */
    log_memory_init(&log->memory, &log->store->cache, place->index + 1);
    term_table_add(&log->terms, place->index, place->next_offset, place->term);
}

/* ---- 3: the log is the new one ---- */

static void take_tables(struct partition_log *log, struct staged_log *staged) {
    struct partition_log *tables = staged->tables;
    term_table_close(&log->terms);
    log->terms = tables->terms;
    tables->terms = (struct term_table){0};
    for (size_t i = 0; i < tables->change_count; i++)
        partition_log_add_change(log, tables->changes[i]);
    for (size_t i = 0; i < tables->segment_count; i++) {
        struct segment *segment = tables->segments[i];
        mem_free(segment->group_path);
        segment->group_path = mem_strdup(log->path);
        partition_log_add_segment(log, segment);
    }
    tables->segment_count = 0;
    log->size_bytes = tables->size_bytes;
    log->prefix.start = tables->prefix.start;
    tables->prefix.start = (struct start_file){0};
    log->first_index = tables->first_index;
    log->start_offset = tables->start_offset;
    log->snapshot = staged->state;
    staged->state = (struct slice){0};
    log->has_snapshot = true;
    log->snapshot_index = log->kept_index = staged->files.state_index;
    log->copied_index = 0;
    log->kept_bytes = 0;
    applier_snapshot_opened(log);
    log->directory_made = log->directory_synced = true;
}

static void free_install(struct install_job *install) {
    staged_log_free(&install->staged);
    env_timer_free(install->again);
    mem_free(install->aside);
    mem_free(install);
}

static void install_ends(struct install_job *install) {
    struct partition_log *log = install->log;
    struct log_store *store = install->store;
    log->install = NULL;
    if (install->aside != NULL && !store->closed) {
        paced_removal_add(&store->removals, install->aside);
        install->aside = NULL;
    }
    if (!log->closed) take_tables(log, &install->staged);
    free_install(install);
    if (log->closed) {
        partition_log_free_if_unused(log);
    } else {
        log->events.installed(log->arg);
    }
}

/* ---- 2: the swap ---- */

static void install_work(struct env_job *base) {
    struct install_job *install = (struct install_job *)base;
    struct staged_place end = staged_directory_end(&install->staged.files);
    char *aside = NULL;
    install->error = staged_directory_swap(install->env, install->store->groups_path,
                                           install->log->path, install->log->group, &end, &aside);
    if (aside != NULL) { /* else an earlier try has done that */
        mem_free(install->aside);
        install->aside = aside;
    }
}

static void swap_again(struct install_job *install, uint64_t delay_us);

static void install_done(struct env_job *base) {
    struct install_job *install = (struct install_job *)base;
    struct log_store *store = install->store;
    bool passing = error_is_no_room(install->error) || install->error == ERR_LIMIT;
    if (passing && !install->log->closed) {
        swap_again(install, TRY_AGAIN_US);
        log_store_job_done(store);
        return;
    }
    if (install->error && !install->log->closed)
        env_fatal(
            install->env,
            "cannot put %s.in in the place of %s (%s); %s, and start this broker again: it goes on with that",
            install->log->path, install->log->path, error_phrase(install->error),
            error_advice(install->error));
    install_ends(install);
    log_store_job_done(store);
}

/* Nobody may remove files of the old log by their names any more. */
static void swap(void *arg) {
    struct install_job *install = arg;
    if (install->log->closed) {
        install_ends(install);
    } else if (!dropped_segments_leave(&install->store->dropped, install->log->path)) {
        swap_again(install, LEAVE_AGAIN_US);
    } else {
        install->job = (struct env_job){.work = install_work, .done = install_done};
        log_store_run_job(install->store, log_store_lane(install->store, install->log->group),
                          &install->job);
    }
}

static void swap_again(struct install_job *install, uint64_t delay_us) {
    if (install->again == NULL) install->again = env_timer_new(install->env, swap, install);
    env_timer_start(install->again, delay_us);
}

static void begins_durably(struct journal_waiter *waiter) {
    struct install_job *install = CONTAINER_OF(waiter, struct install_job, waiter);
    install->waits = false;
    swap(install);
}

/* ---- The calls ---- */

void partition_log_install(struct partition_log *log, struct log_staging *staging) {
    CHECK(!log->closed && log->install == NULL); /* its owner does one thing at a time */
    struct install_job *install = mem_zalloc(sizeof *install);
    install->env = log->store->env;
    install->store = log->store;
    install->log = log;
    install->staged = log_staging_take(staging);
    log->install = install;
    const struct prefix_files *files = &install->staged.files;
    struct staged_place end = staged_directory_end(files);
    CHECK(files->ends.index > log->committed); /* the owner has looked: it lacks that entry */
    CHECK(log->synced == log->committed && !log->job); /* log_staging_settle */
    empty_log(log);
    go_on_behind(log, files);
    journal_log_begins(log->store->journal, log->group, end.index, end.segment, end.position);
    install->waits = true;
    install->waiter.durable = begins_durably;
    journal_wait(log->store->journal, &install->waiter);
}

void partition_log_end_install(struct partition_log *log) {
    struct install_job *install = log->install;
    if (install == NULL || !install->waits) return;
    journal_wait_cancel(log->store->journal, &install->waiter);
    log->install = NULL;
    free_install(install);
}
