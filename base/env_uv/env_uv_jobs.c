/*
 * Work off the loop: lanes (a thread with a queue each) and libuv's pool.
 *
 * Happy path of a lane: env_lane_run puts the job on the queue under the lane's lock; the thread
 * takes it, works, and hangs it on the environment's list of finished jobs; one uv_async wakes the
 * loop, which reports all of them in the order in which they finished. Invariant: a job is on one
 * list at a time, and changes threads only under a lock.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

struct env_lane {
    struct env *env;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct env_job *first, **end; /* under lock */
    bool stop;                    /* under lock */
    unsigned jobs;                /* given and not yet reported; the loop's */
};

/* ---- The thread ---- */

/* The next job, or NULL when the lane ends. */
static struct env_job *jobs_take(struct env_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    while (lane->first == NULL && !lane->stop)
        pthread_cond_wait(&lane->given, &lane->lock);
    struct env_job *job = lane->first;
    if (job != NULL) {
        lane->first = job->next;
        if (lane->first == NULL) lane->end = &lane->first;
    }
    pthread_mutex_unlock(&lane->lock);
    return job;
}

static void jobs_finish(struct env *env, struct env_job *job) {
    job->next = NULL;
    pthread_mutex_lock(&env->finished_lock);
    bool first = env->finished == NULL;
    *env->finished_end = job;
    env->finished_end = &job->next;
    pthread_mutex_unlock(&env->finished_lock);
    if (first) uv_async_send(&env->finished_wake); /* else it was sent and the list not yet taken */
}

static void *lane_main(void *arg) {
    struct env_lane *lane = arg;
    struct env_job *job;
    while ((job = jobs_take(lane)) != NULL) {
        job->work(job);
        jobs_finish(lane->env, job);
    }
    return NULL;
}

/* ---- The loop's side ---- */

static void report_finished(uv_async_t *handle) {
    struct env *env = handle->data;
    pthread_mutex_lock(&env->finished_lock);
    struct env_job *job = env->finished;
    env->finished = NULL;
    env->finished_end = &env->finished;
    pthread_mutex_unlock(&env->finished_lock);
    while (job != NULL) {
        struct env_job *next = job->next;
        job->lane->jobs--;
        if (--env->lane_jobs == 0) uv_unref((uv_handle_t *)&env->finished_wake);
        job->done(job);
        job = next;
    }
}

int env_uv_jobs_init(struct env *env) {
    int status = uv_async_init(&env->loop, &env->finished_wake, report_finished);
    if (status != 0) return env_uv_error(status);
    env->finished_wake.data = env;
    uv_unref((uv_handle_t *)&env->finished_wake); /* counts while a lane has a job */
    pthread_mutex_init(&env->finished_lock, NULL);
    env->finished_end = &env->finished;
    return ERR_NONE;
}

static void wake_closed(uv_handle_t *handle) {
    struct env *env = handle->data;
    pthread_mutex_destroy(&env->finished_lock);
    env->ending--;
}

void env_uv_jobs_close(struct env *env) {
    CHECK(env->lane_jobs == 0);
    env->ending++;
    uv_close((uv_handle_t *)&env->finished_wake, wake_closed);
}

struct env_lane *env_lane_new(struct env *env, const char *name) {
    struct env_lane *lane = mem_zalloc(sizeof *lane);
    lane->env = env;
    lane->end = &lane->first;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->given, NULL);
    int error = pthread_create(&lane->thread, NULL, lane_main, lane);
    if (error != 0) env_fatal(env, "cannot start the thread %s (%s)", name, strerror(error));
    char short_name[16]; /* all that Linux keeps */
    snprintf(short_name, sizeof short_name, "%s", name);
    pthread_setname_np(lane->thread, short_name);
    env_uv_own(env);
    return lane;
}

void env_lane_free(struct env_lane *lane) {
    if (lane == NULL) return;
    CHECK(lane->jobs == 0);
    pthread_mutex_lock(&lane->lock);
    lane->stop = true;
    pthread_cond_signal(&lane->given);
    pthread_mutex_unlock(&lane->lock);
    pthread_join(lane->thread, NULL);
    pthread_cond_destroy(&lane->given);
    pthread_mutex_destroy(&lane->lock);
    env_uv_disown(lane->env);
    mem_free(lane);
}

void env_lane_run(struct env_lane *lane, struct env_job *job) {
    lane->jobs++;
    if (lane->env->lane_jobs++ == 0) uv_ref((uv_handle_t *)&lane->env->finished_wake);
    job->lane = lane;
    job->next = NULL;
    pthread_mutex_lock(&lane->lock);
    *lane->end = job;
    lane->end = &job->next;
    pthread_cond_signal(&lane->given);
    pthread_mutex_unlock(&lane->lock);
}

/* ---- The pool ---- */

struct pool_work {
    uv_work_t request;
    struct env_job *job;
};

static void pool_work(uv_work_t *request) {
    struct pool_work *work = request->data;
    work->job->work(work->job);
}

static void pool_done(uv_work_t *request, int status) {
    struct pool_work *work = request->data;
    struct env *env = request->loop->data;
    struct env_job *job = work->job;
    CHECK(status == 0); /* nothing cancels it */
    mem_free(work);
    env_uv_disown(env);
    job->done(job);
}

void env_pool_run(struct env *env, struct env_job *job) {
    struct pool_work *work = mem_alloc(sizeof *work);
    work->job = job;
    work->request.data = work;
    job->lane = NULL;
    int status = uv_queue_work(&env->loop, &work->request, pool_work, pool_done);
    CHECK(status == 0);
    env_uv_own(env);
}
