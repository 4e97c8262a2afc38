/* A store and its logs, filled and driven from outside. */
#include "tests/unit/storage/fixture_stored_logs.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/unit/unit.h"

static void time_is_over(void *arg) {
    struct stored_logs *f = arg;
    folder_stop(&f->folder);
}

void stored_run_a_while(struct stored_logs *f) {
    struct env_timer *timer = env_timer_new(f->folder.env, time_is_over, f);
    env_timer_start(timer, 5000);
    folder_run(&f->folder);
    env_timer_free(timer);
}

static void durable(void *arg, uint64_t index) {
    struct stored_logs *f = arg;
    if (f->durable_for && index >= f->durable_for) folder_stop(&f->folder);
}

static void hard_state_durable(void *arg, uint64_t version) {
    (void)arg;
    (void)version;
}

const struct partition_log_events stored_events = {.durable = durable,
                                                   .hard_state_durable = hard_state_durable};

void stored_open(struct stored_logs *f) {
    struct error_text why;
    assert_int_equal(
        log_store_open(f->folder.env, &f->folder.log, f->path, &f->options, &f->store, &why), 0);
}

struct partition_log *stored_open_log(struct stored_logs *f, uint64_t group) {
    struct partition_log *log;
    struct error_text why = {0};
    char label[32];
    snprintf(label, sizeof label, "topic-%u", (unsigned)group);
    if (partition_log_open(f->store, group, label, &stored_events, f, &log, &why) != 0)
        fail_msg("%s", why.text);
    return log;
}

void stored_open_logs(struct stored_logs *f, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        f->logs[i] = stored_open_log(f, i + 1);
}

struct stored_logs *stored_set_up(void) {
    struct stored_logs *f = mem_zalloc(sizeof *f);
    folder_open(&f->folder);
    f->dice.state = 99;
    snprintf(f->path, sizeof f->path, "%s/shard-0", f->folder.path);
    f->options = (struct log_store_options){.journal_file_bytes = 64 << 10,
                                            .journal_max_bytes = 512 << 10,
                                            .segment_bytes = 64 << 10,
                                            .index_interval_bytes = 1024,
                                            .tail_cache_bytes = 100 << 10,
                                            .open_files = 32};
    stored_open(f);
    return f;
}

void stored_close(struct stored_logs *f) {
    for (unsigned i = 0; i < LOGS; i++) {
        partition_log_close(f->logs[i]);
        f->logs[i] = NULL;
    }
    log_store_close(f->store);
    folder_run_out(&f->folder);
}

void stored_tear_down(struct stored_logs *f) {
    stored_close(f);
    folder_close(&f->folder);
    mem_free(f);
}

void stored_append(struct stored_logs *f, unsigned i, size_t value_max) {
    struct partition_log *log = f->logs[i];
    struct entry *entry = entry_of_batches(&f->dice, i + 1, partition_log_last_index(log) + 1, 1,
                                           partition_log_end_offset(log), 2, 4, value_max,
                                           1700000000000);
    partition_log_append(log, &entry, 1);
    entry_unref(entry);
}

void stored_settle(struct stored_logs *f, unsigned i) {
    uint64_t last = partition_log_last_index(f->logs[i]);
    if (partition_log_durable_index(f->logs[i]) >= last) return;
    f->durable_for = last;
    while (partition_log_durable_index(f->logs[i]) < last)
        folder_run(&f->folder);
    f->durable_for = 0;
}

static void flushed(void *arg) {
    struct stored_logs *f = arg;
    folder_stop(&f->folder);
}

void stored_flush(struct stored_logs *f) {
    log_store_flush(f->store, flushed, f);
    folder_run(&f->folder);
}

bool stored_group_exists(struct stored_logs *f, uint64_t group, const char *suffix) {
    char path[160];
    snprintf(path, sizeof path, "%s/groups/%016x%s", f->path, (unsigned)group, suffix);
    enum env_kind kind;
    assert_int_equal(env_kind_of(f->folder.env, path, &kind), 0);
    return kind != ENV_NOTHING;
}
