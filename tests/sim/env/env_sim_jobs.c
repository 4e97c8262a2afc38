/*
 * Jobs off the loop of a simulated process: lanes and the pool.
 *
 * Happy path: a job's work runs at one moment, after a latency of the disk; its `done` reaches the
 * loop a little later. A lane runs one job after the other, the pool runs each on its own, so that
 * they overtake one another.
 * Failures: when the process dies, jobs whose work had not run yet may have been under way: some of
 * them run up to a random effect, so that a power cut meets a half-written round.
 */
#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "tests/sim/env/env_sim.h"

/* The most effects that a job under way may still have when its process dies. */
enum { DYING_EFFECTS = 4 };

struct env_lane {
    struct env *env;
    const char *name;
    struct work *first, *last;
    uint64_t reported_us; /* when the last one that worked reports: the next one not before it */
};

struct work {
    struct event event;
    struct delivery delivery;
    struct env *env;
    struct env_job *job;
    struct env_lane *lane;    /* NULL: the pool's */
    struct work *behind;      /* the next one of the lane */
    struct work *next, *prev; /* all of the process */
    bool worked;
    bool sync_failed; /* within the work */
};

static void unlink_work(struct work *work) {
    if (work->prev != NULL)
        work->prev->next = work->next;
    else
        work->env->work = work->next;
    if (work->next != NULL) work->next->prev = work->prev;
}

static void report(struct delivery *delivery) {
    struct work *work = CONTAINER_OF(delivery, struct work, delivery);
    struct env_job *job = work->job;

    world_trace(work->env->world, work->env->node->id, "job done",
                work->lane == NULL ? "pool" : work->lane->name, 0, 0, 0);
    struct node *node = work->env->node;
    bool sync_failed = work->sync_failed;
    unlink_work(work);
    mem_free(work);
    job->done(job);
    if (sync_failed) node->survived_syncs++; /* it should not have come back */
}

static void do_work(void *arg) {
    struct work *work = arg;

    work->env->in_job = true;
    env_effect(work->env);
    uint64_t failed = work->env->node->failed_syncs;
    work->job->work(work->job);
    work->sync_failed = work->env->node->failed_syncs > failed;
    work->env->in_job = false;
}

static uint64_t job_end_us(struct env *env) {
    const struct node_faults *faults = &env->node->faults;
    uint64_t at = world_now_us(env->world) + 1 +
                  world_delay_us(env->world, faults->disk_typical_us);

    if (at < faults->disk_stalled_until_us)
        at = faults->disk_stalled_until_us + world_below(env->world, 1000);
    return at;
}

static void step(struct event *event);

static void report_soon(struct work *work) {
    uint64_t at = world_now_us(work->env->world) + world_delay_us(work->env->world, 20);

    if (work->lane != NULL && at < work->lane->reported_us) at = work->lane->reported_us;
    if (work->lane != NULL) work->lane->reported_us = at;
    world_schedule(work->env->world, &work->event, at);
}

static void start(struct work *work) {
    work->event.run = step;
    work->event.owner = work->env;
    world_schedule(work->env->world, &work->event, job_end_us(work->env));
}

/* First the work, then, a moment later, the way back to the loop: between the two a crash finds it
 * done but not reported. */
static void step(struct event *event) {
    struct work *work = (struct work *)event;
    struct env *env = work->env;

    _Static_assert(offsetof(struct work, event) == 0, "an event is its work");
    if (env->paused_until_us > world_now_us(env->world)) {
        world_schedule(env->world, event, env->paused_until_us);
        return;
    }
    if (!work->worked) {
        work->worked = true;
        if (!env_guard(env, do_work, work)) {
            env_ended(env);
            return;
        }
        report_soon(work);
        if (work->lane != NULL) {
            work->lane->first = work->behind;
            if (work->behind != NULL) start(work->behind);
        }
        return;
    }
    env_deliver(env, &work->delivery);
}

static void give(struct env *env, struct env_lane *lane, struct env_job *job) {
    struct work *work = mem_zalloc(sizeof *work);

    work->env = env;
    work->lane = lane;
    work->job = job;
    work->delivery.run = report;
    work->next = env->work;
    if (env->work != NULL) env->work->prev = work;
    env->work = work;
    if (lane != NULL && lane->first != NULL) {
        lane->last->behind = work;
    } else {
        if (lane != NULL) lane->first = work;
        start(work);
    }
    if (lane != NULL) lane->last = work;
}

struct env_lane *env_lane_new(struct env *env, const char *name) {
    struct env_lane *lane = mem_zalloc(sizeof *lane);

    lane->env = env;
    lane->name = name;
    return lane;
}

void env_lane_free(struct env_lane *lane) {
    if (lane == NULL) return;
    CHECK(lane->first == NULL);
    for (struct work *work = lane->env->work; work != NULL; work = work->next)
        CHECK(work->lane !=
              lane); /* one whose `done` is still to come would report into freed memory */
    mem_free(lane);
}

void env_lane_run(struct env_lane *lane, struct env_job *job) {
    give(lane->env, lane, job);
}

void env_pool_run(struct env *env, struct env_job *job) {
    give(env, NULL, job);
}

void env_jobs_end(struct env *env, enum node_death how) {
    struct work *next;

    for (struct work *work = env->work; work != NULL; work = next) {
        next = work->next;
        bool under_way = work->event.place != 0 && !work->worked;
        world_unschedule(env->world, &work->event);
        if (under_way && how != NODE_EXITED && world_chance(env->world, 800000)) {
            env->dead = false;
            env->die_in = 1 + world_below(env->world, DYING_EFFECTS);
            env->die_how = how;
            env_guard(env, do_work, work);
            env->dead = true;
            env->death = how;
        }
    }
    env->work = NULL;
}

void env_jobs_go_on(struct env *env) {
    struct work *oldest = env->work;

    while (oldest != NULL && oldest->next != NULL)
        oldest = oldest->next;
    for (struct work *work = oldest; work != NULL;
         work = work->prev) /* in the order given, which lanes keep */
        if (work->event.place != 0) world_schedule(env->world, &work->event, 0);
}
