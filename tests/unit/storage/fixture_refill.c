/* Two replicas of a log of which one has to write a segment again: what theirs gives, what ours
 * must have. */
#include "tests/unit/storage/fixture_refill.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "protocol/record/record_walk.h"
#include "storage/heal/range_source.h"
#include "tests/unit/unit.h"

enum { AT_ONCE = 3 };

/* ---- What they have ---- */

static void on_given(void *arg, int error, struct entry *const *entries, size_t count) {
    struct refill_test *test = arg;
    for (size_t i = 0; i < count; i++)
        test->given[test->count++] = entry_ref(entries[i]);
    test->error = error;
    test->came = true;
}

static void forget_given(struct refill_test *test) {
    while (test->count > 0)
        entry_unref(test->given[--test->count]);
    test->at = 0;
}

void refill_take_range(struct refill_test *test, log_index first, log_index last) {
    bool later;
    forget_given(test);
    struct partition_log *log = test->theirs.model.log;
    struct range_source *source = partition_log_give_range(log, first, last, &later);
    assert_non_null(source);
    assert_false(later);
    do {
        test->came = false;
        range_source_next(source, 2000, on_given, test);
        while (!test->came)
            log_model_run(&test->theirs.model);
    } while (test->error == ERR_NONE);
    assert_int_equal(test->error, ERR_EOF);
    partition_log_take_range_back(log, source);
    for (size_t i = 0; i < test->count; i++)
        assert_in_range(test->given[i]->index, first, last);
}

/* ---- Ours ---- */

void refill_flip(struct refill_test *test, const char *suffix, kafka_offset base, off_t at) {
    char path[300], *group = log_model_group_path(&test->ours.model);
    uint8_t byte;
    snprintf(path, sizeof path, "%s/%020" PRId64 "%s", group, base, suffix);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x20;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    mem_free(group);
}

/* ---- What must be there ---- */

struct found {
    uint32_t value[64];
    bool there[64];
};

static void take_records(const struct keyed_log *keyed, const struct record_batch *batch,
                         struct found *found) {
    struct record_iterator records;
    struct record record;
    assert_int_equal(record_batch_check_crc(batch), 0);
    assert_int_equal(record_iterator_open(&records, batch, 1 << 20), 0);
    while (record_iterator_next(&records, &record) == 0) {
        const struct keyed_record *of = &keyed->records[record.offset];
        if (of->key < 0) continue;
        found->there[of->key] = record.value_len >= 0;
        if (record.value_len >= 4) memcpy(&found->value[of->key], record.value, 4);
    }
    record_iterator_close(&records);
}

void refill_check(struct refill_test *test) {
    struct keyed_log *keyed = &test->ours;
    struct found found = {0};
    int64_t end = log_model_watermark(&keyed->model);
    for (int64_t at = keyed->model.log->start_offset; at < end;) {
        struct partition_log_fetch fetch;
        log_model_fetch(&keyed->model, at, end, 4000, &fetch);
        assert_int_equal(keyed->model.error, 0);
        for (size_t i = 0; i < fetch.count; i++) {
            size_t place = 0;
            struct record_batch batch;
            while (record_batch_next(fetch.slices[i].data, fetch.slices[i].len, &place, &batch,
                                     NULL) == 0)
                take_records(keyed, &batch, &found);
        }
        assert_true(fetch.next_offset > at);
        at = fetch.next_offset;
        partition_log_fetch_release(&fetch);
    }
    for (int key = 0; key < keyed->keys; key++) {
        int64_t last = end - 1;
        while (last >= 0 && keyed->records[last].key != key)
            last--;
        bool there = last >= 0 && !keyed->records[last].tombstone;
        assert_int_equal(found.there[key], there);
        if (there) assert_int_equal(found.value[key], keyed->records[last].value);
    }
}

void refill_set_up(struct refill_test *test, uint64_t seed) {
    memset(test, 0, sizeof *test);
    keyed_log_open(&test->ours, seed, MANY_KEYS);
    keyed_log_open(&test->theirs, seed, MANY_KEYS);
    keyed_log_fill(&test->ours, 10);
    keyed_log_fill(&test->theirs, 10);
    assert_int_equal(test->ours.model.last, test->theirs.model.last);
    test->gives = true;
}

void refill_tear_down(struct refill_test *test) {
    forget_given(test);
    log_model_stop(&test->ours.model, false);
    log_model_stop(&test->theirs.model, false);
    keyed_log_close(&test->ours);
    keyed_log_close(&test->theirs);
}

void refill_assert_whole(struct refill_test *test) {
    assert_false(partition_log_is_damaged(test->ours.model.log));
    refill_check(test);
    log_model_stop(&test->ours.model, false);
    log_model_start(&test->ours.model);
    refill_check(test);
    keyed_log_clean(&test->ours);
    refill_check(test);
}

/* ---- A log that cannot be opened ---- */

static void wound_lacks(void *arg, log_index index) {
    (void)index;
    wound_mending_give_up(((struct refill_test *)arg)->mending);
}

static void wound_lacks_range(void *arg, log_index first, log_index last, bool begins) {
    struct refill_test *test = arg;
    if (begins) refill_take_range(test, first, last);
    size_t left = test->count - test->at, count = left < AT_ONCE ? left : AT_ONCE;
    test->at += count;
    wound_mending_give_range(test->mending, test->given + test->at - count, count,
                             test->at == test->count);
}

void refill_wound_done(void *arg, int error, uint64_t entries) {
    struct refill_test *test = arg;
    test->over = true;
    test->error = error;
    test->entries = entries;
}

struct wound refill_fail_to_open(struct refill_test *test) {
    struct log_model *model = &test->ours.model;
    struct log_store *store;
    struct partition_log *log;
    struct error_text why;
    struct wound wound;
    char path[96];
    snprintf(path, sizeof path, "%s/shard-0", model->folder.path);
    assert_int_equal(
        log_store_open(model->folder.env, &model->folder.log, path, &model->options, &store, &why),
        0);
    static const struct partition_log_events events = {0};
    assert_int_equal(
        partition_log_open(store, LOG_MODEL_GROUP, "orders-3", &events, NULL, &log, &why),
        ERR_CORRUPT);
    assert_true(log_store_take_wound(store, &wound));
    log_store_close(store);
    folder_run_out(&model->folder);
    return wound;
}

const struct wound_mending_events refill_wound_events = {wound_lacks, wound_lacks_range,
                                                         refill_wound_done};
