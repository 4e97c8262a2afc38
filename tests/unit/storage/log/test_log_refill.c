/* A damaged segment of which nobody has the same bytes any more is written again with what another
 * replica has of its entries: cleaned or not, here and there. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "storage/state/state_files.h"
#include "tests/unit/storage/fixture_refill.h"
#include "tests/unit/unit.h"

enum { AT_ONCE = 3 };

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
        refill_take_range(test, lack->index, lack->last);
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

/* ---- Tests ---- */

/* Cleaned here, there, or on both sides; the giver may be gone in the middle of it. */
static void test_refilled(void **state) {
    (void)state;
    static struct refill_test test;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        bool ours = seed % 3 != 0, theirs = seed % 3 != 1;
        refill_set_up(&test, seed);
        if (ours) keyed_log_clean(&test.ours);
        if (theirs) keyed_log_clean(&test.theirs);
        test.breaks_off = seed % 2;
        struct segment *segment = middle(&test);
        log_index last = segment->end.last_index;
        refill_flip(&test, ".log", segment->header.base_offset, SEGMENT_HEADER_SIZE + 5);
        kafka_offset clean_to = log_clean_to(test.ours.model.log);
        heal(&test);
        assert_true(test.begun >= 1);
        assert_true(test.healing.mended_places >= 1);
        assert_true(partition_log_first_index(test.ours.model.log) > last);
        assert_true(log_clean_to(test.ours.model.log) <= clean_to);
        refill_assert_whole(&test);
        refill_tear_down(&test);
    }
}

/* What is damaged is not said to be clean: no tombstone goes meanwhile that deletes what may come
 * back with it. */
static void test_not_clean_meanwhile(void **state) {
    (void)state;
    static struct refill_test test;
    refill_set_up(&test, 20);
    keyed_log_clean(&test.ours);
    struct segment *segment = middle(&test);
    kafka_offset base = segment->header.base_offset;
    assert_true(log_clean_to(test.ours.model.log) > base);
    refill_flip(&test, ".log", base, SEGMENT_HEADER_SIZE + 5);
    test.gives = false;
    heal(&test);
    assert_true(partition_log_is_damaged(test.ours.model.log));
    assert_true(log_clean_to(test.ours.model.log) <= base);
    refill_tear_down(&test);
}

/* Nobody has it: it stays as it is, and another round may come. A closed log ends one. */
static void test_given_up(void **state) {
    (void)state;
    static struct refill_test test;
    refill_set_up(&test, 30);
    keyed_log_clean(&test.ours);
    keyed_log_clean(&test.theirs);
    refill_flip(&test, ".log", middle(&test)->header.base_offset, SEGMENT_HEADER_SIZE + 5);
    test.gives = false;
    heal(&test);
    assert_true(partition_log_is_damaged(test.ours.model.log));
    test.gives = true;
    while (paced_removal_waits_in(&test.ours.model.store->removals, test.ours.model.log->path))
        log_model_run(&test.ours.model); /* what was not finished goes first */
    heal_once(&test, false);
    refill_assert_whole(&test);
    refill_tear_down(&test);
}

/* The appliers cannot come as far as the segment's end, because they would have to read it: nobody
 * is asked for it, nothing is waited for, and nothing counts as gone. */
static void test_appliers_know_too_little(void **state) {
    (void)state;
    static struct refill_test test;
    refill_set_up(&test, 60);
    keyed_log_clean(&test.theirs);
    struct partition_log *log = test.ours.model.log;
    refill_flip(&test, ".log", middle(&test)->header.base_offset, SEGMENT_HEADER_SIZE + 5);
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
    refill_assert_whole(&test);
    refill_tear_down(&test);
}

/* Where a configuration of the segment lies in its file; 0: it has none. */
static off_t change_at(const struct segment *segment) {
    uint8_t header[ENTRY_HEADER_SIZE];
    struct entry entry;
    uint32_t body_len;
    off_t at = SEGMENT_HEADER_SIZE, found = 0;
    char *path = segment_path(segment, SEGMENT_FILE_LOG);
    int fd = open(path, O_RDONLY);
    while (pread(fd, header, sizeof header, at) == sizeof header &&
           entry_decode_header(header, &entry, &body_len) == ERR_NONE) {
        if (entry.type == ENTRY_CHANGE) found = at;
        at += (off_t)sizeof header + body_len;
    }
    close(fd);
    mem_free(path);
    return found;
}

/* The configuration that is in force at the end of a segment is among what is damaged, and not
 * known to the log by a start. */
static void damage_configuration(struct refill_test *test) {
    keyed_log_clean(&test->theirs);
    struct partition_log *log = test->ours.model.log;
    size_t i = 0;
    while (change_at(log->segments[i]) == 0)
        i++;
    assert_true(i + 2 < log->segment_count);
    log->prefix.change_index = 0; /* as long behind a start */
    log_memory_forget(&log->memory, log->segments[i]->end.last_index);
    refill_flip(test, ".log", log->segments[i]->header.base_offset,
                change_at(log->segments[i]) + 5);
}

/* So `start` cannot say it: that is known at once, and nothing is waited for. */
static void test_configuration_is_damaged(void **state) {
    (void)state;
    static struct refill_test test;
    refill_set_up(&test, 70);
    damage_configuration(&test);
    struct partition_log *log = test.ours.model.log;
    uint64_t began_ms = env_now_ms(log->store->env);
    heal(&test);
    assert_int_equal(test.begun, 1);
    assert_true(env_now_ms(log->store->env) - began_ms < 5000);
    assert_true(partition_log_is_damaged(log));
    assert_int_equal(partition_log_first_index(log), 1);
    refill_tear_down(&test);
}

static void lacks_change(void *arg, log_index index) {
    const struct log_model *model = arg;
    partition_log_know_change(model->log, index, model->entries[index - 1]->body);
}

/* The owner knows it all the same: the segment is written again. */
static void test_configuration_is_told(void **state) {
    (void)state;
    static struct refill_test test;
    refill_set_up(&test, 70);
    damage_configuration(&test);
    test.ours.model.log->events.lacks_change = lacks_change;
    heal(&test);
    assert_int_equal(test.begun, 1);
    assert_true(partition_log_first_index(test.ours.model.log) > 1);
    refill_assert_whole(&test);
    refill_tear_down(&test);
}

/* ---- A log that cannot be opened ---- */

/* The one behind it, all of which counts as gone, too. */
static kafka_offset behind(struct refill_test *test, kafka_offset base) {
    const struct partition_log *log = test->ours.model.log;
    size_t i = 1;
    while (log->segments[i - 1]->header.base_offset != base)
        i++;
    assert_true(log->segments[i]->end.last_index < log->first_index);
    return log->segments[i]->header.base_offset;
}

/* Neither header nor index, or neither index nor an entry's header, can be read; or those of two
 * segments in a row, which become one. */
static void test_closed(void **state) {
    (void)state;
    static struct refill_test test;
    for (int i = 0; i < 9; i++) {
        refill_set_up(&test, 40 + (uint64_t)i);
        keyed_log_clean(&test.ours);
        keyed_log_append(&test.ours, 1, 300); /* what it is cleaned behind */
        keyed_log_append(&test.theirs, 1, 300);
        if (i % 2) keyed_log_clean(&test.theirs);
        kafka_offset base = first_cleaned(&test), next = i < 6 ? -1 : behind(&test, base);
        log_model_stop(&test.ours.model, true);
        refill_flip(&test, ".log", base, i < 3 || i >= 6 ? 20 : SEGMENT_HEADER_SIZE + 5);
        refill_flip(&test, ".index", base, 20);
        refill_flip(&test, ".index", base, SEGMENT_HEADER_SIZE + 8);
        if (next >= 0) refill_flip(&test, ".log", next, 20);
        if (next >= 0) refill_flip(&test, ".index", next, 20);
        struct wound wound = refill_fail_to_open(&test);
        assert_true(wound.refill);
        test.over = false;
        test.mending = wound_mending_begin(test.ours.model.folder.env, &wound, &refill_wound_events,
                                           &test);
        while (!test.over)
            log_model_run(&test.ours.model);
        assert_int_equal(test.error, 0);
        log_model_start(&test.ours.model);
        refill_check(&test);
        refill_tear_down(&test);
    }
}

/* Nothing is left in a segment, and its header is damaged: its index says it all the same, also
 * behind further cleanings; or, of one that was not written again behind the last of them, the next
 * segment does, and all of it is written again. */
static void test_header_of_nothing(void **state) {
    (void)state;
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
        refill_flip(&test, ".log", 0, 58);
        if (stale) {
            struct wound wound = refill_fail_to_open(&test);
            test.mending = wound_mending_begin(test.ours.model.folder.env, &wound,
                                               &refill_wound_events, &test);
            while (!test.over)
                log_model_run(&test.ours.model);
            assert_int_equal(test.error, 0);
        }
        log_model_start(&test.ours.model);
        assert_int_equal(partition_log_is_damaged(test.ours.model.log), !stale);
        if (!stale) heal_once(&test, false);
        assert_false(partition_log_is_damaged(test.ours.model.log));
        refill_check(&test);
        mem_free(group);
        refill_tear_down(&test);
    }
}

/* ---- Files beside the segments ---- */

/* And what is made again is there. */
static void scrub(struct refill_test *test) {
    const struct partition_log *log = test->ours.model.log;
    heal_once(test, true);
    while (log->saving > 0 || log->keeping) {
        if (log->keeping) log_model_keep(&test->ours.model);
        log_model_run(&test->ours.model);
    }
}

/* What reading the newest one says. */
static int read_state(struct refill_test *test, const char *kind) {
    const struct partition_log *log = test->ours.model.log;
    char path[300], *group = log_model_group_path(&test->ours.model);
    bool was_durable;
    struct slice bytes = {0};
    snprintf(path, sizeof path, "%s/%020" PRIu64 ".%s", group, log->kept_index, kind);
    int error = state_file_read(test->ours.model.folder.env, path, LOG_MODEL_GROUP, log->kept_index,
                                &was_durable, &bytes);
    slice_unref(&bytes);
    mem_free(group);
    return error;
}

/* A bit of each: they are made again while the log is open, and a state is there twice, so that the
 * start does not miss one of them. */
static void test_beside(void **state) {
    (void)state;
    static struct refill_test test;
    char path[300];
    refill_set_up(&test, 50);
    keyed_log_clean(&test.ours);
    struct partition_log *log = test.ours.model.log;
    char *group = log_model_group_path(&test.ours.model);
    refill_flip(&test, ".index", middle(&test)->header.base_offset, SEGMENT_HEADER_SIZE + 8);
    assert_int_equal(log->copied_index, log->kept_index);
    refill_flip(&test, ".snapshot", (kafka_offset)log->kept_index, 10);
    snprintf(path, sizeof path, "%s/start", group);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 30), 1);
    close(fd);
    assert_int_equal(start_file_check(test.ours.model.folder.env, group, LOG_MODEL_GROUP),
                     ERR_CORRUPT);
    scrub(&test);
    assert_int_equal(start_file_check(test.ours.model.folder.env, group, LOG_MODEL_GROUP), 0);
    assert_int_equal(read_state(&test, "snapshot"), 0);
    log_index kept = log->kept_index;
    log_model_stop(&test.ours.model, true);
    refill_flip(&test, ".snapshot", (kafka_offset)kept, 10);
    log_model_start(&test.ours.model);
    refill_check(&test);
    mem_free(group);
    refill_tear_down(&test);
}

/* Wherever in a state's file the bit is, also where that says which format it has. */
static void test_each_byte_of_a_state(void **state) {
    (void)state;
    static struct refill_test test;
    refill_set_up(&test, 50);
    keyed_log_clean(&test.ours);
    const struct partition_log *log = test.ours.model.log;
    for (off_t at = 0; at < STATE_HEAD_SIZE + 2; at++) {
        const char *kind = at % 2 ? "copy" : "snapshot", *suffix = at % 2 ? ".copy" : ".snapshot";
        refill_flip(&test, suffix, (kafka_offset)log->kept_index, at);
        assert_int_not_equal(read_state(&test, kind), 0);
        scrub(&test);
        assert_int_equal(read_state(&test, "snapshot"), 0);
        assert_int_equal(read_state(&test, "copy"), 0);
    }
    refill_check(&test);
    refill_tear_down(&test);
}

/* Whole, and of a format that is newer than this program: it is not removed. */
static void test_newer_format_of_a_state(void **state) {
    (void)state;
    static struct refill_test test;
    uint8_t head[STATE_HEAD_SIZE];
    refill_set_up(&test, 50);
    keyed_log_clean(&test.ours);
    const struct partition_log *log = test.ours.model.log;
    struct state_head fields = {.group = LOG_MODEL_GROUP, .index = log->kept_index};
    char path[300], *group = log_model_group_path(&test.ours.model);
    state_head_encode(&fields, head);
    head[4] = 99;
    state_head_seal(head, state_head_crc(head));
    snprintf(path, sizeof path, "%s/%020" PRIu64 ".copy", group, log->kept_index);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, head, sizeof head), sizeof head);
    close(fd);
    mem_free(group);
    scrub(&test);
    assert_int_equal(read_state(&test, "snapshot"), 0);
    assert_int_equal(read_state(&test, "copy"), ERR_VERSION);
    refill_tear_down(&test);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refilled),
        cmocka_unit_test(test_not_clean_meanwhile),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_appliers_know_too_little),
        cmocka_unit_test(test_configuration_is_damaged),
        cmocka_unit_test(test_configuration_is_told),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_header_of_nothing),
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_each_byte_of_a_state),
        cmocka_unit_test(test_newer_format_of_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
