/* What all logs of a store share: groups, flush, the tail cache, the journal's room, many logs. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/log/log_internal.h"
#include "storage/log/write_behind.h"
#include "tests/unit/patience.h"
#include "tests/unit/storage/fixture_stored_logs.h"
#include "tests/unit/unit.h"

static void collect(void *arg, uint64_t group) {
    uint64_t *sum = arg;
    assert_true(group > *sum % 1000); /* ascending: each once */
    *sum = *sum / 1000 * 1000 + 1000 + group;
}

/* Groups are listed once each, whether they have a directory, journal records, or both. */
static void test_store_lists_groups(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_open_logs(f, 5);
    stored_append(f, 1, 100);
    stored_settle(f, 1);
    journal_hard_state(log_store_journal(f->store), 77, 4, 1);
    char directory[160];
    snprintf(directory, sizeof directory, "%s/groups/%016x", f->path, 5);
    assert_int_equal(env_mkdir(f->folder.env, directory), 0);
    stored_append(f, 2, 100);
    stored_settle(f, 2);
    uint64_t sum = 0;
    log_store_each_group(f->store, collect, &sum);
    assert_int_equal(sum, 4 * 1000 + 77); /* 2, 3, 5, 77 */
    stored_tear_down(f);
}

/* After a flush nothing is left in the journal for the next start to write. */
static void test_store_flush(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_flush(f); /* nothing to do is done, too */
    stored_open_logs(f, 8);
    for (int round = 0; round < 30; round++)
        stored_append(f, (unsigned)dice_below(&f->dice, 8), 200);
    for (unsigned i = 0; i < 8; i++)
        partition_log_commit(f->logs[i], partition_log_last_index(f->logs[i]));
    stored_flush(f);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(f->logs[i]->synced, partition_log_last_index(f->logs[i]));
        assert_true(partition_log_last_index(f->logs[i]) == 0 ||
                    partition_log_size_bytes(f->logs[i]) > SEGMENT_HEADER_SIZE);
    }
    stored_close(f);
    stored_open(f);
    for (uint64_t group = 1; group <= 8; group++) {
        const struct journal_group *recovered = journal_recovered(log_store_journal(f->store),
                                                                  group);
        if (recovered) assert_int_equal(recovered->entry_count, 0);
    }
    stored_tear_down(f);
}

/* The tail cache holds to its limit over all logs; what left it is read from segments. */
static void test_store_tail_cache(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_open_logs(f, 6);
    uint64_t in_memory = 0;
    for (int round = 0; round < 400; round++) {
        unsigned i = (unsigned)dice_below(&f->dice, 6);
        stored_append(f, i, 400);
        partition_log_commit(f->logs[i], partition_log_last_index(f->logs[i]));
        if (round % 20 == 0) {
            stored_settle(f, i);
            stored_flush(f);
            assert_true(f->store->cache.bytes <= f->options.tail_cache_bytes);
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        const struct log_memory *memory = &f->logs[i]->memory;
        for (uint64_t index = memory->first_index; index <= memory->served; index++)
            in_memory += log_memory_at(memory, index)->body.len;
        assert_true(memory->first_index > 1);
    }
    assert_true(in_memory > f->options.tail_cache_bytes / 4);
    assert_true(in_memory <= f->store->cache.bytes);
    stored_tear_down(f);
}

/* So many bytes into a log, and all of it into segments. */
static void write_bytes(struct stored_logs *f, unsigned i, uint64_t bytes) {
    uint64_t before = partition_log_size_bytes(f->logs[i]);
    while (partition_log_size_bytes(f->logs[i]) - before < bytes) {
        stored_append(f, i, 400);
        stored_settle(f, i);
        partition_log_commit(f->logs[i], partition_log_last_index(f->logs[i]));
        stored_flush(f);
    }
}

/* Segments are as large as was said of their log: the next ones, and the active one, which is
 * sealed with the next entry when it is larger already. Nothing is lost. */
static void test_store_segments_of_another_size(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    f->options.segment_bytes = 64 << 10;
    stored_close(f);
    stored_open(f);
    stored_open_logs(f, 2);
    struct partition_log *log = f->logs[0];
    write_bytes(f, 0, 24 << 10);
    assert_int_equal(log->segment_count, 1);
    stored_append(f, 0, 400);
    stored_settle(f, 0);
    partition_log_set_segment_bytes(log, 8 << 10);
    assert_int_equal(log->segment_count, 1);
    write_bytes(f, 0, 32 << 10);
    assert_true(log->segment_count >= 4);
    size_t small = log->segment_count;
    partition_log_set_segment_bytes(log, 1 << 20);
    write_bytes(f, 0, 96 << 10);
    assert_true(log->segment_count <= small + 1);
    size_t large = log->segment_count;
    partition_log_set_segment_bytes(log, 64 << 10);
    write_bytes(f, 0, 72 << 10);
    assert_true(log->segment_count > large && log->segment_count <= large + 2);
    write_bytes(f, 1, 32 << 10);
    assert_int_equal(f->logs[1]->segment_count, 1);
    stored_tear_down(f);
}

/* Few entries wait, many are written at once; commits alone sync nothing. What waits has neither a
 * file nor a directory. */
static void test_store_write_behind_waits(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    f->options.segment_bytes = 16 << 20;
    f->options.journal_max_bytes = 64 << 20;
    stored_close(f);
    stored_open(f);
    stored_open_logs(f, 2);
    stored_append(f, 0, 100);
    stored_settle(f, 0);
    partition_log_commit(f->logs[0], 1);
    assert_null(f->logs[0]->job);
    assert_ptr_equal(f->store->write_behind.waiting.first, f->logs[0]);
    while (f->logs[1]->unwritten_bytes < WRITE_BEHIND_BYTES) {
        stored_append(f, 1, 500);
        uint64_t last = partition_log_last_index(f->logs[1]);
        if (last % 100 == 0) stored_settle(f, 1);
        partition_log_commit(f->logs[1], last);
    }
    stored_settle(f, 1);
    assert_true(f->logs[1]->job != NULL || f->logs[1]->written > 0);
    while (f->logs[1]->written == 0)
        stored_run_a_while(f);
    assert_int_equal(f->logs[0]->written, 0);
    assert_int_equal(f->logs[1]->synced, 0);
    assert_false(stored_group_exists(f, 1, ""));
    assert_true(stored_group_exists(f, 2, ""));
    stored_tear_down(f);
}

/* The journal's files stay within their limit while much more passes through it: it presses, and
 * logs sync. */
static void test_store_journal_pressure(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_open_logs(f, 10);
    uint64_t bytes = 0;
    while (bytes < 4 * f->options.journal_max_bytes) {
        unsigned i = (unsigned)dice_below(&f->dice, 10);
        uint64_t before = partition_log_uncommitted_bytes(f->logs[i]);
        stored_append(f, i, 500);
        bytes += partition_log_uncommitted_bytes(f->logs[i]) - before;
        stored_settle(f, i);
        partition_log_commit(f->logs[i], partition_log_last_index(f->logs[i]));
        assert_true(journal_disk_bytes(log_store_journal(f->store)) <=
                    f->options.journal_max_bytes);
    }
    struct journal_stats stats;
    journal_stats_get(log_store_journal(f->store), &stats);
    assert_true(stats.files_reused > 3);
    stored_close(f);
    stored_open(f);
    stored_open_logs(f, 10);
    uint64_t size = 0;
    for (unsigned i = 0; i < 10; i++)
        size += partition_log_size_bytes(f->logs[i]);
    assert_true(size > 0);
    stored_tear_down(f);
}

static unsigned synced_logs(const struct stored_logs *f, unsigned count) {
    unsigned synced = 0;
    for (unsigned i = 0; i < count; i++)
        synced += f->logs[i]->synced == 1;
    return synced;
}

/* While a good part of the journal is in use, logs that wait are written and synced in the
 * background, those that wait longest first. */
static void test_store_syncs_quiet_logs(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_open_logs(f, 20);
    for (unsigned i = 0; i < 20; i++) {
        stored_append(f, i, 100);
        stored_settle(f, i);
        partition_log_commit(f->logs[i], 1);
    }
    assert_int_equal(f->store->jobs, 0);
    f->options.journal_max_bytes = 1 << 20;
    f->store->options.journal_max_bytes = 1 << 10; /* so that what there is is much */
    while (synced_logs(f, 20) < 20) {
        stored_run_a_while(f);
        assert_true(f->logs[0]->synced == 1 || f->logs[0]->job != NULL || f->logs[19]->synced == 0);
    }
    assert_null(f->store->write_behind.waiting.first);
    stored_tear_down(f);
}

/* Unsynced segments are more than may be open: they are synced, and closed for others. Readers wait
 * for a file, and all get one. */
struct patient_read {
    struct partition_log_read read; /* first: a read is its patient_read */
    bool done;
    int error;
};

static void read_done(struct partition_log_read *read, int error) {
    struct patient_read *patient = (struct patient_read *)read;
    patient->done = true;
    patient->error = error;
    if (!error) partition_log_read_release(read);
}

static void test_store_with_few_files(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    f->options.open_files = 4;
    f->options.segment_bytes = 8 << 10;
    f->options.tail_cache_bytes = 0;
    f->options.journal_max_bytes = 64 << 20;
    stored_close(f);
    stored_open(f);
    stored_open_logs(f, LOGS);
    unsigned jobs = f->store->write_behind.jobs_max;
    for (int round = 0; round < 40 * LOGS; round++) {
        unsigned i = (unsigned)dice_below(&f->dice, LOGS);
        stored_append(f, i, 600);
        stored_settle(f, i);
        partition_log_commit(f->logs[i], partition_log_last_index(f->logs[i]));
        assert_true(f->store->files.open <= f->store->files.limit + jobs);
    }
    struct patient_read reads[LOGS] = {0};
    for (unsigned i = 0; i < LOGS; i++) {
        assert_true(f->logs[i]->written > 0);
        reads[i].read.done = read_done;
        partition_log_read(f->logs[i], 1, 2, 100, &reads[i].read);
        assert_true(f->store->files.open <= f->store->files.limit + jobs);
    }
    if (!reads[3].done) partition_log_read_cancel(&reads[3].read);
    for (unsigned i = 0; i < LOGS; i++) {
        while (i != 3 && !reads[i].done)
            stored_run_a_while(f);
        assert_int_equal(reads[i].error, 0);
    }
    stored_tear_down(f);
}

/* ---- Opening in the lane ---- */

struct opened {
    struct stored_logs *f;
    bool ready;
};

static void opening_ready(void *arg) {
    struct opened *opened = arg;
    opened->ready = true;
    folder_stop(&opened->f->folder);
}

/* A log that is opened off the loop is the same; one that is open already is refused; a canceled
 * opening leaves nothing behind. */
static void test_store_opens_in_a_lane(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_open_logs(f, 2);
    for (int i = 0; i < 30; i++)
        stored_append(f, 0, 500);
    stored_settle(f, 0);
    partition_log_commit(f->logs[0], 20);
    stored_flush(f);
    stored_close(f);
    stored_open(f);
    struct opened opened = {.f = f};
    struct error_text why;
    struct partition_log_opening *opening = partition_log_open_begin(f->store, 1, 0, "topic-1",
                                                                     opening_ready, &opened);
    assert_false(opened.ready);
    assert_null(log_store_find(f->store, 1));
    folder_run(&f->folder);
    assert_true(opened.ready);
    assert_int_equal(partition_log_open_end(opening, &stored_events, f, &f->logs[0], &why), 0);
    assert_int_equal(partition_log_last_index(f->logs[0]), 30);
    assert_int_equal(partition_log_commit_index(f->logs[0]), 20);

    opened.ready = false;
    opening = partition_log_open_begin(f->store, 1, 0, "topic-1", opening_ready, &opened);
    folder_run(&f->folder);
    assert_int_equal(partition_log_open_end(opening, &stored_events, f, &f->logs[1], &why),
                     ERR_BUSY);
    assert_string_equal(why.text,
                        "the log of topic-1 is open already, or its last writes are not finished");

    opened.ready = false;
    opening = partition_log_open_begin(f->store, 7, 0, "topic-7", NULL, NULL);
    assert_false(partition_log_open_cancel(opening, opening_ready, &opened));
    folder_run(&f->folder); /* it is over */
    opening = partition_log_open_begin(f->store, 7, 0, "topic-7", opening_ready, &opened);
    folder_run(&f->folder);
    assert_true(partition_log_open_cancel(opening, NULL, NULL));
    stored_append(f, 0, 500);
    stored_settle(f, 0);
    stored_close(f);
    stored_open(f);
    opening = partition_log_open_begin(f->store, 1, 0, "topic-1", opening_ready, &opened);
    assert_false(
        partition_log_open_cancel(opening, NULL, NULL)); /* and the store is closed meanwhile */
    stored_tear_down(f);
}

/* What was recovered of a log is given to who opens it first. Opened again, without a segment, it
 * would be a new one: the votes forgotten. */
static void test_store_opens_a_log_once(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    stored_open_logs(f, 2);
    partition_log_set_hard_state(f->logs[0], 7, 2);
    stored_append(f, 0, 100);
    stored_settle(f, 0);
    stored_close(f);
    stored_open(f);
    f->logs[0] = stored_open_log(f, 1);
    assert_int_equal(partition_log_term(f->logs[0]), 7);
    f->logs[1] = stored_open_log(f, 2);
    stored_append(f, 1, 100);
    stored_settle(f, 1);
    struct partition_log *again;
    struct error_text why;
    for (unsigned i = 0; i < 2; i++) {
        partition_log_close(f->logs[i]);
        f->logs[i] = NULL;
        assert_int_equal(
            partition_log_open(f->store, i + 1, "topic", &stored_events, f, &again, &why),
            ERR_CORRUPT);
    }
    assert_string_equal(
        why.text,
        "the log of topic was closed since this broker started, as its own log says; start the "
        "broker again to open it");
    stored_tear_down(f);
}

/* A flush leaves what is little in the journal, as much as the options say over all logs; the next
 * start has it all the same. */
static void test_store_flush_leaves_little(void **state) {
    (void)state;
    struct stored_logs *f = stored_set_up();
    f->options.flush_leaves_bytes = 6000;
    stored_close(f);
    stored_open(f);
    stored_open_logs(f, 11);
    for (unsigned i = 0; i < 11; i++) {
        for (int n = 0; n < (i == 10 ? 20 : 1); n++)
            stored_append(f, i, 100);
        stored_settle(f, i);
        partition_log_commit(f->logs[i], partition_log_last_index(f->logs[i]));
    }
    stored_flush(f);
    uint64_t left = 0;
    for (unsigned i = 0; i < 11; i++)
        left += f->logs[i]->unwritten_bytes;
    assert_int_equal(f->logs[0]->synced, 0);
    assert_int_equal(f->logs[10]->synced, 20);
    assert_true(left > 0 && left <= 6000);
    stored_close(f);
    stored_open(f);
    stored_open_logs(f, 11);
    assert_int_equal(partition_log_commit_index(f->logs[0]), 1);
    stored_tear_down(f);
}

/* A thousand logs with segments open quickly, and read nothing but their indexes. */
static void test_store_opens_many_logs(void **state) {
    (void)state;
    enum { MANY = 1000 };
    struct stored_logs *f = stored_set_up();
    f->options.journal_max_bytes = 16 << 20;
    stored_close(f);
    stored_open(f);
    static struct partition_log *logs[MANY];
    for (uint64_t i = 0; i < MANY; i++) {
        logs[i] = stored_open_log(f, i + 1);
        struct entry *entry = entry_of_batches(&f->dice, i + 1, 1, 1, 0, 1, 3, 100, 1700000000000);
        partition_log_append(logs[i], &entry, 1);
        entry_unref(entry);
    }
    for (uint64_t i = 0; i < MANY; i++)
        partition_log_commit(logs[i], 1);
    stored_flush(f);
    for (uint64_t i = 0; i < MANY; i++)
        partition_log_close(logs[i]);
    stored_close(f);
    uint64_t began = env_now_ms(f->folder.env);
    stored_open(f);
    for (uint64_t i = 0; i < MANY; i++) {
        logs[i] = stored_open_log(f, i + 1);
        assert_int_equal(partition_log_last_index(logs[i]), 1);
    }
    uint64_t took = env_now_ms(f->folder.env) - began;
    assert_true(is_within_ms(took, 3000));
    assert_true(f->store->files.open == 0);
    for (uint64_t i = 0; i < MANY; i++)
        partition_log_close(logs[i]);
    stored_tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_lists_groups),
        cmocka_unit_test(test_store_flush),
        cmocka_unit_test(test_store_tail_cache),
        cmocka_unit_test(test_store_segments_of_another_size),
        cmocka_unit_test(test_store_write_behind_waits),
        cmocka_unit_test(test_store_journal_pressure),
        cmocka_unit_test(test_store_opens_many_logs),
        cmocka_unit_test(test_store_syncs_quiet_logs),
        cmocka_unit_test(test_store_with_few_files),
        cmocka_unit_test(test_store_opens_in_a_lane),
        cmocka_unit_test(test_store_flush_leaves_little),
        cmocka_unit_test(test_store_opens_a_log_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
