/*
 * Removing the files of a deleted group: log_store_remove_group of partition_log.h.
 *
 * Happy path: in the write-behind lane, behind every write into it, the directory is renamed aside;
 * when that is durable the journal forgets the group, and the files go (paced_removal.h). Failures:
 * a full disk or too many open files make it wait and begin again; else a rename that fails ends
 * the process; files that stay are tried again at the next start. Invariant: a directory under its
 * own name is whole.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/log/log_internal.h"

static const char deleted_suffix[] = ".deleted";

enum { TRY_AGAIN_US = 1000 * 1000, TURNS_MAX = 1000, TURN_ROOM = 12 };

struct remove_job {
    struct env_job job; /* first: a job is its remove_job */
    struct log_store *store;
    struct env *env;
    uint64_t group;
    char *path, *aside;
    size_t aside_size;
    const char *groups_path;
    int error;
    struct env_timer *again; /* NULL: nothing was in the way so far */
};

/* What is left of an earlier removal of the same group, which the journal did not hear of, has the
 * first of these names. */
static void name_aside(struct remove_job *job, unsigned turn) {
    if (turn == 0)
        snprintf(job->aside, job->aside_size, "%s%s", job->path, deleted_suffix);
    else
        snprintf(job->aside, job->aside_size, "%s.%u%s", job->path, turn, deleted_suffix);
}

static void store_remove_work(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    unsigned turn = 0;
    do {
        name_aside(job, turn);
        job->error = env_rename(job->env, job->path, job->aside);
    } while (job->error == ERR_EXISTS && turn++ < TURNS_MAX);
    if (job->error == ERR_NOT_FOUND) job->error = 0;
    if (!job->error) job->error = env_sync_dir(job->env, job->groups_path);
}

static void try_again(void *arg) {
    struct remove_job *job = arg;
    env_lane_run(log_store_lane(job->store, job->group), &job->job);
}

/* The sync of the directory that was not opened is made good by the next try. */
static bool waits(struct remove_job *job) {
    if ((job->error != ERR_LIMIT && !error_is_no_room(job->error)) || job->store->closed)
        return false;
    if (!job->again) job->again = env_timer_new(job->env, try_again, job);
    env_timer_start(job->again, TRY_AGAIN_US);
    return true;
}

static void store_remove_done(struct env_job *base) {
    struct remove_job *job = (struct remove_job *)base;
    struct log_store *store = job->store;
    if (waits(job)) return;
    if (job->error && !store->closed)
        env_fatal(store->env,
                  "cannot rename %s (%s), which was to be deleted; mend the disk and start again",
                  job->path, error_phrase(job->error));
    if (!job->error && !store->closed) {
        journal_forget(store->journal, job->group);
        paced_removal_add(&store->removals, job->aside);
        job->aside = NULL;
    }
    env_timer_free(job->again);
    mem_free(job->path);
    mem_free(job->aside);
    mem_free(job);
    log_store_job_done(store);
}

int log_store_remove_group(struct log_store *store, uint64_t group) {
    if (log_store_find(store, group)) return ERR_BUSY;
    char *path = path_of_group(store->groups_path, group);
    size_t size = strlen(path) + TURN_ROOM + sizeof deleted_suffix;
    struct remove_job *job = mem_alloc(sizeof *job);
    *job = (struct remove_job){.job = {.work = store_remove_work, .done = store_remove_done},
                               .store = store,
                               .env = store->env,
                               .group = group,
                               .path = path,
                               .aside = mem_alloc(size),
                               .aside_size = size,
                               .groups_path = store->groups_path};
    log_store_run_job(store, log_store_lane(store, group), &job->job);
    return 0;
}

static void add_leftover(void *arg, const char *name) {
    struct log_store *store = arg;
    size_t len = strlen(name), suffix = sizeof deleted_suffix - 1;
    if (len > suffix && strcmp(name + len - suffix, deleted_suffix) == 0)
        paced_removal_add(&store->removals, path_join(store->groups_path, name));
}

void log_store_remove_leftovers(struct log_store *store) {
    env_list_dir(store->env, store->groups_path, add_leftover, store);
}
