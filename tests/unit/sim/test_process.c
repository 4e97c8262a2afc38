/* The simulated process: the order of a turn, jobs, and every way to die. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/env/env_sim.h"
#include "tests/sim/env/network.h"
#include "tests/unit/unit.h"

struct fixture {
    struct world *world;
    struct node *node;
    enum node_death death;
    int deaths;
    char sentence[200];
    char order[200];
    struct env *env;
    struct env_timer *timer;
    struct env_task task, second_task;
    struct env_job jobs[4];
    struct env_lane *lane;
    struct env_file *file;
    int syncs;
};

static struct fixture *fixture; /* of the test that runs */

static void died(void *arg, struct node *node, enum node_death how, const char *sentence) {
    struct fixture *f = arg;
    assert_ptr_equal(node, f->node);
    f->death = how;
    f->deaths++;
    snprintf(f->sentence, sizeof f->sentence, "%s", sentence);
}

static const struct node_events events = {.died = died};

static int setup(void **state) {
    static struct fixture f;
    memset(&f, 0, sizeof f);
    f.world = world_new(11, false);
    network_new(f.world);
    f.node = node_new(f.world, 1, 0, &events, &f);
    network_add(world_network(f.world), f.node);
    fixture = *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    if (f->node->env != NULL && f->node->env->guarded)
        return 0; /* an assertion failed inside a callback, and left it */
    node_exit(f->node);
    network_free(world_network(f->world));
    node_free(f->node);
    world_free(f->world);
    return 0;
}

static void say(const char *word) {
    strncat(fixture->order, word, sizeof fixture->order - strlen(fixture->order) - 1);
}

/* ---- Turns ---- */

static void second_task(struct env_task *task) {
    (void)task;
    say("task2 ");
}

static void first_task(struct env_task *task) {
    say("task1 ");
    fixture->second_task.run = second_task;
    env_defer(fixture->env, &fixture->second_task);
    env_defer(fixture->env, task); /* itself, once more */
    if (strlen(fixture->order) > 30) env_defer_cancel(fixture->env, task);
}

static void job_work(struct env_job *job) {
    (void)job;
    say("work ");
}

static void job_done(struct env_job *job) {
    (void)job;
    say("done ");
    fixture->task.run = first_task;
    env_defer(fixture->env, &fixture->task);
    env_timer_start(fixture->timer,
                    0); /* due now: fires in this very turn, behind what was delivered */
}

static void timer_fired(void *arg) {
    (void)arg;
    say("timer ");
}

static void main_turns(struct env *env, void *arg) {
    struct fixture *f = arg;
    f->env = env;
    f->timer = env_timer_new(env, timer_fired, f);
    f->lane = env_lane_new(env, "lane");
    f->jobs[0] = (struct env_job){.work = job_work, .done = job_done};
    env_lane_run(f->lane, &f->jobs[0]);
}

/* One turn: what has arrived, then timers, then tasks, and tasks of tasks still in the same turn.
 */
static void test_process_turn_order(void **state) {
    struct fixture *f = *state;
    node_start(f->node, main_turns, f);
    world_run_until(f->world, world_now_us(f->world) + 1000000);
    assert_string_equal(f->order, "work done timer task1 task2 task1 task2 ");
}

static void timer_checks_clock(void *arg) {
    struct fixture *f = arg;
    assert_true(env_now_us(f->env) >= (uint64_t)f->syncs);
    say("timer ");
}

static void main_timer(struct env *env, void *arg) {
    struct fixture *f = arg;
    f->env = env;
    f->timer = env_timer_new(env, timer_checks_clock, f);
    env_timer_start_at(f->timer, env_now_us(env) + 5000);
}

/* A paused process does nothing, and does it all when it goes on; timers are never early. */
static void test_process_pause(void **state) {
    struct fixture *f = *state;
    node_start(f->node, main_timer, f);
    node_pause(f->node, 3000000);
    uint64_t start = world_now_us(f->world);
    world_run_until(f->world, start + 2900000);
    assert_string_equal(f->order, "");
    world_run_until(f->world, start + 3100000);
    assert_string_equal(f->order, "timer ");
}

/* ---- Death ---- */

static void timer_fatal(void *arg) {
    struct fixture *f = arg;
    say("before ");
    env_fatal(f->env, "the disk said %d", 5);
    say("after ");
}

static void main_fatal(struct env *env, void *arg) {
    struct fixture *f = arg;
    f->env = env;
    f->timer = env_timer_new(env, timer_fatal, f);
    env_timer_start(f->timer, 1000);
    env_timer_start(env_timer_new(env, timer_fatal, f), 2000);
}

/* env_fatal ends the process in the middle of a callback; no other callback comes; a new process
 * can start. */
static void test_process_fatal(void **state) {
    struct fixture *f = *state;
    node_start(f->node, main_fatal, f);
    world_run_until(f->world, world_now_us(f->world) + 1000000);
    assert_string_equal(f->order, "before ");
    assert_int_equal(f->deaths, 1);
    assert_int_equal(f->death, NODE_FATAL);
    assert_string_equal(f->sentence, "the disk said 5");
    assert_false(node_is_running(f->node));
    node_start(f->node, main_timer, f);
    assert_true(node_is_running(f->node));
}

static void write_job(struct env_job *job) {
    size_t place = (size_t)(job - fixture->jobs);
    uint8_t data[512];
    memset(data, (int)place + 1, sizeof data);
    struct env_iov iov = {data, sizeof data};
    int error = env_file_write(fixture->file, &iov, 1, place * 512, true);
    if (error != ERR_NONE) env_fatal(fixture->env, "write failed");
}

static void write_done(struct env_job *job) {
    assert_ptr_equal(job, &fixture->jobs[fixture->syncs]); /* in the order given */
    fixture->syncs++;
}

static void main_writes(struct env *env, void *arg) {
    struct fixture *f = arg;
    f->env = env;
    assert_int_equal(env_file_open(env, "/a", ENV_READ | ENV_WRITE | ENV_CREATE, &f->file),
                     ERR_NONE);
    assert_int_equal(env_sync_dir(env, "/"), ERR_NONE);
    f->lane = env_lane_new(env, "lane");
    for (int i = 0; i < 4; i++) {
        f->jobs[i] = (struct env_job){.work = write_job, .done = write_done};
        env_lane_run(f->lane, &f->jobs[i]);
    }
}

/* Whenever the power goes, what a finished job had synced is there; some cuts also find a job half
 * done. */
static void test_process_power_cut_at_every_effect(void **state) {
    struct fixture *f = *state;
    int beyond = 0;
    for (uint64_t effects = 1; effects < 25; effects++) {
        for (int again = 0; again < 20; again++) {
            f->syncs = 0;
            disk_wipe(node_disk(f->node));
            node_start(f->node, main_writes, f);
            node_die_after(f->node, effects, NODE_POWER_CUT);
            world_run_until(f->world, world_now_us(f->world) + 1000000);
            node_power_cut(f->node);
            assert_true(node_is_dark(f->node));
            node_power_on(f->node);
            struct inode *inode;
            uint8_t data[2048] = {0};
            assert_int_equal(disk_open(node_disk(f->node), "/a", ENV_READ, &inode), ERR_NONE);
            inode_read(inode, data, sizeof data, 0);
            for (int i = 0; i < f->syncs * 512; i++)
                assert_int_equal(data[i], i / 512 + 1);
            if (f->syncs < 4) beyond += data[f->syncs * 512] != 0;
        }
    }
    assert_true(beyond > 10);
}

/* A failed sync is an error for the caller and is counted; the product here ends itself. */
static void test_process_failed_sync(void **state) {
    struct fixture *f = *state;
    node_faults(f->node)->sync_error_ppm = 1000000;
    node_start(f->node, main_writes, f);
    world_run_until(f->world, world_now_us(f->world) + 1000000);
    assert_int_equal(f->syncs, 0);
    assert_int_equal(f->death, NODE_FATAL);
    assert_int_equal(node_failed_syncs(f->node), 1);
    assert_int_equal(node_survived_syncs(f->node), 0);
}

static void careless_job(struct env_job *job) {
    (void)job;
    struct env_iov iov = {"x", 1};
    int error = env_file_write(fixture->file, &iov, 1, 0, true);
    assert_int_equal(error, ERR_IO);
}

static void careless_done(struct env_job *job) {
    (void)job;
    fixture->syncs++;
}

static void main_careless(struct env *env, void *arg) {
    struct fixture *f = arg;
    f->env = env;
    assert_int_equal(env_file_open(env, "/a", ENV_READ | ENV_WRITE | ENV_CREATE, &f->file),
                     ERR_NONE);
    f->jobs[0] = (struct env_job){.work = careless_job, .done = careless_done};
    env_pool_run(env, &f->jobs[0]);
}

/* A product that goes on after a failed sync is found out. */
static void test_process_survives_failed_sync(void **state) {
    struct fixture *f = *state;
    node_faults(f->node)->sync_error_ppm = 1000000;
    node_start(f->node, main_careless, f);
    world_run_until(f->world, world_now_us(f->world) + 1000000);
    assert_int_equal(f->syncs, 1);
    assert_int_equal(node_survived_syncs(f->node), 1);
}

static void yielding(struct env_task *task) {
    struct fixture *f = fixture;
    f->syncs++;
    while (!env_turn_is_long(f->env)) {}
    if (f->syncs < 20) env_yield(f->env, task);
}

static void goes_first(struct env_task *task) {
    (void)task;
    assert_int_equal(fixture->syncs, 0);
    fixture->syncs++;
}

static void main_yields(struct env *env, void *arg) {
    struct fixture *f = arg;
    f->env = env;
    f->task.run = yielding;
    env_yield(env, &f->task);
    env_yield(env, &f->second_task);
    env_defer_cancel(env, &f->second_task);
    f->second_task.run = goes_first;
    env_yield_first(env, &f->second_task);
}

/* Turns become long by what is asked; work that yields goes on in later ones to its end. */
static void test_process_yields(void **state) {
    struct fixture *f = *state;
    node_start(f->node, main_yields, f);
    assert_int_equal(f->syncs, 0);
    world_run_until(f->world, world_now_us(f->world) + 100 * 1000);
    assert_int_equal(f->syncs, 20);
}

static void main_lock(struct env *env, void *arg) {
    struct fixture *f = arg;
    int pid;
    struct env_file *lock;
    assert_int_equal(env_lock_file(env, "/lock", &lock, &pid), ERR_NONE);
    env_file_close(lock);
    assert_int_equal(env_lock_file(env, "/lock", &lock, &pid), ERR_NONE);
    f->syncs++;
}

/* A lock ends with its process, and with its file. */
static void test_process_lock(void **state) {
    struct fixture *f = *state;
    node_start(f->node, main_lock, f);
    node_kill(f->node);
    node_start(f->node, main_lock, f);
    assert_int_equal(f->syncs, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_process_turn_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_yields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_pause, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_fatal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_power_cut_at_every_effect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_failed_sync, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_survives_failed_sync, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_lock, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
