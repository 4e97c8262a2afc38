/* Turn order, timers and deferred tasks of the libuv environment. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

enum { MOST_STEPS = 64 };

/* What happened, one letter a step. */
struct story {
    struct loop loop;
    char steps[MOST_STEPS];
    int count;
    uint64_t due_us;
    struct env_timer *timer;
    struct env_task a, b, c;
    struct env_job job;
    struct env_lane *lane;
};

static struct story story; /* one test at a time */

static void step(char letter) {
    assert_true(story.count < MOST_STEPS - 1);
    story.steps[story.count++] = letter;
}

static void open_story(void) {
    memset(&story, 0, sizeof story);
    loop_open(&story.loop);
}

static void close_story(const char *expected) {
    assert_string_equal(story.steps, expected);
    loop_close(&story.loop);
}

static void stop(void *arg) {
    (void)arg;
    loop_done(&story.loop);
}

/* ---- Timers ---- */

static void fired(void *arg) {
    (void)arg;
    step('t');
    assert_true(env_now_us(story.loop.env) >= story.due_us);
    loop_done(&story.loop);
}

/* A timer fires once, and not early, for delays on both sides of libuv's grain. */
static void test_timer_never_early(void **state) {
    (void)state;
    static const uint64_t delays_us[] = {0, 1, 999, 1000, 1001, 2500, 7300};
    open_story();
    struct env_listener
        *other; /* something else that the loop waits for, or it would not block in its poll */
    int port;
    assert_int_equal(env_listen(story.loop.env, "127.0.0.1", 0, 1, NULL, NULL, &other, &port),
                     ERR_NONE);
    story.timer = env_timer_new(story.loop.env, fired, NULL);
    for (size_t i = 0; i < sizeof delays_us / sizeof delays_us[0]; i++) {
        story.due_us = env_now_us(story.loop.env) + delays_us[i];
        env_timer_start(story.timer, delays_us[i]);
        loop_run(&story.loop);
    }
    story.due_us = env_now_us(story.loop.env) - 5000;
    env_timer_start_at(story.timer, story.due_us);
    loop_run(&story.loop);
    env_timer_free(story.timer);
    env_timer_free(NULL);
    env_listener_close(other);
    close_story("tttttttt");
}

static void count_one(void *arg) {
    ++*(int *)arg;
}

/* Moved timers fire at the new time only, stopped ones never, and the loop ends when nothing is
 * left to happen. */
static void test_timer_moved_and_stopped(void **state) {
    (void)state;
    open_story();
    struct env *env = story.loop.env;
    int moved = 0, stopped = 0;
    struct env_timer *a = env_timer_new(env, count_one, &moved),
                     *b = env_timer_new(env, count_one, &stopped);
    uint64_t begun_us = env_now_us(env);
    env_timer_start(a, 3600ull * 1000 * 1000);
    env_timer_start(b, 1000);
    env_timer_start(a, 20 * 1000);
    env_timer_stop(b);
    env_timer_stop(b);
    env_uv_run(env); /* ends by itself */
    assert_int_equal(moved, 1);
    assert_int_equal(stopped, 0);
    assert_true(env_now_us(env) - begun_us >= 20 * 1000);
    env_timer_start(a, UINT64_MAX);
    env_timer_free(a);
    env_timer_free(b);
    close_story("");
}

static void restart(void *arg) {
    (void)arg;
    step('r');
    env_defer(story.loop.env, &story.b);
    if (story.count < 8)
        env_timer_start_at(story.timer, 1); /* long ago */
    else
        loop_done(&story.loop);
}

static void task_b(struct env_task *task) {
    (void)task;
    step('b');
}

/* A timer that starts itself for a time that is over lets the rest of the turn run in between. */
static void test_timer_restarted_inside(void **state) {
    (void)state;
    open_story();
    story.timer = env_timer_new(story.loop.env, restart, NULL);
    story.b.run = task_b;
    env_timer_start(story.timer, 0);
    loop_run(&story.loop);
    env_timer_free(story.timer);
    close_story("rbrbrbrbrb");
}

/* ---- Order ---- */

static void timer_step(void *arg) {
    (void)arg;
    step('2');
}

static void task_c(struct env_task *task) {
    (void)task;
    step('c');
    loop_done(&story.loop);
}

static void task_a(struct env_task *task) {
    (void)task;
    step('a');
    env_defer(story.loop.env, &story.c);
    env_defer(story.loop.env, &story.c); /* once is enough */
}

static void job_nothing(struct env_job *job) {
    (void)job;
}

static void job_done(struct env_job *job) {
    (void)job;
    step('1');
    uint64_t now_us = env_now_us(story.loop.env);
    env_defer(story.loop.env, &story.a);
    env_timer_start_at(story.timer,
                       now_us - 1000 * 1000); /* due in the very turn in which it is started */
    env_defer(story.loop.env, &story.b);
}

/* What arrives is first, then timers that are due, then tasks in their order, those of tasks
 * included: in one turn. */
static void test_turn_order(void **state) {
    (void)state;
    open_story();
    story.timer = env_timer_new(story.loop.env, timer_step, NULL);
    story.lane = env_lane_new(story.loop.env, "lane");
    story.job = (struct env_job){.work = job_nothing, .done = job_done};
    story.a.run = task_a;
    story.b.run = task_b;
    story.c.run = task_c;
    env_lane_run(story.lane, &story.job);
    loop_run(&story.loop);
    env_timer_free(story.timer);
    env_lane_free(story.lane);
    close_story("12abc");
}

/* A task that is deferred while the loop does not run does not wait for anything else to happen. */
static void test_defer_outside_of_a_turn(void **state) {
    (void)state;
    open_story();
    story.a.run = task_b;
    env_defer(story.loop.env, &story.a);
    env_uv_run(story.loop.env);
    env_uv_run(story.loop.env);
    close_story("b");
}

static void spin_us(uint64_t us) {
    uint64_t end_us = env_now_us(story.loop.env) + us;
    while (env_now_us(story.loop.env) < end_us) {}
}

/* Each makes its turn a long one, and yields again. */
static void work_on(struct env_task *task) {
    step(task == &story.a ? 'a' : 'b');
    assert_false(env_turn_is_long(story.loop.env)); /* it is alone in its turn */
    spin_us(4000);
    assert_true(env_turn_is_long(story.loop.env));
    env_defer(story.loop.env, &story.c); /* in the same turn */
    if (story.count < 10)
        env_yield(story.loop.env, task);
    else
        loop_done(&story.loop);
}

static void task_dot(struct env_task *task) {
    (void)task;
    step('.');
}

/* Work that yields takes turns, one a turn when it makes the turn long; what it defers is done
 * before the next. */
static void test_yield_takes_turns(void **state) {
    (void)state;
    open_story();
    story.a.run = story.b.run = work_on;
    story.c.run = task_dot;
    env_yield(story.loop.env, &story.a);
    env_yield(story.loop.env, &story.b);
    env_yield(story.loop.env, &story.b); /* once is enough */
    loop_run(&story.loop);
    env_defer_cancel(story.loop.env, &story.a);
    env_defer_cancel(story.loop.env, &story.b);
    close_story("a.b.a.b.a.b.");
}

static void work_first(struct env_task *task) {
    step('f');
    spin_us(4000);
    if (story.count < 8) env_yield_first(story.loop.env, task);
}

static void work_behind(struct env_task *task) {
    step(task == &story.a ? 'a' : 'b');
    spin_us(4000);
    if (story.count < 7)
        env_yield(story.loop.env, task);
    else
        loop_done(&story.loop);
}

/* What goes first runs in each turn, whatever has yielded before it; those behind it have their
 * turns all the same. */
static void test_yield_first(void **state) {
    (void)state;
    open_story();
    story.a.run = story.b.run = work_behind;
    story.c.run = work_first;
    env_yield(story.loop.env, &story.a);
    env_yield(story.loop.env, &story.b);
    env_yield_first(story.loop.env, &story.c);
    env_yield(story.loop.env, &story.c); /* once is enough */
    loop_run(&story.loop);
    env_defer_cancel(story.loop.env, &story.a);
    env_defer_cancel(story.loop.env, &story.b);
    env_defer_cancel(story.loop.env, &story.c);
    close_story("fafbfafb");
}

/* A deferred task makes each turn a long one, beside two short ones that yielded. */
static struct starving {
    unsigned rounds, dots, both; /* both: so often the two ran in one turn */
} starving;

static void dot_counts(struct env_task *task) {
    (void)task;
    starving.both += ++starving.dots == 2;
}

static void long_turn(void *arg) {
    (void)arg;
    env_defer(story.loop.env, &story.c);
}

static void task_long(struct env_task *task) {
    (void)task;
    starving.dots = 0;
    spin_us(4000);
    env_yield(story.loop.env, &story.a);
    env_yield(story.loop.env, &story.b);
    uint64_t past_us = env_now_us(story.loop.env) - 1000 * 1000;
    if (++starving.rounds < 20)
        env_timer_start_at(story.timer, past_us); /* in the very next turn */
}

/* What has yielded has time of its own in each turn, also where others have made it long. */
static void test_yield_is_not_starved(void **state) {
    (void)state;
    open_story();
    starving = (struct starving){0};
    story.timer = env_timer_new(story.loop.env, long_turn, NULL);
    story.a.run = story.b.run = dot_counts;
    story.c.run = task_long;
    env_defer(story.loop.env, &story.c);
    env_uv_run(story.loop.env);
    env_timer_free(story.timer);
    assert_true(starving.both >= 2); /* whatever else the machine does */
    close_story("");
}

/* Short work does not wait for a turn of its own. */
static void test_yield_short(void **state) {
    (void)state;
    open_story();
    story.a.run = story.b.run = task_dot;
    story.c.run = task_c;
    env_yield(story.loop.env, &story.a);
    env_yield(story.loop.env, &story.b);
    env_defer_cancel(story.loop.env, &story.b);
    env_yield(story.loop.env, &story.c);
    loop_run(&story.loop);
    close_story(".c");
}

static void task_busy(struct env_task *task) {
    (void)task;
    struct timespec now;
    const char *before = env_running(story.loop.env, "something hard");
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    int64_t end_ns = now.tv_sec * 1000000000 + now.tv_nsec + 25 * 1000 * 1000;
    while (now.tv_sec * 1000000000 + now.tv_nsec < end_ns)
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    env_running(story.loop.env, before);
    loop_done(&story.loop);
}

/* A turn that takes much processor time is told with what ran in it; waiting and sleeping is no
 * work. */
static void test_long_turn_is_told(void **state) {
    (void)state;
    open_story();
    env_uv_watch_turns(story.loop.env, 20 * 1000);
    story.timer = env_timer_new(story.loop.env, stop, NULL);
    env_timer_start(story.timer, 50 * 1000);
    loop_run(&story.loop);
    const char *what;
    assert_true(env_uv_longest_turn_us(story.loop.env, &what) < 10 * 1000);
    story.a.run = task_busy;
    env_defer(story.loop.env, &story.a);
    loop_run(&story.loop);
    env_timer_free(story.timer);
    char log[1000];
    assert_non_null(strstr(loop_log(&story.loop, log, sizeof log), "(most of it: something hard)"));
    assert_true(env_uv_longest_turn_us(story.loop.env, &what) >= 20 * 1000);
    assert_string_equal(what, "something hard");
    close_story("");
}

/* Canceled tasks do not run, from any place of the queue, and others are not lost with them. */
static void test_defer_cancel(void **state) {
    (void)state;
    open_story();
    struct env *env = story.loop.env;
    struct env_task tasks[3] = {{.run = task_b}, {.run = task_b}, {.run = task_b}};
    for (int canceled = 0; canceled < 3; canceled++) {
        for (int i = 0; i < 3; i++)
            env_defer(env, &tasks[i]);
        env_defer_cancel(env, &tasks[canceled]);
        env_defer_cancel(env, &tasks[canceled]);
        env_defer(env, &tasks[canceled]);
        env_defer_cancel(env, &tasks[(canceled + 1) % 3]);
        env_uv_run(env);
    }
    close_story("bbbbbb");
}

/* ---- Signals, log, entropy ---- */

static void signal_came(void *arg, int signal) {
    assert_ptr_equal(arg, &story);
    assert_int_equal(signal, SIGTERM);
    step('s');
    loop_done(&story.loop);
}

/* A signal is caught on the loop, and waiting for it alone does not keep the loop going. */
static void test_signal_on_the_loop(void **state) {
    (void)state;
    open_story();
    env_uv_on_signal(story.loop.env, SIGTERM, signal_came, &story);
    env_uv_run(story.loop.env); /* returns: nothing to wait for */
    raise(SIGTERM);
    loop_run(&story.loop);
    close_story("s");
}

/* Random bytes differ; a wall clock is one of this century. */
static void test_entropy_and_wall_clock(void **state) {
    (void)state;
    open_story();
    struct env *env = story.loop.env;
    assert_int_not_equal(env_random_u64(env), env_random_u64(env));
    unsigned char bytes[64] = {0}, zeros[64] = {0};
    env_random(env, bytes, sizeof bytes);
    assert_memory_not_equal(bytes, zeros, sizeof bytes);
    assert_true(env_wall_ms(env) > 1700000000000);
    close_story("");
}

/* What was not given back is told: the check that every other test ends with sees leaks. */
static void test_leak_is_seen(void **state) {
    (void)state;
    struct env *env;
    assert_int_equal(env_uv_new(&env, 2), ERR_NONE);
    struct env_timer *forgotten = env_timer_new(env, stop, NULL);
    assert_false(env_uv_free(env));
    env_timer_free(forgotten);
    assert_true(env_uv_free(env));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_never_early),
        cmocka_unit_test(test_timer_moved_and_stopped),
        cmocka_unit_test(test_timer_restarted_inside),
        cmocka_unit_test(test_turn_order),
        cmocka_unit_test(test_defer_outside_of_a_turn),
        cmocka_unit_test(test_yield_takes_turns),
        cmocka_unit_test(test_yield_first),
        cmocka_unit_test(test_yield_is_not_starved),
        cmocka_unit_test(test_yield_short),
        cmocka_unit_test(test_long_turn_is_told),
        cmocka_unit_test(test_defer_cancel),
        cmocka_unit_test(test_signal_on_the_loop),
        cmocka_unit_test(test_entropy_and_wall_clock),
        cmocka_unit_test(test_leak_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
