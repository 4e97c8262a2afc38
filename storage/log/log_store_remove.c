/*
 * Removing the files of a deleted group, or of a replica that left: log_store_remove_group and
 * log_store_remove_replica of partition_log.h.
 *
 * Happy path: in the write-behind lane, behind every write into it, the directory is renamed aside;
 * in the staging lane, behind every job of a staging that was closed with the log, so is the one
 * that was staged beside it; when that is durable the journal forgets the group, and the files go
 * (paced_removal.h). Failures:
 * a full disk or too many open files make it wait and begin again; else a rename that fails ends
 * the process; files that stay are tried again at the next start. Invariant: a directory under its
 * own name is whole.
 *
 * A group of which one replica left may come back as another, which must not find anything of it.
 * So its order is the other way round: it is looked whether the files are that replica's, the
 * journal forgets the group, durably, the directory is renamed aside, durably, and last of all goes
 * the file that names the replica. Whatever a crash leaves of that is still named as its own, and
 * is removed by the next start, which hears again that it left.
 */
#include <string.h>

#include <utlist.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "storage/log/log_internal.h"
#include "storage/segment/group_directory.h"
#include "storage/segment/replica_file.h"
#include "storage/segment/staged_directory.h"

enum { TRY_AGAIN_US = 1000 * 1000 };

struct remove_job {
    struct env_job job;        /* first: a job is its remove_job */
    bool of_replica;           /* then, the next four */
    replica_id replica, found; /* 0: one that was there when the partition was made */
    bool of_others;            /* ... or all but some */
    struct log_store_others which;
    void (*over)(void *arg);
    void *arg;
    struct journal_waiter forgotten;
    struct remove_job *next, *prev; /* while it waits for the journal */
    struct log_store *store;
    struct env *env;
    uint64_t group;
    char *path;
    char *aside, *staged_aside; /* what is left of it; NULL: nothing was there */
    const char *groups_path;
    int error;
    struct env_lane *lane;   /* that has the present step */
    struct env_timer *again; /* NULL: nothing was in the way so far */
};

/* Nothing if an earlier try has done it, or there is none. */
static int put_aside(struct remove_job *job, const char *path, char **aside) {
    if (*aside != NULL) return 0;
    int error = group_directory_put_aside(job->env, path, aside);
    return error == ERR_NOT_FOUND ? 0 : error;
}

static void own_work(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    job->error = put_aside(job, job->path, &job->aside);
}

static void staged_work(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    char *staged_path = staged_directory_path(job->path);
    job->error = put_aside(job, staged_path, &job->staged_aside);
    if (!job->error) job->error = env_sync_dir(job->env, job->groups_path);
    if (!job->error) job->error = replica_file_remove(job->env, job->groups_path, job->group);
    if (!job->error && job->of_replica) job->error = env_sync_dir(job->env, job->groups_path);
    mem_free(staged_path);
}

static void try_again(void *arg) {
    struct remove_job *job = arg;
    env_lane_run(job->lane, &job->job);
}

/* The sync of the directory that was not opened is made good by the next try. */
static bool waits(struct remove_job *job) {
    if ((job->error != ERR_LIMIT && !error_is_no_room(job->error)) || job->store->closed)
        return false;
    if (!job->again) job->again = env_timer_new(job->env, try_again, job);
    env_timer_start(job->again, TRY_AGAIN_US);
    return true;
}

static void free_removal(struct remove_job *job) {
    env_timer_free(job->again);
    mem_free(job->path);
    mem_free(job->aside);
    mem_free(job->staged_aside);
    mem_free(job);
}

static void end_removal(struct remove_job *job) {
    struct log_store *store = job->store;
    if (job->over && !store->closed) job->over(job->arg);
    free_removal(job);
    log_store_job_done(store);
}

/* A step, behind whatever that lane has to do. */
static void run_in(struct remove_job *job, struct env_lane *lane, void (*work)(struct env_job *),
                   void (*done)(struct env_job *)) {
    job->job = (struct env_job){.work = work, .done = done};
    job->lane = lane;
    log_store_run_job(job->store, lane, &job->job);
}

static void must_rename(const struct remove_job *job) {
    struct log_store *store = job->store;
    if (job->error && !store->closed)
        env_fatal(store->env,
                  "cannot rename %s (%s), which was to be deleted; mend the disk and start again",
                  job->path, error_phrase(job->error));
}

static void staged_done(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    struct log_store *store = job->store;
    if (waits(job)) return;
    must_rename(job);
    if (!job->error && !store->closed) {
        if (!job->of_replica) journal_forget(store->journal, job->group);
        if (job->aside != NULL) paced_removal_add(&store->removals, job->aside);
        if (job->staged_aside != NULL) paced_removal_add(&store->removals, job->staged_aside);
        job->aside = job->staged_aside = NULL;
    }
    end_removal(job);
}

static void own_done(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    struct log_store *store = job->store;
    if (waits(job)) return;
    must_rename(job);
    if (job->error || store->closed) {
        end_removal(job);
        return;
    }
    run_in(job, store->staging_lane, staged_work, staged_done);
    log_store_job_done(store);
}

static struct remove_job *make_removal(struct log_store *store, uint64_t group) {
    struct remove_job *job = mem_alloc(sizeof *job);
    *job = (struct remove_job){.store = store,
                               .env = store->env,
                               .group = group,
                               .path = path_of_group(store->groups_path, group),
                               .groups_path = store->groups_path};
    return job;
}

int log_store_remove_group(struct log_store *store, uint64_t group) {
    if (log_store_find(store, group)) return ERR_BUSY;
    run_in(make_removal(store, group), log_store_lane(store, group), own_work, own_done);
    return 0;
}

/* ---- One replica ---- */

static void look_work(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    job->error = replica_file_read(job->env, job->groups_path, job->group, &job->found);
    if (job->error == ERR_NOT_FOUND) job->error = job->found = 0;
}

/* The journal has forgotten it: nothing but the files is left. */
static void on_forgotten(struct journal_waiter *waiter) {
    struct remove_job *job = CONTAINER_OF(waiter, struct remove_job, forgotten);
    DL_DELETE(job->store->forgetting, job);
    run_in(job, log_store_lane(job->store, job->group), own_work, own_done);
}

static bool stays(const struct remove_job *job) {
    if (!job->of_others) return job->found != job->replica;
    return job->found == job->which.keep || job->found >= job->which.below;
}

static void look_done(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    struct log_store *store = job->store;
    if (waits(job)) return;
    if (job->error && !store->closed)
        log_event(
            store->log, LOGGED_FILES_NOT_REMOVED,
            "the files of a replica that left cannot be told apart: %s.replica cannot be read (%s); they stay, and are "
            "looked at again at the next start",
            job->path, error_phrase(job->error));
    if (job->error || store->closed || stays(job)) {
        end_removal(job);
        return;
    }
    journal_forget(store->journal, job->group);
    job->forgotten.durable = on_forgotten;
    DL_APPEND(store->forgetting, job);
    journal_wait(store->journal, &job->forgotten);
    log_store_job_done(store);
}

static void begin_looking(struct remove_job *job, void (*over)(void *arg), void *arg) {
    job->of_replica = true;
    job->over = over;
    job->arg = arg;
    run_in(job, log_store_lane(job->store, job->group), look_work, look_done);
}

int log_store_remove_replica(struct log_store *store, uint64_t group, replica_id replica,
                             void (*over)(void *arg), void *arg) {
    if (log_store_find(store, group)) return ERR_BUSY;
    struct remove_job *job = make_removal(store, group);
    job->replica = replica;
    begin_looking(job, over, arg);
    return 0;
}

int log_store_remove_others(struct log_store *store, uint64_t group,
                            const struct log_store_others *which, void (*over)(void *arg),
                            void *arg) {
    if (log_store_find(store, group)) return ERR_BUSY;
    struct remove_job *job = make_removal(store, group);
    job->of_others = true;
    job->which = *which;
    begin_looking(job, over, arg);
    return 0;
}

void log_store_end_forgetting(struct log_store *store) {
    while (store->forgetting) {
        struct remove_job *job = store->forgetting;
        DL_DELETE(store->forgetting, job);
        free_removal(job);
    }
}

static void add_leftover(void *arg, const char *name) {
    struct log_store *store = arg;
    size_t len = strlen(name), suffix = sizeof GROUP_DIRECTORY_ASIDE - 1;
    if (len > suffix && strcmp(name + len - suffix, GROUP_DIRECTORY_ASIDE) == 0)
        paced_removal_add(&store->removals, path_join(store->groups_path, name));
}

void log_store_remove_leftovers(struct log_store *store) {
    env_list_dir(store->env, store->groups_path, add_leftover, store);
}
