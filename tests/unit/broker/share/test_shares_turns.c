/* The shares of a partition on its leader, where much ends at once: over several turns of the loop.
 */
#include <stdio.h>

#include "base/env_uv/env_uv.h"
#include "base/error.h"
#include "broker/share/shares.h"
#include "tests/unit/unit.h"

enum { LOG_MAX = 32 };

static struct {
    struct env *env;
    struct env_timer *pause;
    struct shares *leader;
    struct slice log[LOG_MAX];
    size_t count, applied;
    bool slow; /* a command makes the turn long */
} f;
static struct share_book book;

static int submit(void *arg, struct slice *command) {
    (void)arg;
    assert_true(f.count < LOG_MAX);
    f.log[f.count++] = *command;
    while (f.slow && !env_turn_is_long(f.env)) {}
    return ERR_NONE;
}

static void stop(void *arg) {
    env_uv_stop(arg);
}

static void turn(void) {
    env_timer_start(f.pause, 1);
    env_uv_run(f.env);
}

static void commit(void) {
    for (; f.applied < f.count; f.applied++)
        assert_int_equal(shares_apply(f.leader, f.log[f.applied].data, f.log[f.applied].len),
                         ERR_NONE);
    turn();
}

static int begin(void **state) {
    (void)state;
    assert_int_equal(env_uv_new(&f.env, 1), ERR_NONE);
    struct shares_options options = {.env = f.env, .submit = submit, .book = &book};
    f.pause = env_timer_new(f.env, stop, f.env);
    f.leader = shares_new(&options);
    shares_leading(f.leader);
    return 0;
}

static int end(void **state) {
    (void)state;
    shares_free(f.leader);
    for (size_t i = 0; i < f.count; i++)
        slice_unref(&f.log[i]);
    env_timer_free(f.pause);
    assert_true(env_uv_free(f.env));
    return 0;
}

/* Runs in each turn; the most that one has sent. */
static size_t sent, most_sent;

static void look(struct env_task *task) {
    if (f.count - sent > most_sent) most_sent = f.count - sent;
    sent = f.count;
    env_yield_first(f.env, task);
}

/* What of many groups is held too long at once ends over several turns: where a turn becomes long
 * by it, some of them in each. */
static void test_ends_in_pieces(void **state) {
    (void)state;
    enum { GROUPS = 8 };
    struct share_limits limits = {.lock_ms = 400, /* all begin before the first ends */
                                  .locks = 100,
                                  .deliveries = 5,
                                  .window = SHARE_WINDOW_OFFSETS,
                                  .ranges = SHARE_WINDOW_RANGES};
    struct share *shares[GROUPS];
    for (size_t i = 0; i < GROUPS; i++) {
        struct offset_ranges given = {.size = sizeof(struct share_range)};
        char name[24];
        snprintf(name, sizeof name, "g%zu", i);
        share_begin(f.leader, kp_string_of(name), 0, NULL);
        turn();
        commit();
        shares[i] = shares_find(f.leader, kp_string_of(name));
        shares[i]->limits = limits;
        share_queue_acquire(&shares[i]->queue, &limits, 0, 0, 1, 1, env_now_ms(f.env), &given);
        offset_ranges_free(&given);
    }
    struct env_task looker = {.run = look};
    f.slow = true;
    sent = f.count;
    most_sent = 0;
    look(&looker);
    share_watch(shares[0]);
    uint64_t limit_ms = env_now_ms(f.env) + 10000;
    size_t before = f.count;
    while (f.count < before + GROUPS) {
        turn();
        assert_true(env_now_ms(f.env) < limit_ms);
    }
    assert_true(most_sent > 0 && most_sent <= 2);
    env_defer_cancel(f.env, &looker);
    f.slow = false;
    commit();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ends_in_pieces, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
