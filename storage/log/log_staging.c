/* The jobs of a staging: taking up what is there, writing and checking a block, reading the whole
 * as a start would; and the room that it takes. */
#include "storage/log/log_staging.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "storage/journal/journal.h"
#include "storage/log/log_internal.h"
#include "storage/log/recovered_segments.h"
#include "storage/log/write_behind.h"
#include "storage/segment/group_directory.h"
#include "storage/segment/staged_directory.h"
#include "storage/segment/staged_files.h"
#include "storage/state/state_files.h"

struct log_staging {
    struct env_job job; /* first: a job is its staging */
    struct env *env;
    struct log_store *store;
    struct partition_log *log; /* NULL: closed */
    uint64_t group;
    char *label;
    void (*moved)(void *arg, int error);
    void *arg;
    bool busy; /* a job is under way: what is below is its */
    bool settling;
    struct env_task settled; /* perhaps */
    uint64_t reserved;       /* bytes of the store's staged_bytes */

    struct staged_log staged;
    struct staged_files files; /* of its list */
    struct slice bytes;        /* to be put */
    int error;
    bool ends; /* the process: a write or a sync failed */
};

/* What may pass is no more than that; else the disk cannot be believed. */
static int failed(struct log_staging *staging, int error) {
    if (error && error != ERR_LIMIT && error != ERR_CANCELED && !error_is_no_room(error))
        staging->ends = true;
    return error;
}

/* ---- In the lane: files ---- */

static void end_files_job(struct log_staging *staging, int error) {
    staging->error = error;
    staging->ends = staging->ends || staging->files.disk_failed;
}

static void look_work(struct env_job *job) {
    struct log_staging *staging = (struct log_staging *)job;
    end_files_job(staging, staged_files_look(&staging->files));
}

static void take_up_work(struct env_job *job) {
    struct log_staging *staging = (struct log_staging *)job;
    end_files_job(staging, staged_files_take_up(&staging->files));
}

static void put_work(struct env_job *job) {
    struct log_staging *staging = (struct log_staging *)job;
    end_files_job(staging, staged_files_put(&staging->files, staging->bytes));
}

/* ---- Preparing ---- */

/* As a start would, whose journal says that all of it is synced. */
static int read_as_start(struct log_staging *staging) {
    struct staged_log *staged = &staging->staged;
    struct staged_place end = staged_directory_end(&staged->files);
    struct journal_group journal = {.group = staging->group,
                                    .progress = end.index,
                                    .progress_segment = end.segment,
                                    .progress_position = end.position};
    struct error_text why;
    struct recovered_segments found = {
        .log = staged->tables, .journal = &journal, .why = &why, .stop = &staging->files.stop};
    int error = recovered_segments_start(&found);
    if (!error) error = recovered_segments_list(&found);
    if (!error) error = recovered_segments_keep(&found);
    if (!error) error = kept_index_save_active(staged->tables, &why);
    recovered_segments_close(&found);
    return error;
}

static bool ends_as_listed(const struct staged_log *staged) {
    const struct start_file *begins = &staged->files.begins, *ends = &staged->files.ends;
    const struct partition_log *tables = staged->tables;
    const struct segment *last = partition_log_last_segment(tables);
    log_index index = last != NULL ? last->end.last_index : begins->index;
    kafka_offset offset = last != NULL ? last->end.offset : begins->file_offset;
    log_index change = tables->change_count > 0 ? tables->changes[tables->change_count - 1] : 0;
    return index == ends->index && offset == ends->next_offset && change == ends->change_index &&
           term_table_at(&tables->terms, index) == ends->term;
}

static int read_state(struct log_staging *staging) {
    bool was_durable = false;
    struct staged_log *staged = &staging->staged;
    char *path = staged_file_path(staging->files.path, &staged->files.files[0]);
    int error = state_file_read(staging->env, path, staging->group, staged->files.state_index,
                                &was_durable, &staged->state);
    mem_free(path);
    if (!error && !was_durable) error = ERR_CORRUPT;
    return error;
}

static int stopped(const struct log_staging *staging) {
    return atomic_load(&staging->files.stop) ? ERR_CANCELED : ERR_NONE;
}

static void prepare_work(struct env_job *job) {
    struct log_staging *staging = (struct log_staging *)job;
    const struct prefix_files *files = &staging->staged.files;
    int error = stopped(staging);
    if (!error) error = group_directory_make(staging->env, staging->files.path, staging->label);
    if (!error && files->begins.index > 0)
        error = start_file_write(staging->env, staging->files.path, staging->group, &files->begins);
    error = failed(staging, error);
    if (!error) error = read_as_start(staging);
    if (!error) error = read_state(staging);
    if (!error && !ends_as_listed(&staging->staged)) error = ERR_CORRUPT;
    if (!error)
        error = failed(staging, staged_directory_seal(staging->env, staging->files.path,
                                                      staging->group, files));
    if (!error) error = failed(staging, env_sync_dir(staging->env, staging->store->groups_path));
    staging->error = error;
}

/* ---- On the loop ---- */

void staged_log_free(struct staged_log *staged) {
    prefix_files_free(&staged->files);
    slice_unref(&staged->state);
    struct partition_log *tables = staged->tables;
    staged->tables = NULL;
    if (tables == NULL) return;
    for (size_t i = 0; i < tables->segment_count; i++)
        segment_drop(tables->segments[i]);
    slice_unref(&tables->prefix.start.change);
    term_table_close(&tables->terms);
    mem_free(tables->changes);
    mem_free(tables->segments);
    mem_free(tables);
}

static void staging_free(struct log_staging *staging) {
    staging->store->staged_bytes -= staging->reserved;
    staged_files_close(&staging->files);
    slice_unref(&staging->bytes);
    staged_log_free(&staging->staged);
    mem_free(staging->label);
    mem_free(staging->files.path);
    mem_free(staging);
}

/* What is missing is spoken for: others that stage, and whoever accepts records, count it. */
static void reserve(struct log_staging *staging, uint64_t bytes) {
    staging->store->staged_bytes += bytes;
    staging->store->staged_bytes -= staging->reserved;
    staging->reserved = bytes;
}

static void staging_job_done(struct env_job *job, void (*on_success)(struct log_staging *staging)) {
    struct log_staging *staging = (struct log_staging *)job;
    struct log_store *store = staging->store;
    if (staging->ends && !store->closed)
        env_fatal(
            staging->env,
            "cannot write in %s (%s); %s, and start this broker again: what it acknowledged is in its journal",
            staging->files.path, error_phrase(staging->error), error_advice(staging->error));
    staging->busy = false;
    if (!staging->error) log_store_took_room(store, staging->bytes.len);
    slice_unref(&staging->bytes);
    if (staging->log == NULL)
        staging_free(staging);
    else if (staging->error || on_success == NULL)
        staging->moved(staging->arg, staging->error);
    else
        on_success(staging);
    log_store_staging_job_done(store);
}

static void run(struct log_staging *staging, void (*work)(struct env_job *job),
                void (*done)(struct env_job *job)) {
    CHECK(!staging->busy); /* one at a time, says the contract */
    staging->busy = true;
    staging->job = (struct env_job){.work = work, .done = done};
    log_store_run_staging_job(staging->store, &staging->job);
}

static void has_moved(struct log_staging *staging) {
    reserve(staging, staged_files_missing(&staging->files));
    staging->moved(staging->arg, ERR_NONE);
}

static void files_done(struct env_job *job) {
    staging_job_done(job, has_moved);
}

static void prepare_done(struct env_job *job) {
    staging_job_done(job, NULL);
}

/* How much is missing is known, and costs nothing to find out; what is there has not been read yet.
 */
static void take_up(struct log_staging *staging) {
    uint64_t missing = staged_files_missing(&staging->files);
    if (!disk_space_fits(staging->store->room, missing)) {
        staging->moved(staging->arg, ERR_NO_SPACE);
        return;
    }
    reserve(staging, missing);
    run(staging, take_up_work, files_done);
}

static void look_done(struct env_job *job) {
    staging_job_done(job, take_up);
}

struct log_staging *log_staging_open(struct partition_log *log, struct prefix_files *files,
                                     void (*moved)(void *arg, int error), void *arg) {
    CHECK(files->count > 0 && files->files[0].kind == PREFIX_STATE); /* prefix_files_decode */
    struct log_staging *staging = mem_zalloc(sizeof *staging);
    staging->env = log->store->env;
    staging->store = log->store;
    staging->log = log;
    staging->group = log->group;
    staging->label = mem_strdup(log->label);
    staging->moved = moved;
    staging->arg = arg;
    staging->staged.files = *files;
    *files = (struct prefix_files){0};
    staging->files.env = staging->env;
    staging->files.path = staged_directory_path(log->path);
    staging->files.list = &staging->staged.files;
    staging->files.rewrites = log->staged_left;
    run(staging, look_work, look_done);
    return staging;
}

const struct prefix_files *log_staging_files(const struct log_staging *staging) {
    return &staging->staged.files;
}

bool log_staging_wanted(const struct log_staging *staging, uint32_t most,
                        struct log_staging_wanted *wanted) {
    CHECK(!staging->busy); /* it is known when `moved` has come */
    const struct staged_files *files = &staging->files;
    if (staged_files_are_whole(files)) return false;
    uint64_t left = staged_files_block_end(files, files->position) - files->position;
    *wanted = (struct log_staging_wanted){.file = (uint32_t)files->at,
                                          .offset = files->position,
                                          .length = left < most ? (uint32_t)left : most};
    return true;
}

void log_staging_put(struct log_staging *staging, const struct log_staging_wanted *place,
                     struct slice bytes) {
    /* The owner compares what came with what it wanted. */
    const struct staged_files *files = &staging->files;
    CHECK(place->file == files->at && place->offset == files->position && bytes.len > 0);
    CHECK(bytes.len <= staged_files_block_end(files, place->offset) - place->offset); /* as above */
    staging->bytes = slice_ref(bytes);
    run(staging, put_work, files_done);
}

void log_staging_prepare(struct log_staging *staging) {
    CHECK(staged_files_are_whole(&staging->files) && staging->staged.tables == NULL);
    struct partition_log *tables = mem_zalloc(sizeof *tables);
    tables->store = staging->store;
    tables->group = staging->group;
    tables->label = staging->label;
    tables->path = staging->files.path;
    tables->first_index = 1;
    staging->staged.tables = tables;
    run(staging, prepare_work, prepare_done);
}

/* ---- Settling ---- */

static void look_if_settled(struct env_task *task) {
    struct log_staging *staging = CONTAINER_OF(task, struct log_staging, settled);
    const struct partition_log *log = staging->log;
    if (log->job || log->synced < log->committed) return; /* the next job's end looks again */
    staging->settling = false;
    staging->log->settling = NULL;
    staging->moved(staging->arg, ERR_NONE);
}

void log_staging_settle(struct log_staging *staging) {
    CHECK(!staging->busy && !staging->settling); /* one at a time, says the contract */
    staging->settling = true;
    staging->settled.run = look_if_settled;
    staging->log->settling = &staging->settled;
    write_behind_sync(staging->log, staging->log->committed);
    env_defer(staging->env, &staging->settled);
}

static void end_settling(struct log_staging *staging) {
    if (!staging->settling) return;
    env_defer_cancel(staging->env, &staging->settled);
    staging->log->settling = NULL;
}

struct staged_log log_staging_take(struct log_staging *staging) {
    CHECK(!staging->busy && staging->staged.tables != NULL && !staging->error);
    struct staged_log staged = staging->staged;
    staging->staged = (struct staged_log){0};
    staging->log->staged_left = false; /* it takes the place of the log's own directory */
    staged.tables->label = staged.tables->path = NULL;
    staging_free(staging);
    return staged;
}

void log_staging_close(struct log_staging *staging) {
    end_settling(staging);
    staging->log = NULL;
    atomic_store(&staging->files.stop, true); /* the job under way ends soon */
    if (!staging->busy) staging_free(staging);
}

/* ---- Discarding ---- */

bool log_staging_is_left(const struct partition_log *log) {
    return log->staged_left;
}

struct discard_job {
    struct env_job job; /* first: a job is its discard_job */
    struct log_store *store;
    struct env *env;
    uint64_t group;
    char *path, *aside;
    int error;
};

static void discard_work(struct env_job *base) {
    struct discard_job *job = (struct discard_job *)base;
    /* If that fails it stays, and is taken up or removed by whatever comes next. */
    job->error = group_directory_put_aside(job->env, job->path, &job->aside);
}

static void discard_done(struct env_job *base) {
    struct discard_job *job = (struct discard_job *)base;
    struct log_store *store = job->store;
    struct partition_log *log = store->closed ? NULL : log_store_find(store, job->group);
    if (log != NULL && (!job->error || job->error == ERR_NOT_FOUND)) log->staged_left = false;
    if (job->aside != NULL && !store->closed)
        paced_removal_add(&store->removals, job->aside);
    else
        mem_free(job->aside);
    mem_free(job->path);
    mem_free(job);
    log_store_staging_job_done(store);
}

void log_staging_discard(struct partition_log *log) {
    CHECK(log->install == NULL); /* they are its files, says the contract */
    struct discard_job *job = mem_zalloc(sizeof *job);
    job->job = (struct env_job){.work = discard_work, .done = discard_done};
    job->store = log->store;
    job->env = log->store->env;
    job->group = log->group;
    job->path = staged_directory_path(log->path);
    log_store_run_staging_job(log->store, &job->job);
}
