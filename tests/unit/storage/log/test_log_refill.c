/* A damaged segment of which nobody has the same bytes any more is written again with what another
 * replica has of its entries: cleaned or not, here and there. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/record/record_walk.h"
#include "storage/heal/range_source.h"
#include "storage/heal/wound.h"
#include "storage/log/log_healing.h"
#include "tests/unit/storage/fixture_keyed_log.h"
#include "tests/unit/unit.h"

enum { MANY_KEYS = 100000, ENTRIES_MOST = 4096, AT_ONCE = 3 };

/* Two replicas of one log, and what `theirs` gives. */
struct refill_test {
    struct keyed_log ours, theirs;
    struct log_healing healing;
    struct wound_mending *mending;
    struct entry *given[ENTRIES_MOST];
    size_t count, at;
    bool came, over, gives, breaks_off, knows_little;
    unsigned states; /* were lacking */
    int error;
    uint64_t entries;
    unsigned begun;
};

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

static void take_range(struct refill_test *test, log_index first, log_index last) {
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

static void lacks(struct log_healing *healing, const struct log_lack *lack) {
    struct refill_test *test = CONTAINER_OF(healing, struct refill_test, healing);
    if (lack->state) {
        test->states++;
        assert_true(lack->last > test->ours.model.log->copied_index);
        if (test->knows_little)
            log_healing_give_up(healing);
        else
            log_healing_applied(healing);
        return;
    }
    if (lack->last == 0 || !test->gives) { /* nobody has that entry any more */
        log_healing_give_up(healing);
        return;
    }
    if (lack->begins) {
        test->begun++;
        take_range(test, lack->index, lack->last);
    }
    if (test->breaks_off && test->at > 0) {
        test->breaks_off = false;
        log_healing_range_again(healing);
        return;
    }
    size_t left = test->count - test->at, count = left < AT_ONCE ? left : AT_ONCE;
    test->at += count;
    log_healing_give_range(healing, test->given + test->at - count, count, test->at == test->count);
}

static void done(struct log_healing *healing, int error) {
    struct refill_test *test = CONTAINER_OF(healing, struct refill_test, healing);
    test->over = true;
    test->error = error;
}

static void heal_once(struct refill_test *test, bool all) {
    struct log_healing_options options = {
        .all = all, .bytes_per_second = UINT64_MAX, .bytes = UINT64_MAX};
    test->healing.lacks = lacks;
    test->healing.done = done;
    test->over = false;
    assert_int_equal(log_healing_begin(test->ours.model.log, &options, &test->healing), 0);
    while (!test->over)
        log_model_run(&test->ours.model);
    assert_int_equal(test->error, 0);
}

/* The scrub, and a round for what it has found. */
static void heal(struct refill_test *test) {
    heal_once(test, true);
    assert_true(partition_log_is_damaged(test->ours.model.log));
    heal_once(test, false);
}

static void flip(struct refill_test *test, const char *suffix, kafka_offset base, off_t at) {
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

/* A sealed one in the middle, with an entry in it. */
static struct segment *middle(struct refill_test *test) {
    struct partition_log *log = test->ours.model.log;
    for (size_t i = log->segment_count / 2; i + 2 < log->segment_count; i++)
        if (log->segments[i]->end.position > SEGMENT_HEADER_SIZE + 100) return log->segments[i];
    return log->segments[0];
}

static kafka_offset first_cleaned(struct refill_test *test) {
    struct partition_log *log = test->ours.model.log;
    size_t i = 0;
    while (!segment_is_cleaned(&log->segments[i]->header) ||
           log->segments[i]->end.position < SEGMENT_HEADER_SIZE + 100)
        i++;
    return log->segments[i]->header.base_offset;
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

/* Whoever reads all of it has the last value of each key, and of no other. */
static void check(struct refill_test *test) {
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

static void set_up(struct refill_test *test, uint64_t seed) {
    memset(test, 0, sizeof *test);
    keyed_log_open(&test->ours, seed, MANY_KEYS);
    keyed_log_open(&test->theirs, seed, MANY_KEYS);
    keyed_log_fill(&test->ours, 10);
    keyed_log_fill(&test->theirs, 10);
    assert_int_equal(test->ours.model.last, test->theirs.model.last);
    test->gives = true;
}

static void tear_down(struct refill_test *test) {
    forget_given(test);
    log_model_stop(&test->ours.model, false);
    log_model_stop(&test->theirs.model, false);
    keyed_log_close(&test->ours);
    keyed_log_close(&test->theirs);
}

static void assert_whole(struct refill_test *test) {
    assert_false(partition_log_is_damaged(test->ours.model.log));
    check(test);
    log_model_stop(&test->ours.model, false);
    log_model_start(&test->ours.model);
    check(test);
    keyed_log_clean(&test->ours);
    check(test);
}

/* ---- Tests ---- */

/* Cleaned here, there, or on both sides; the giver may be gone in the middle of it. */
static void test_refilled(void **state) {
    (void)state;
    static struct refill_test test;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        bool ours = seed % 3 != 0, theirs = seed % 3 != 1;
        set_up(&test, seed);
        if (ours) keyed_log_clean(&test.ours);
        if (theirs) keyed_log_clean(&test.theirs);
        test.breaks_off = seed % 2;
        struct segment *segment = middle(&test);
        log_index last = segment->end.last_index;
        flip(&test, ".log", segment->header.base_offset, SEGMENT_HEADER_SIZE + 5);
        kafka_offset clean_to = log_clean_to(test.ours.model.log);
        heal(&test);
        assert_true(test.begun >= 1);
        assert_true(test.healing.mended_places >= 1);
        assert_true(partition_log_first_index(test.ours.model.log) > last);
        assert_true(log_clean_to(test.ours.model.log) <= clean_to);
        assert_whole(&test);
        tear_down(&test);
    }
}

/* What is damaged is not said to be clean: no tombstone goes meanwhile that deletes what may come
 * back with it. */
static void test_not_clean_meanwhile(void **state) {
    (void)state;
    static struct refill_test test;
    set_up(&test, 20);
    keyed_log_clean(&test.ours);
    struct segment *segment = middle(&test);
    kafka_offset base = segment->header.base_offset;
    assert_true(log_clean_to(test.ours.model.log) > base);
    flip(&test, ".log", base, SEGMENT_HEADER_SIZE + 5);
    test.gives = false;
    heal(&test);
    assert_true(partition_log_is_damaged(test.ours.model.log));
    assert_true(log_clean_to(test.ours.model.log) <= base);
    tear_down(&test);
}

/* Nobody has it: it stays as it is, and another round may come. A closed log ends one. */
static void test_given_up(void **state) {
    (void)state;
    static struct refill_test test;
    set_up(&test, 30);
    keyed_log_clean(&test.ours);
    keyed_log_clean(&test.theirs);
    flip(&test, ".log", middle(&test)->header.base_offset, SEGMENT_HEADER_SIZE + 5);
    test.gives = false;
    heal(&test);
    assert_true(partition_log_is_damaged(test.ours.model.log));
    test.gives = true;
    while (paced_removal_waits_in(&test.ours.model.store->removals, test.ours.model.log->path))
        log_model_run(&test.ours.model); /* what was not finished goes first */
    heal_once(&test, false);
    assert_whole(&test);
    tear_down(&test);
}

/* The appliers cannot come as far as the segment's end, because they would have to read it: nobody
 * is asked for it, nothing is waited for, and nothing counts as gone. */
static void test_appliers_know_too_little(void **state) {
    (void)state;
    static struct refill_test test;
    set_up(&test, 60);
    keyed_log_clean(&test.theirs);
    struct partition_log *log = test.ours.model.log;
    flip(&test, ".log", middle(&test)->header.base_offset, SEGMENT_HEADER_SIZE + 5);
    log->kept_index = log->copied_index = 0; /* as behind a start with an older one */
    test.knows_little = true;
    heal(&test);
    assert_int_equal(test.states, 1);
    assert_int_equal(test.begun, 0);
    assert_true(partition_log_is_damaged(log));
    assert_int_equal(partition_log_first_index(log), 1);
    test.knows_little = false;
    while (paced_removal_waits_in(&test.ours.model.store->removals, log->path))
        log_model_run(&test.ours.model);
    heal_once(&test, false);
    assert_int_equal(test.states, 2);
    assert_whole(&test);
    tear_down(&test);
}

/* ---- A log that cannot be opened ---- */

static void wound_lacks(void *arg, log_index index) {
    (void)index;
    wound_mending_give_up(((struct refill_test *)arg)->mending);
}

static void wound_lacks_range(void *arg, log_index first, log_index last, bool begins) {
    struct refill_test *test = arg;
    if (begins) take_range(test, first, last);
    size_t left = test->count - test->at, count = left < AT_ONCE ? left : AT_ONCE;
    test->at += count;
    wound_mending_give_range(test->mending, test->given + test->at - count, count,
                             test->at == test->count);
}

static void wound_done(void *arg, int error, uint64_t entries) {
    struct refill_test *test = arg;
    test->over = true;
    test->error = error;
    test->entries = entries;
}

/* What an opening that fails has noted. */
static struct wound fail_to_open(struct refill_test *test) {
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

/* Neither header nor index, or neither index nor an entry's header, can be read. */
static void test_closed(void **state) {
    (void)state;
    static const struct wound_mending_events events = {wound_lacks, wound_lacks_range, wound_done};
    static struct refill_test test;
    for (int i = 0; i < 6; i++) {
        set_up(&test, 40 + (uint64_t)i);
        keyed_log_clean(&test.ours);
        keyed_log_append(&test.ours, 1, 300); /* what it is cleaned behind */
        keyed_log_append(&test.theirs, 1, 300);
        if (i % 2) keyed_log_clean(&test.theirs);
        kafka_offset base = first_cleaned(&test);
        log_model_stop(&test.ours.model, true);
        flip(&test, ".log", base, i < 3 ? 20 : SEGMENT_HEADER_SIZE + 5);
        flip(&test, ".index", base, 20);
        flip(&test, ".index", base, SEGMENT_HEADER_SIZE + 8);
        struct wound wound = fail_to_open(&test);
        assert_true(wound.refill);
        test.over = false;
        test.mending = wound_mending_begin(test.ours.model.folder.env, &wound, &events, &test);
        while (!test.over)
            log_model_run(&test.ours.model);
        assert_int_equal(test.error, 0);
        log_model_start(&test.ours.model);
        check(&test);
        tear_down(&test);
    }
}

/* Nothing is left in a segment, and its header is damaged: its index says it all the same, also
 * behind further cleanings; or, of one that was not written again behind the last of them, the next
 * segment does, and all of it is written again. */
static void test_header_of_nothing(void **state) {
    (void)state;
    static const struct wound_mending_events events = {wound_lacks, wound_lacks_range, wound_done};
    static struct refill_test test;
    for (int stale = 0; stale < 2; stale++) {
        memset(&test, 0, sizeof test);
        keyed_log_open(&test.ours, 70, MANY_KEYS);
        keyed_log_open(&test.theirs, 70, MANY_KEYS);
        char from[300], kept[320], *group = log_model_group_path(&test.ours.model);
        snprintf(from, sizeof from, "%s/%020d.index", group, 0);
        snprintf(kept, sizeof kept, "%s.kept", from);
        for (int i = 0; i < 3; i++) {
            keyed_log_append(&test.ours, 1, 300);
            keyed_log_append(&test.theirs, 1, 300);
            keyed_log_clean(&test.ours);
            if (stale && i == 0) assert_int_equal(link(from, kept), 0);
        }
        const struct segment *first = test.ours.model.log->segments[0];
        assert_int_equal(first->end.position, SEGMENT_HEADER_SIZE);
        log_model_stop(&test.ours.model, true);
        if (stale) assert_int_equal(rename(kept, from), 0);
        flip(&test, ".log", 0, 58);
        if (stale) {
            struct wound wound = fail_to_open(&test);
            test.mending = wound_mending_begin(test.ours.model.folder.env, &wound, &events, &test);
            while (!test.over)
                log_model_run(&test.ours.model);
            assert_int_equal(test.error, 0);
        }
        log_model_start(&test.ours.model);
        assert_int_equal(partition_log_is_damaged(test.ours.model.log), !stale);
        if (!stale) heal_once(&test, false);
        assert_false(partition_log_is_damaged(test.ours.model.log));
        check(&test);
        mem_free(group);
        tear_down(&test);
    }
}

/* ---- Files beside the segments ---- */

/* A bit of each: they are made again while the log is open, and a state is there twice, so that the
 * start does not miss one of them. */
static void test_beside(void **state) {
    (void)state;
    static struct refill_test test;
    char name[40], path[300];
    set_up(&test, 50);
    keyed_log_clean(&test.ours);
    struct partition_log *log = test.ours.model.log;
    char *group = log_model_group_path(&test.ours.model);
    flip(&test, ".index", middle(&test)->header.base_offset, SEGMENT_HEADER_SIZE + 8);
    assert_int_equal(log->copied_index, log->kept_index);
    flip(&test, ".snapshot", (kafka_offset)log->kept_index, 10);
    snprintf(path, sizeof path, "%s/start", group);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 30), 1);
    close(fd);
    assert_int_equal(start_file_check(test.ours.model.folder.env, group, LOG_MODEL_GROUP),
                     ERR_CORRUPT);
    heal_once(&test, true);
    while (log->saving > 0 || log->keeping) {
        log_model_keep(&test.ours.model);
        log_model_run(&test.ours.model);
    }
    assert_int_equal(start_file_check(test.ours.model.folder.env, group, LOG_MODEL_GROUP), 0);
    bool was_durable;
    struct slice bytes = {0};
    snprintf(name, sizeof name, "%020" PRIu64 ".snapshot", log->kept_index);
    snprintf(path, sizeof path, "%s/%s", group, name);
    assert_int_equal(applier_snapshot_read(test.ours.model.folder.env, path, LOG_MODEL_GROUP,
                                           log->kept_index, &was_durable, &bytes),
                     0);
    slice_unref(&bytes);
    log_index kept = log->kept_index;
    log_model_stop(&test.ours.model, true);
    flip(&test, ".snapshot", (kafka_offset)kept, 10);
    log_model_start(&test.ours.model);
    check(&test);
    mem_free(group);
    tear_down(&test);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refilled), cmocka_unit_test(test_not_clean_meanwhile),
        cmocka_unit_test(test_given_up), cmocka_unit_test(test_appliers_know_too_little),
        cmocka_unit_test(test_closed),   cmocka_unit_test(test_header_of_nothing),
        cmocka_unit_test(test_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
