/* What is done every so often, when how often changes meanwhile. */
#include "base/container_of.h"
#include "base/env_uv/env_uv.h"
#include "broker/config/broker_settings.h"
#include "broker/config/interval.h"
#include "tests/unit/unit.h"

enum { HOUR_MS = 3600 * 1000 };

struct waiting {
    struct env *env;
    struct broker_settings settings;
    struct intervals intervals;
    struct interval interval;
    unsigned times;
};

static uint64_t pause_us(const struct broker_settings *settings) {
    return settings->cleaner_backoff_ms * 1000;
}

static void is_over(struct interval *interval) {
    struct waiting *waiting = CONTAINER_OF(interval, struct waiting, interval);
    if (++waiting->times == 3)
        env_uv_stop(waiting->env);
    else
        interval_begin(interval);
}

static void change(void *arg) {
    struct waiting *waiting = arg;
    assert_int_equal(waiting->times, 0);
    waiting->settings.cleaner_backoff_ms = 1;
    intervals_changed(&waiting->intervals);
}

/* One that waits for an hour is over at once when it is to be a millisecond, and again and again
 * from then on; one that does not wait is not begun by a change. */
static void test_interval_changes(void **state) {
    (void)state;
    struct waiting waiting = {.settings.cleaner_backoff_ms = HOUR_MS}, idle = waiting;
    assert_int_equal(env_uv_new(&waiting.env, 1), 0);
    waiting.settings.intervals = idle.settings.intervals = &waiting.intervals;
    interval_open(&waiting.interval, waiting.env, &waiting.settings, pause_us, is_over);
    interval_open(&idle.interval, waiting.env, &waiting.settings, pause_us, is_over);
    interval_begin(&idle.interval);
    interval_stop(&idle.interval);
    interval_begin(&waiting.interval);
    struct env_timer *later = env_timer_new(waiting.env, change, &waiting);
    env_timer_start(later, 1000);
    env_uv_run(waiting.env);
    assert_int_equal(waiting.times, 3);
    assert_int_equal(idle.times, 0);
    interval_close(&idle.interval);
    interval_close(&idle.interval);
    interval_close(&waiting.interval);
    assert_null(waiting.intervals.first);
    env_timer_free(later);
    assert_true(env_uv_free(waiting.env));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interval_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
