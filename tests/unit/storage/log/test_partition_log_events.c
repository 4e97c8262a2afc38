/* What a log reports as durable, and when: rounds of the journal, truncations in between, hard
 * states, closing inside events. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/log/log_internal.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

enum { GROUP = 5, REPORTS = 64 };

struct fixture {
    struct folder folder;
    struct log_store *store;
    struct partition_log *log;
    char path[96];
    char reports[REPORTS][16]; /* "i5" durable index 5, "v2" hard state 2, in order */
    unsigned count;
    unsigned stop_at;                /* reports */
    void (*react)(struct fixture *); /* called by every event, may be NULL */
};

static void report(struct fixture *f, char what, uint64_t number) {
    assert_true(f->count < REPORTS);
    snprintf(f->reports[f->count++], sizeof f->reports[0], "%c%llu", what,
             (unsigned long long)number);
    if (f->count == f->stop_at) folder_stop(&f->folder);
    if (f->react) f->react(f);
}

static void durable(void *arg, uint64_t index) {
    report(arg, 'i', index);
}

static void hard_state_durable(void *arg, uint64_t version) {
    report(arg, 'v', version);
}

static void open_log(struct fixture *f) {
    static const struct partition_log_events events = {.durable = durable,
                                                       .hard_state_durable = hard_state_durable};
    struct log_store_options options = {.journal_file_bytes = 64 << 10,
                                        .journal_max_bytes = 1 << 20,
                                        .segment_bytes = 4096,
                                        .index_interval_bytes = 512,
                                        .tail_cache_bytes = 1 << 20,
                                        .open_files = 32};
    struct error_text why;
    assert_int_equal(
        log_store_open(f->folder.env, &f->folder.log, f->path, &options, &f->store, &why), 0);
    assert_int_equal(partition_log_open(f->store, GROUP, "events-0", &events, f, &f->log, &why), 0);
}

static struct fixture *set_up(void) {
    struct fixture *f = mem_zalloc(sizeof *f);
    folder_open(&f->folder);
    snprintf(f->path, sizeof f->path, "%s/shard-0", f->folder.path);
    open_log(f);
    return f;
}

static void close_log(struct fixture *f) {
    if (f->log) partition_log_close(f->log);
    f->log = NULL;
    log_store_close(f->store);
    folder_run_out(&f->folder);
}

static void tear_down(struct fixture *f) {
    close_log(f);
    folder_close(&f->folder);
    mem_free(f);
}

/* Barriers up to `last`, with this term. */
static void append_up_to(struct fixture *f, uint64_t last, uint32_t term) {
    while (partition_log_last_index(f->log) < last) {
        struct entry *entry = entry_internal(ENTRY_BARRIER, GROUP,
                                             partition_log_last_index(f->log) + 1, term, 0, "");
        partition_log_append(f->log, &entry, 1);
        entry_unref(entry);
    }
}

static void wait_for(struct fixture *f, unsigned reports) {
    f->stop_at = reports;
    if (f->count < reports) folder_run(&f->folder);
}

/* Everything of one round is one report; hard states come before the entries behind them. */
static void test_events_are_coalesced(void **state) {
    (void)state;
    struct fixture *f = set_up();
    append_up_to(f, 3, 1);
    assert_int_equal(partition_log_set_hard_state(f->log, 2, 7), 1);
    assert_int_equal(partition_log_set_hard_state(f->log, 3, 8), 2);
    append_up_to(f, 5, 3);
    assert_int_equal(f->count, 0); /* not inside the calls */
    wait_for(f, 2);
    assert_string_equal(f->reports[0], "v2");
    assert_string_equal(f->reports[1], "i5");
    assert_int_equal(partition_log_durable_index(f->log), 5);
    tear_down(f);
}

/* append 1..5, truncate 3, append 3' in the same turn: the report covers the new 3, once. */
static void test_events_truncated_in_the_same_round(void **state) {
    (void)state;
    struct fixture *f = set_up();
    append_up_to(f, 5, 1);
    partition_log_truncate(f->log, 3);
    append_up_to(f, 3, 2);
    wait_for(f, 1);
    assert_string_equal(f->reports[0], "i3");
    close_log(f);
    open_log(f);
    assert_int_equal(partition_log_last_index(f->log), 3);
    assert_int_equal(partition_log_term_at(f->log, 3), 2);
    tear_down(f);
}

static void truncate_once(struct fixture *f) {
    f->react = NULL;
    partition_log_truncate(f->log, 4);
    append_up_to(f, 4, 2);
}

/* Truncated while the round with the old entries is written: it counts up to the cut only, the new
 * entry with its own round. */
static void test_events_truncated_behind_a_round(void **state) {
    (void)state;
    struct fixture *f = set_up();
    append_up_to(f, 2, 1);
    wait_for(f, 1);
    append_up_to(f, 6, 1);
    /* The write of 3..6 starts at the end of this turn; the hard state joins it, and its report
     * truncates. */
    partition_log_set_hard_state(f->log, 2, 1);
    f->react = truncate_once;
    wait_for(f, 4);
    assert_string_equal(f->reports[1], "v1");
    assert_string_equal(f->reports[2], "i3");
    assert_string_equal(f->reports[3], "i4");
    close_log(f);
    open_log(f);
    assert_int_equal(partition_log_last_index(f->log), 4);
    assert_int_equal(partition_log_term_at(f->log, 4), 2);
    assert_int_equal(partition_log_term_at(f->log, 3), 1);
    tear_down(f);
}

static void truncate_task(struct env_task *task);
struct later {
    struct env_task task; /* first */
    struct fixture *fixture;
};

static void truncate_task(struct env_task *task) {
    struct fixture *f = ((struct later *)task)->fixture;
    partition_log_truncate(f->log, 2);
    append_up_to(f, 3, 9);
}

/* The same from the end of the turn that started the write: its completion must not count for the
 * entries that replaced them. */
static void test_events_truncated_while_the_round_is_written(void **state) {
    (void)state;
    struct fixture *f = set_up();
    append_up_to(f, 6, 1); /* defers the journal's start ... */
    struct later later = {.task = {.run = truncate_task}, .fixture = f};
    env_defer(f->folder.env, &later.task); /* ... which runs before this */
    wait_for(f, 2);
    assert_string_equal(f->reports[0], "i1");
    assert_string_equal(f->reports[1], "i3");
    tear_down(f);
}

static void close_inside(struct fixture *f) {
    f->react = NULL;
    partition_log_close(f->log);
    f->log = NULL;
    folder_stop(&f->folder);
}

/* A log may be closed inside an event: nothing comes after it. */
static void test_events_closed_inside(void **state) {
    (void)state;
    struct fixture *f = set_up();
    partition_log_set_hard_state(f->log, 1, 1);
    append_up_to(f, 2, 1);
    f->react = close_inside;
    wait_for(f, 2);
    assert_int_equal(f->count, 1);
    assert_string_equal(f->reports[0], "v1");
    tear_down(f);
}

/* A commit index that runs ahead of the log counts as entries arrive; what is behind it can be
 * truncated. */
static void test_events_commit_ahead(void **state) {
    (void)state;
    struct fixture *f = set_up();
    append_up_to(f, 2, 1);
    partition_log_commit(f->log, 4);
    assert_int_equal(partition_log_commit_index(f->log), 4);
    assert_int_equal(partition_log_uncommitted_bytes(f->log), 0);
    append_up_to(f, 6, 1);
    assert_int_equal(partition_log_uncommitted_bytes(f->log), 2 * ENTRY_HEADER_SIZE);
    assert_int_equal(log_store_uncommitted_bytes(f->store), 2 * ENTRY_HEADER_SIZE);
    partition_log_truncate(f->log, 5);
    assert_int_equal(partition_log_uncommitted_bytes(f->log), 0);
    assert_int_equal(partition_log_last_index(f->log), 4);
    tear_down(f);
}

/* What the disk has not taken is counted whether it is committed or not, until it is durable or
 * truncated. */
static void test_events_undurable_bytes(void **state) {
    (void)state;
    struct fixture *f = set_up();
    append_up_to(f, 3, 1);
    partition_log_commit(f->log, 2);
    assert_int_equal(partition_log_undurable_bytes(f->log), 3 * ENTRY_HEADER_SIZE);
    partition_log_truncate(f->log, 3);
    assert_int_equal(partition_log_undurable_bytes(f->log), 2 * ENTRY_HEADER_SIZE);
    assert_int_equal(log_store_undurable_bytes(f->store), 2 * ENTRY_HEADER_SIZE);
    f->stop_at = 1;
    folder_run(&f->folder);
    assert_int_equal(partition_log_durable_index(f->log), 2);
    assert_int_equal(partition_log_undurable_bytes(f->log), 0);
    append_up_to(f, 5, 1);
    partition_log_close(f->log);
    f->log = NULL;
    assert_int_equal(log_store_undurable_bytes(f->store), 0);
    tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_coalesced),
        cmocka_unit_test(test_events_truncated_in_the_same_round),
        cmocka_unit_test(test_events_truncated_behind_a_round),
        cmocka_unit_test(test_events_truncated_while_the_round_is_written),
        cmocka_unit_test(test_events_closed_inside),
        cmocka_unit_test(test_events_commit_ahead),
        cmocka_unit_test(test_events_undurable_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
