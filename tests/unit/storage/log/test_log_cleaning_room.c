/* Cleanings and what they leave to others: room, without which they are given up and begin again
 * when it is there, and time. */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "tests/unit/storage/fixture_keyed_log.h"
#include "tests/unit/unit.h"

enum { MANY_KEYS = 100000 };

static void end(struct keyed_log *keyed) {
    log_model_stop(&keyed->model, false);
    keyed_log_close(keyed);
}

static void run_removals(struct keyed_log *keyed) {
    struct paced_removal *removals = &keyed->model.store->removals;
    while (removals->first || removals->busy)
        log_model_run(&keyed->model);
}

static size_t unfinished(const struct keyed_log *keyed) {
    char names[16][64], *group = log_model_group_path(&keyed->model);
    size_t count = file_names(group, ".clean", names, 16);
    mem_free(group);
    return count;
}

static void reopen(struct keyed_log *keyed) {
    log_model_stop(&keyed->model, false);
    log_model_start(&keyed->model);
    run_removals(keyed);
}

/* Runs the round to its end. */
static int error_of_round(struct keyed_log *keyed) {
    while (!keyed->over)
        log_model_run(&keyed->model);
    return keyed->error;
}

/* No file may have more than 2 KiB, as when a disk or a quota is full: the round ends, its
 * unfinished file goes, and the log is as it was, but for entries that are gone by index. */
static void test_no_room(void **state) {
    (void)state;
    struct keyed_log keyed;
    struct rlimit before, little;
    keyed_log_open(&keyed, 14, MANY_KEYS);
    keyed.keys = 1000; /* so that much stays */
    keyed_log_fill(&keyed, 6);
    size_t segments = keyed.model.log->segment_count;
    void (*before_signal)(int) = signal(SIGXFSZ, SIG_IGN);
    keyed_log_begin(&keyed);
    while (keyed.model.log->prefix.start.index == 0)
        log_model_run(&keyed.model);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = (struct rlimit){.rlim_cur = 2048, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    int error = error_of_round(&keyed);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, before_signal);
    assert_int_equal(error, ERR_FILE_SIZE);
    assert_int_equal(keyed.model.log->segment_count, segments);
    run_removals(&keyed);
    assert_int_equal(unfinished(&keyed), 0);
    keyed_log_check(&keyed, false);
    reopen(&keyed);
    keyed_log_check(&keyed, false);
    keyed_log_clean(&keyed);
    keyed_log_check(&keyed, true);
    end(&keyed);
}

/* The disk has less than an output takes above what it keeps free: before the round, and within. */
static void test_disk_is_short(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 16, MANY_KEYS);
    keyed_log_fill(&keyed, 6);
    struct log_clean_limits limits = {
        .index = keyed.model.commit, .young_ms = INT64_MAX, .stable = INT64_MAX};
    struct log_cleanable cleanable = keyed_log_cleanable(&keyed);
    struct disk_space *room = log_store_room(keyed.model.store);
    assert_true(cleanable.output_bytes >= keyed.model.log->segments[0]->end.position);
    assert_true(cleanable.output_bytes < cleanable.dirty_bytes);
    assert_true(log_cleaning_has_room(keyed.model.log, cleanable.output_bytes));
    disk_space_set_min_free(room, UINT64_MAX);
    assert_false(log_cleaning_has_room(keyed.model.log, cleanable.output_bytes));
    assert_int_equal(log_cleaning_begin(keyed.model.log, &limits, &keyed.options, &keyed.cleaning),
                     ERR_NO_SPACE);
    disk_space_set_min_free(room, 0);
    keyed_log_begin(&keyed);
    disk_space_set_min_free(room, UINT64_MAX);
    assert_int_equal(error_of_round(&keyed), ERR_NO_SPACE);
    assert_int_equal(unfinished(&keyed), 0);
    disk_space_set_min_free(room, 0);
    keyed_log_clean(&keyed);
    keyed_log_check(&keyed, false);
    end(&keyed);
}

/* ---- Pauses ---- */

enum { RATE = 200 * 1000, BUSY_US = 300 * 1000 };

static uint64_t us_of_round(struct keyed_log *keyed) {
    uint64_t begun_us = env_now_us(keyed->model.store->env);
    keyed_log_begin(keyed);
    assert_int_equal(error_of_round(keyed), ERR_NONE);
    return env_now_us(keyed->model.store->env) - begun_us;
}

/* No more bytes a second than it is told. */
static void test_pause_for_bytes(void **state) {
    (void)state;
    struct keyed_log keyed;
    keyed_log_open(&keyed, 17, MANY_KEYS);
    keyed_log_fill(&keyed, 8);
    keyed.options.bytes_per_second = RATE;
    uint64_t took_us = us_of_round(&keyed);
    assert_true(keyed.cleaning.moved_bytes > RATE / 20);
    assert_true(took_us >= keyed.cleaning.moved_bytes * 1000000 / RATE * 3 / 4);
    keyed_log_check(&keyed, false);
    end(&keyed);
}

static void be_busy(struct env_job *job) {
    struct timespec left = {.tv_nsec = BUSY_US * 1000L};
    (void)job;
    nanosleep(&left, NULL);
}

static struct log_store *busy_store;

static void busy_no_more(struct env_job *job) {
    (void)job;
    log_store_job_done(busy_store);
}

/* A step that waited for others lets them go first for as long, whatever the bytes cost. */
static void test_pause_for_others(void **state) {
    (void)state;
    struct keyed_log keyed;
    struct env_job busy = {.work = be_busy, .done = busy_no_more};
    keyed_log_open(&keyed, 18, MANY_KEYS);
    keyed.keys = 1000; /* so that much stays */
    keyed_log_fill(&keyed, 10);
    busy_store = keyed.model.store;
    keyed_log_begin(&keyed);
    while (keyed.model.log->prefix.start.index == 0) /* what is written comes behind that */
        log_model_run(&keyed.model);
    uint64_t begun_us = env_now_us(busy_store->env);
    log_store_run_job(busy_store, busy_store->clean_lane, &busy);
    assert_int_equal(error_of_round(&keyed), ERR_NONE);
    assert_true(env_now_us(busy_store->env) - begun_us >= 2 * BUSY_US - BUSY_US / 10);
    keyed_log_check(&keyed, false);
    end(&keyed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_disk_is_short),
        cmocka_unit_test(test_pause_for_bytes),
        cmocka_unit_test(test_pause_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
