/* Lanes and pool: order, threads, and reports on the loop. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

enum { JOBS = 500 };

struct numbered {
    struct env_job job; /* first */
    int number;
    pthread_t worked_on;
};

struct crew {
    struct loop loop;
    struct env_lane *lane;
    struct numbered jobs[JOBS];
    int worked; /* by the lane's thread: next number */
    int done;   /* by the loop */
};

static struct crew crew; /* one test at a time */

static void work_in_order(struct env_job *job) {
    struct numbered *numbered = (struct numbered *)job;
    numbered->worked_on = pthread_self();
    assert_int_equal(numbered->number, crew.worked++);
}

static void done_in_order(struct env_job *job) {
    struct numbered *numbered = (struct numbered *)job;
    assert_int_equal(numbered->number, crew.done++);
    assert_false(pthread_equal(numbered->worked_on, pthread_self()));
    if (crew.done == JOBS) loop_done(&crew.loop);
}

/* A lane does its jobs one after the other in the order given, on a thread that is not the loop's,
 * and reports so. */
static void test_lane_keeps_order(void **state) {
    (void)state;
    memset(&crew, 0, sizeof crew);
    loop_open(&crew.loop);
    crew.lane = env_lane_new(crew.loop.env, "a name longer than Linux keeps");
    for (int i = 0; i < JOBS; i++) {
        crew.jobs[i] = (struct numbered){.job = {.work = work_in_order, .done = done_in_order},
                                         .number = i};
        env_lane_run(crew.lane, &crew.jobs[i].job);
    }
    loop_run(&crew.loop);
    env_lane_free(crew.lane);
    env_lane_free(NULL);
    loop_close(&crew.loop);
    assert_int_equal(crew.worked, JOBS);
}

static void done_give_next(struct env_job *job) {
    struct numbered *numbered = (struct numbered *)job;
    crew.done++;
    if (numbered->number + 1 < JOBS) env_lane_run(crew.lane, &crew.jobs[numbered->number + 1].job);
}

/* A job given from a report runs, too; the loop ends by itself after the last. */
static void test_lane_fed_from_reports(void **state) {
    (void)state;
    memset(&crew, 0, sizeof crew);
    loop_open(&crew.loop);
    crew.lane = env_lane_new(crew.loop.env, "flusher");
    for (int i = 0; i < JOBS; i++)
        crew.jobs[i] = (struct numbered){.job = {.work = work_in_order, .done = done_give_next},
                                         .number = i};
    env_lane_run(crew.lane, &crew.jobs[0].job);
    env_uv_run(crew.loop.env);
    assert_int_equal(crew.done, JOBS);
    env_lane_free(crew.lane);
    loop_close(&crew.loop);
}

static pthread_barrier_t both;

static void work_together(struct env_job *job) {
    (void)job;
    pthread_barrier_wait(&both); /* ends only if another job runs at the same time */
}

static void done_pool(struct env_job *job) {
    (void)job;
    if (++crew.done == 2) loop_done(&crew.loop);
}

/* The pool runs several jobs at once. */
static void test_pool_runs_together(void **state) {
    (void)state;
    memset(&crew, 0, sizeof crew);
    loop_open(&crew.loop);
    pthread_barrier_init(&both, NULL, 2);
    for (int i = 0; i < 2; i++) {
        crew.jobs[i].job = (struct env_job){.work = work_together, .done = done_pool};
        env_pool_run(crew.loop.env, &crew.jobs[i].job);
    }
    loop_run(&crew.loop);
    pthread_barrier_destroy(&both);
    loop_close(&crew.loop);
}

struct writer {
    struct env_job job; /* first */
    struct env_file *file;
    int error;
    int rounds;
};

static void write_and_open(struct env_job *job) {
    struct writer *writer = (struct writer *)job;
    char path[160];
    struct env_file *other;
    struct env_iov part = {"0123456789", 10};
    writer->error = env_file_write(writer->file, &part, 1, 10 * (uint64_t)writer->rounds, true);
    snprintf(path, sizeof path, "%s/other", crew.loop.folder);
    if (env_file_open(crew.loop.env, path, ENV_WRITE | ENV_CREATE, &other) == ERR_NONE)
        env_file_close(other);
}

static void written(struct env_job *job) {
    struct writer *writer = (struct writer *)job;
    assert_int_equal(writer->error, ERR_NONE);
    if (++writer->rounds < 20)
        env_lane_run(crew.lane, job);
    else
        loop_done(&crew.loop);
}

/* Files may be written and opened in jobs while the loop does the same with others. */
static void test_lane_uses_files(void **state) {
    (void)state;
    memset(&crew, 0, sizeof crew);
    loop_open(&crew.loop);
    struct writer writer = {.job = {.work = write_and_open, .done = written}};
    struct env *env = crew.loop.env;
    assert_int_equal(
        env_file_open(env, loop_path(&crew.loop, "a"), ENV_WRITE | ENV_CREATE, &writer.file),
        ERR_NONE);
    crew.lane = env_lane_new(env, "flusher");
    env_lane_run(crew.lane, &writer.job);
    for (int i = 0; i < 50; i++) {
        struct env_file *file;
        assert_int_equal(
            env_file_open(env, loop_path(&crew.loop, "b"), ENV_WRITE | ENV_CREATE, &file),
            ERR_NONE);
        env_file_close(file);
    }
    loop_run(&crew.loop);
    uint64_t size;
    assert_int_equal(env_file_size(writer.file, &size), ERR_NONE);
    assert_int_equal(size, 200);
    env_file_close(writer.file);
    env_lane_free(crew.lane);
    loop_close(&crew.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lane_keeps_order),
        cmocka_unit_test(test_lane_fed_from_reports),
        cmocka_unit_test(test_pool_runs_together),
        cmocka_unit_test(test_lane_uses_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
