/* Reading that takes its time, is cancelled, or outlives its log; applier snapshots; limits of open
 * files. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/state/state_files.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

/* A log of several segments that was opened again: nothing is in memory, no index of a sealed
 * segment is loaded. */
static void open_cold_with(struct log_model *model, uint64_t seed, uint64_t segment_bytes) {
    log_model_open(model, seed);
    if (segment_bytes > 0) model->options.segment_bytes = segment_bytes;
    log_model_start(model);
    log_model_vote(model, 1, 1);
    for (int i = 0; i < 40; i++) {
        log_model_append(model, 4);
        log_model_commit(model, model->last);
    }
    log_model_stop(model, true);
    struct error_text why;
    assert_true(log_model_try_start(model, &why));
    assert_int_equal(model->log->memory.count, 0);
    assert_true(model->log->segment_count > 3);
}

static void open_cold(struct log_model *model, uint64_t seed) {
    open_cold_with(model, seed, 0);
}

static void never_read(struct partition_log_read *read, int error) {
    (void)read;
    fail_msg("done was called (%d)", error);
}

static void never_fetched(struct partition_log_fetch *fetch, int error) {
    (void)fetch;
    fail_msg("done was called (%d)", error);
}

static void never_searched(struct partition_log_search *search, int error) {
    (void)search;
    fail_msg("done was called (%d)", error);
}

/* After cancel, or after the log was closed, done is not called, and the caller's memory is not
 * touched. */
static void test_reading_cancelled(void **state) {
    (void)state;
    for (int close = 0; close < 2; close++) {
        struct log_model model;
        open_cold(&model, 31);
        struct partition_log_read *read = mem_zalloc(sizeof *read);
        struct partition_log_fetch *fetch = mem_zalloc(sizeof *fetch);
        struct partition_log_search *search = mem_zalloc(sizeof *search);
        read->done = never_read;
        fetch->done = never_fetched;
        search->done = never_searched;
        assert_false(partition_log_read(model.log, 1, 10, 1 << 20, read));
        assert_false(partition_log_fetch(model.log, 5, model.end_offset, 1 << 20, fetch));
        assert_false(
            partition_log_search(model.log, model.time - 20000, 0, model.end_offset, search));
        assert_true(read->reading && fetch->reading && search->reading);
        if (close) {
            partition_log_close(model.log);
        }
        partition_log_read_cancel(read);
        partition_log_fetch_cancel(fetch);
        partition_log_search_cancel(search);
        assert_true(!read->reading && !fetch->reading && !search->reading);
        mem_free(read);
        mem_free(fetch);
        mem_free(search);
        if (!close) partition_log_close(model.log);
        log_store_close(model.store);
        folder_run_out(&model.folder);
        log_model_close(&model);
    }
}

/* What is not in the log is ERR_NOT_FOUND, at once; the end itself is an empty fetch. */
static void test_reading_out_of_range(void **state) {
    (void)state;
    struct log_model model;
    open_cold(&model, 32);
    struct partition_log_read read;
    log_model_read(&model, 0, 10, 100, &read);
    assert_int_equal(model.error, ERR_NOT_FOUND);
    log_model_read(&model, model.last + 1, model.last + 1, 100, &read);
    assert_int_equal(model.error, ERR_NOT_FOUND);
    struct partition_log_fetch fetch;
    log_model_fetch(&model, model.end_offset + 1, model.end_offset, 100, &fetch);
    assert_int_equal(model.error, ERR_NOT_FOUND);
    log_model_fetch(&model, -1, model.end_offset, 100, &fetch);
    assert_int_equal(model.error, ERR_NOT_FOUND);
    log_model_fetch(&model, model.end_offset, model.end_offset, 100, &fetch);
    assert_int_equal(model.error, 0);
    assert_int_equal(fetch.count, 0);
    partition_log_fetch_release(&fetch);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* More segments than files may be open are read all the same, and the limit holds afterwards. */
static void test_reading_many_files(void **state) {
    (void)state;
    struct log_model model;
    open_cold(&model, 33);
    model.store->files.limit = 2;
    for (int i = 0; i < 60; i++) {
        uint64_t first = 1 + dice_below(&model.dice, model.last);
        struct partition_log_read read;
        log_model_read(&model, first, model.last, dice_below(&model.dice, 9000), &read);
        assert_int_equal(model.error, 0);
        assert_int_equal(read.entries[0]->index, first);
        partition_log_read_release(&read);
        assert_true(model.store->files.open <= 2);
    }
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* Bytes that this process has read so far, of files and all else. */
static uint64_t bytes_read(void) {
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/self/io", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "rchar: %llu", &bytes), 1);
    fclose(file);
    return bytes;
}

static void fetch_all(struct log_model *model, uint64_t piece) {
    for (kafka_offset offset = model->log->start_offset; offset < model->end_offset;) {
        struct partition_log_fetch fetch;
        log_model_fetch(model, offset, model->end_offset, piece, &fetch);
        assert_int_equal(model->error, 0);
        offset = fetch.next_offset;
        partition_log_fetch_release(&fetch);
    }
}

/* Whoever reads a log in pieces reads hardly more of the files than all of it. */
static void test_reading_in_pieces_reads_once(void **state) {
    (void)state;
    struct log_model model;
    open_cold(&model, 35);
    fetch_all(&model, 1 << 20); /* loads the indexes */
    uint64_t before = bytes_read();
    fetch_all(&model, 1 << 20);
    uint64_t at_once = bytes_read() - before;
    before = bytes_read();
    fetch_all(&model, 3000);
    uint64_t in_pieces = bytes_read() - before;
    assert_true(in_pieces < at_once + at_once / 5);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* The last entry of a sealed segment becomes zeros: as if the block ended before it. Its position
 * and itself. */
static uint64_t zero_last_entry(struct log_model *model, struct entry **entry) {
    char *group_path = log_model_group_path(model);
    uint64_t found = 0;
    for (size_t i = 0; i + 1 < model->log->segment_count && found == 0; i++) {
        const struct segment *segment = model->log->segments[i];
        char *path = path_of_segment(group_path, segment->header.base_offset, SEGMENT_FILE_LOG);
        size_t len;
        uint8_t *bytes = file_bytes(path, &len);
        *entry = model->entries[segment->end.last_index - 1];
        uint64_t at = SEGMENT_HEADER_SIZE;
        while (memcmp(bytes + at, (*entry)->header, ENTRY_HEADER_SIZE) != 0)
            at++;
        if (at % SEGMENT_BLOCK != 0 && segment_block_end(at) == len &&
            (*entry)->type == ENTRY_BATCHES) {
            memset(bytes + at, 0, len - at);
            file_put(path, bytes, len);
            found = at;
        }
        mem_free(bytes);
        mem_free(path);
    }
    mem_free(group_path);
    assert_true(found > 0);
    return found;
}

/* Zeros where the last entry of a segment was are damage, whoever meets them, and are not taken for
 * the end of what is there. */
static void test_reading_last_entry_is_zeros(void **state) {
    (void)state;
    for (int who = 0; who < 3; who++) {
        struct log_model model;
        struct entry *entry = NULL;
        open_cold_with(&model, 36, SEGMENT_BLOCK * 3 / 4);
        uint64_t at = zero_last_entry(&model, &entry);
        struct partition_log_read read;
        struct partition_log_fetch fetch;
        struct partition_log_search search;
        if (who == 0)
            log_model_read(&model, entry->index, entry->index, 100, &read);
        else if (who == 1)
            log_model_fetch(&model, entry->base_offset, model.end_offset, 100, &fetch);
        else
            log_model_search(&model, entry->max_timestamp, entry->base_offset + entry->records,
                             &search);
        assert_int_equal(model.error, ERR_CORRUPT);
        assert_int_equal(model.damages, 1);
        assert_int_equal(model.damaged_at, at);
        log_model_stop(&model, false);
        log_model_close(&model);
    }
}

struct patient_read {
    struct partition_log_read read; /* first */
    bool done;
    int error;
};

static void patient_done(struct partition_log_read *read, int error) {
    struct patient_read *patient = (struct patient_read *)read;
    patient->done = true;
    patient->error = error;
    if (!error) partition_log_read_release(read);
}

static void time_is_over(void *arg) {
    folder_stop(arg);
}

static void run_for(struct log_model *model, uint64_t us) {
    struct env_timer *timer = env_timer_new(model->folder.env, time_is_over, &model->folder);
    env_timer_start(timer, us);
    folder_run(&model->folder);
    env_timer_free(timer);
}

/* The process may have a segment open and not the index beside it: who reads waits for that file,
 * too. */
static void test_reading_waits_for_an_index(void **state) {
    (void)state;
    enum { READS = 3 };
    struct log_model model;
    open_cold(&model, 37);
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    assert_true(next > 0);
    close(next);
    few = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct patient_read reads[READS] = {0};
    for (int i = 0; i < READS; i++) {
        reads[i].read.done = patient_done;
        assert_false(partition_log_read(model.log, 1, 2, 1 << 20, &reads[i].read));
        run_for(&model, 20 * 1000);
    }
    run_for(&model, 100 * 1000);
    for (int i = 0; i < READS; i++)
        assert_false(reads[i].done);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    partition_log_read_cancel(&reads[1].read);
    for (int i = 0; i < READS; i++) {
        while (i != 1 && !reads[i].done)
            run_for(&model, 5000);
        assert_int_equal(reads[i].error, 0);
    }
    assert_false(reads[1].done);
    log_model_stop(&model, false);
    log_model_close(&model);
}

struct applier {
    struct log_model *model;
    unsigned asked;
    bool silent, late;
    size_t large; /* so many bytes of state; 0: a sentence */
};

/* In two parts. */
static void applier_keep(struct applier *applier, uint64_t index) {
    struct slice *parts = mem_zalloc(2 * sizeof *parts);
    char text[32];
    snprintf(text, sizeof text, "state at %llu", (unsigned long long)index);
    parts[0] = slice_copy(NULL, text, 5);
    parts[1] = applier->large > 0 ? slice_adopt(NULL, mem_zalloc(applier->large), applier->large)
                                  : slice_copy(NULL, text + 5, strlen(text) - 5);
    partition_log_keep(applier->model->log, index, parts, 2);
}

static void applier_wanted(void *arg) {
    struct applier *applier = arg;
    applier->asked++;
    if (applier->silent)
        partition_log_keep(applier->model->log, 0, NULL, 0);
    else if (!applier->late)
        applier_keep(applier, applier->model->commit - dice_below(&applier->model->dice, 3));
}

static void assert_snapshot(struct log_model *model, uint64_t least) {
    uint64_t index = 0;
    struct slice state;
    assert_true(partition_log_snapshot(model->log, &index, &state));
    assert_in_range(index, least, model->commit);
    char text[32];
    snprintf(text, sizeof text, "state at %llu", (unsigned long long)index);
    assert_int_equal(state.len, strlen(text));
    assert_memory_equal(state.data, text, state.len);
    slice_unref(&state);
}

/* Sealing and flushing keep the applier's state; the newest whole one at or below the commit index
 * is found; two stay. */
static void test_reading_snapshots(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 34);
    log_model_start(&model);
    uint64_t index;
    struct slice slice;
    assert_false(partition_log_snapshot(model.log, &index, &slice));
    struct applier applier = {.model = &model};
    partition_log_on_seal(model.log, 64 << 20, applier_wanted, &applier);
    log_model_vote(&model, 1, 1);
    for (int i = 0; i < 60; i++) {
        log_model_append(&model, 4);
        log_model_commit(&model, model.last);
        if (i % 6 == 0) {
            log_model_settle(&model);
            log_model_flush(&model);
        }
    }
    assert_true(applier.asked > 3);
    log_model_stop(&model, true);
    char names[16][64];
    char *group = log_model_group_path(&model);
    assert_int_equal(file_names(group, ".snapshot", names, 16), 2);

    log_model_start(&model);
    assert_snapshot(&model, model.last - 60);
    /* One above the end of the log, one under a wrong name, and one that is torn,
     * are passed over. */
    uint64_t newest_index, older_index;
    assert_true(path_number(names[1], ".snapshot", &newest_index));
    struct state_limits limits = {.committed = newest_index - 1, .last = newest_index - 1};
    assert_true(
        state_files_find(model.folder.env, group, LOG_MODEL_GROUP, &limits, &older_index, &slice));
    assert_true(older_index < newest_index);
    slice_unref(&slice);
    char *newest = path_join(group, names[1]), *misnamed = path_of_snapshot(group, model.last - 1);
    size_t len;
    uint8_t *bytes = file_bytes(newest, &len);
    if (newest_index != model.last - 1) file_put(misnamed, bytes, len);
    bytes[len - 1] ^= 1;
    file_put(newest, bytes, len);
    log_model_stop(&model, false);
    log_model_start(&model);
    assert_snapshot(&model, 1);
    assert_false(partition_log_snapshot(model.log, &index, &slice)); /* it was given away */
    /* An applier that has nothing to tell gives nothing, and nothing is written. */
    applier = (struct applier){.model = &model, .silent = true};
    partition_log_on_seal(model.log, 64 << 20, applier_wanted, &applier);
    for (int i = 0; i < 20; i++)
        log_model_append(&model, 8);
    log_model_commit(&model, model.last);
    log_model_stop(&model, true);
    assert_true(applier.asked > 0);
    assert_in_range(file_names(group, ".snapshot", names, 16), 2, 3);
    mem_free(bytes);
    mem_free(newest);
    mem_free(misnamed);
    mem_free(group);
    log_model_close(&model);
}

static void set_true(void *arg) {
    *(bool *)arg = true;
}

/* A state takes its time: it is not asked for again meanwhile, a flush waits for it, and a log that
 * is closed before goes without. */
static void test_reading_late_snapshots(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 38);
    log_model_start(&model);
    struct applier applier = {.model = &model, .late = true};
    partition_log_on_seal(model.log, 64 << 20, applier_wanted, &applier);
    log_model_vote(&model, 1, 1);
    for (int i = 0; i < 60; i++) {
        log_model_append(&model, 4);
        log_model_commit(&model, model.last);
        if (i % 6 == 0) log_model_settle(&model);
    }
    assert_int_equal(applier.asked, 1);
    uint64_t index = model.commit;
    applier_keep(&applier, index);
    log_model_settle(&model);
    log_model_stop(&model, false);
    log_model_start(&model);
    assert_snapshot(&model, index);

    unsigned before = applier.asked;
    partition_log_on_seal(model.log, 64 << 20, applier_wanted, &applier);
    for (int i = 0; applier.asked == before; i++) {
        log_model_append(&model, 4);
        log_model_commit(&model, model.last);
        if (i % 6 == 0) log_model_settle(&model);
    }
    assert_int_equal(applier.asked, before + 1);
    bool flushed = false;
    log_store_flush(model.store, set_true, &flushed);
    run_for(&model, 200 * 1000);
    assert_false(flushed);
    unsigned given = before;
    while (!flushed) { /* on a slow disk segments end behind the first state */
        if (applier.asked > given) {
            given = applier.asked;
            applier_keep(&applier, model.commit);
        }
        run_for(&model, 5000);
    }
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* Where segments are large, and a log alone writes too little to be asked, it is asked all the same
 * as soon as too much lies behind the states of all; also behind a start without a state. What lies
 * there counts until a state is on the disk: whoever has none to give is asked again. */
static void test_reading_snapshots_of_all(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 39);
    model.options.segment_bytes = 64 << 20;
    model.value_max = 4000;
    log_model_start(&model);
    uint64_t most = model.options.journal_max_bytes / 2, wrote = 0;
    struct applier silent = {.model = &model, .silent = true}, applier = {.model = &model};
    log_model_vote(&model, 1, 1);
    for (int restarts = 0; restarts < 2; restarts++) {
        struct applier *asked = restarts == 0 ? &silent : &applier;
        partition_log_on_seal(model.log, 64 << 20, applier_wanted, asked);
        for (wrote = 0; wrote < 3 * most; wrote = model.store->counts.written_bytes) {
            log_model_append(&model, 8);
            log_model_commit(&model, model.last);
            log_model_settle(&model);
            log_model_write_behind(&model);
        }
        if (asked->silent) {
            assert_int_equal(applier_snapshot_unsaved(model.log), wrote);
            assert_in_range(asked->asked, 3, 1 + wrote / (model.options.journal_max_bytes / 16));
        } else {
            assert_in_range(asked->asked, 2, wrote / most + 1);
        }
        assert_int_equal(model.store->unsaved_bytes, applier_snapshot_unsaved(model.log));
        log_model_stop(&model, false);
        log_model_start(&model);
        assert_int_equal(model.store->unsaved_bytes, applier_snapshot_unsaved(model.log));
        if (restarts == 0) assert_true(applier_snapshot_unsaved(model.log) > most);
    }
    assert_snapshot(&model, 1);
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* What OffsetForLeaderEpoch needs: an epoch ends where the next one begins. */
static void test_reading_epochs(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 35);
    log_model_start(&model);
    int64_t ends[10] = {0};
    for (uint32_t term = 2; term < 10; term += 2) {
        log_model_vote(&model, term, 1);
        log_model_append(&model, 5);
        ends[term] = model.end_offset;
    }
    log_model_commit(&model, model.last - 7);
    log_model_stop(&model, true);
    struct error_text why;
    assert_true(log_model_try_start(&model, &why));
    uint32_t found = 0;
    assert_int_equal(partition_log_epoch_end(model.log, 1, &found), 0); /* where the first begins */
    assert_int_equal(found, 1);
    assert_int_equal(partition_log_epoch_end(model.log, 9, &found), -1);
    for (uint32_t term = 2; term < 9; term++) {
        assert_int_equal(partition_log_epoch_end(model.log, term, &found), ends[term / 2 * 2]);
        assert_int_equal(found, term / 2 * 2);
    }
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* A large state is not kept again before as much log is behind it, however often segments end; a
 * flush keeps it in any case. */
static void test_reading_large_snapshots(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 37);
    log_model_start(&model);
    struct applier small = {.model = &model}, large = {.model = &model, .large = 64 << 20};
    struct applier *appliers[] = {&small, &large};
    log_model_vote(&model, 1, 1);
    for (size_t i = 0; i < 2; i++) {
        partition_log_on_seal(model.log, 64 << 20, applier_wanted, appliers[i]);
        for (int n = 0; n < 60; n++) {
            log_model_append(&model, 4);
            log_model_commit(&model, model.last);
            log_model_settle(&model); /* so that the disk's pace is no matter */
            log_model_write_behind(&model);
        }
    }
    assert_true(small.asked > 2);
    assert_int_equal(large.asked, 1);
    log_model_stop(&model, true);
    assert_true(large.asked > 1);
    log_model_close(&model);
}

/* An entry of a peer that has fewer records than its header says: a fetch of those that are not
 * there is an error, and ends. */
static void test_reading_promised_records(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 36);
    log_model_start(&model);
    struct entry *sound = entry_of_batches(&model.dice, LOG_MODEL_GROUP, 1, 1, 0, 2, 5,
                                           model.value_max, 1000);
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = sound->batches,
                              .records = sound->records + 1,
                              .max_timestamp = sound->max_timestamp};
    assert_int_equal(entry_raw(sound, NULL, false, &spec.raw), 0);
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, LOG_MODEL_GROUP, 1, 1);
    partition_log_append(model.log, &entry, 1);
    struct partition_log_fetch fetch;
    log_model_fetch(&model, sound->records, entry->records, 1 << 20, &fetch);
    assert_int_equal(model.error, ERR_CORRUPT);
    log_model_fetch(&model, 0, entry->records, 1 << 20, &fetch);
    assert_int_equal(model.error, 0);
    assert_int_equal(fetch.bytes, entry->raw_len);
    partition_log_fetch_release(&fetch);
    entry_unref(entry);
    entry_unref(sound);
    partition_log_close(model.log);
    log_store_close(model.store);
    folder_run_out(&model.folder);
    log_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_cancelled),
        cmocka_unit_test(test_reading_out_of_range),
        cmocka_unit_test(test_reading_many_files),
        cmocka_unit_test(test_reading_in_pieces_reads_once),
        cmocka_unit_test(test_reading_last_entry_is_zeros),
        cmocka_unit_test(test_reading_snapshots),
        cmocka_unit_test(test_reading_large_snapshots),
        cmocka_unit_test(test_reading_late_snapshots),
        cmocka_unit_test(test_reading_snapshots_of_all),
        cmocka_unit_test(test_reading_epochs),
        cmocka_unit_test(test_reading_promised_records),
        cmocka_unit_test(test_reading_waits_for_an_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
