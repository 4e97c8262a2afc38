/* A log that cannot be opened, in which only this replica still counts what is damaged: it begins
 * later, whatever a power cut leaves of that. */
#include "storage/heal/later_start.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/log/log_internal.h"
#include "storage/state/state_files.h"
#include "tests/unit/storage/fixture_refill.h"
#include "tests/unit/unit.h"

/* What a power cut leaves, step by step. */
enum cut {
    CUT_BEFORE,
    CUT_IN_STATE,
    CUT_BETWEEN_STATES,
    CUT_BEHIND_STATES,
    CUT_IN_START,
    CUT_BEHIND_START,
    CUT_IN_REFILL,
    CUTS
};

static void leave(struct refill_test *test, const char *name) {
    char path[300], *group = log_model_group_path(&test->ours.model);
    snprintf(path, sizeof path, "%s/%s", group, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_int_equal(write(fd, "torn", 4), 4);
    close(fd);
    mem_free(group);
}

static void remove_all(struct refill_test *test, const char *names) {
    char command[400], *group = log_model_group_path(&test->ours.model);
    snprintf(command, sizeof command, "rm -f %s/%s", group, names);
    assert_int_equal(system(command), 0);
    mem_free(group);
}

static void on_later(void *arg, int error) {
    refill_wound_done(arg, error, 0);
}

static void until_over(struct refill_test *test) {
    test->over = false;
    while (!test->over)
        log_model_run(&test->ours.model);
}

static struct slice their_state(const struct refill_test *test) {
    log_index index = test->theirs.model.log->kept_index;
    return slice_copy(NULL, (uint8_t *)&index, sizeof index);
}

/* The log cannot be opened without a state, so it is there twice. */
static void assert_state_is_there_twice(const struct refill_test *test, const struct wound *wound) {
    const struct state_limits limits = {.committed = wound->later.committed,
                                        .last = wound->later.last};
    struct env *env = test->ours.model.folder.env;
    struct slice found;
    log_index index;
    bool durable;
    assert_true(state_files_find(env, wound->group_path, LOG_MODEL_GROUP, &limits, &index, &found));
    slice_unref(&found);
    char *copy = path_of_snapshot_copy(wound->group_path, index);
    assert_int_equal(state_file_read(env, copy, LOG_MODEL_GROUP, index, &durable, &found),
                     ERR_NONE);
    slice_unref(&found);
    mem_free(copy);
}

/* `place` is kept. Returns whether a state had to be given. */
static bool begin_later(struct refill_test *test, const struct start_file *place) {
    struct wound wound = refill_fail_to_open(test);
    const struct partition_log *theirs = test->theirs.model.log;
    struct start_file taken = *place;
    struct slice given = their_state(test);
    assert_false(wound.refill);
    assert_true(later_start_fits(&wound.later, place));
    assert_true(later_start_wants(&wound.later, theirs->kept_index,
                                  partition_log_term_at(theirs, theirs->kept_index)));
    taken.change = slice_ref(place->change);
    struct later_start *later = later_start_begin(test->ours.model.folder.env, wound.group_path,
                                                  LOG_MODEL_GROUP, &wound.later, &taken, on_later,
                                                  test);
    until_over(test);
    bool lacked = test->error == ERR_AGAIN;
    if (lacked) later_start_give(later, theirs->kept_index, &given);
    if (lacked) until_over(test);
    assert_int_equal(test->error, ERR_NONE);
    assert_state_is_there_twice(test, &wound);
    slice_unref(&given);
    later_start_free(later);
    mem_free(wound.group_path);
    return lacked;
}

static void refill_closed(struct refill_test *test) {
    struct wound wound = refill_fail_to_open(test);
    assert_true(wound.refill);
    test->mending = wound_mending_begin(test->ours.model.folder.env, &wound, &refill_wound_events,
                                        test);
    until_over(test);
    assert_int_equal(test->error, ERR_NONE);
}

static void cut_at(struct refill_test *test, enum cut cut, const struct start_file *place,
                   kafka_offset base) {
    char *group = log_model_group_path(&test->ours.model), name[40];
    struct slice state = their_state(test);
    if (cut == CUT_IN_STATE) leave(test, "snapshot.tmp");
    if (cut >= CUT_BETWEEN_STATES)
        assert_int_equal(state_files_write(test->ours.model.folder.env, group, LOG_MODEL_GROUP,
                                           test->theirs.model.log->kept_index, &state, 1, state.len,
                                           cut > CUT_BETWEEN_STATES),
                         0);
    if (cut == CUT_IN_START) leave(test, "start.new");
    if (cut >= CUT_BEHIND_START) assert_false(begin_later(test, place));
    snprintf(name, sizeof name, "%020" PRId64 ".clean", base);
    if (cut == CUT_IN_REFILL) leave(test, name);
    slice_unref(&state);
    mem_free(group);
}

/* Where theirs begins; or in the midst of a segment of ours. */
static struct start_file a_place(const struct refill_test *test, bool within) {
    struct start_file place = *partition_log_place(test->theirs.model.log);
    if (!within || place.change_index + 2 > place.index) return place;
    const struct entry *entry = test->ours.model.entries[place.index - 3];
    place.index = entry->index;
    place.term = entry->term;
    place.next_offset = entry->base_offset + entry->records;
    return place;
}

/* Whatever a power cut left: it begins where theirs does, and has all that must be there. */
static void test_later_start(void **state) {
    (void)state;
    static struct refill_test test;
    for (int i = 0; i < 4 * CUTS; i++) {
        enum cut cut = i / 4;
        bool within = i % 2, own_state = i / 2 % 2;
        refill_set_up(&test, 80 + (uint64_t)i);
        keyed_log_clean(&test.theirs);
        struct partition_log *log = test.ours.model.log;
        struct start_file place = a_place(&test, within);
        const struct segment *segment = log->segments[1];
        kafka_offset base = segment->header.base_offset;
        assert_true(segment->end.last_index < place.index && place.index < log->synced);
        log_index last = log->last_index;
        log_model_stop(&test.ours.model, true);
        refill_flip(&test, ".log", base, SEGMENT_HEADER_SIZE + 5);
        refill_flip(&test, ".index", base, 20);
        refill_flip(&test, ".index", base, SEGMENT_HEADER_SIZE + 8);
        if (!own_state) remove_all(&test, "*.snapshot");
        if (!own_state) remove_all(&test, "*.copy");
        cut_at(&test, cut, &place, base);
        if (cut < CUT_BEHIND_START)
            assert_int_equal(begin_later(&test, &place), !own_state && cut < CUT_BETWEEN_STATES);
        refill_closed(&test);
        log_model_start(&test.ours.model);
        log = test.ours.model.log;
        assert_int_equal(log->first_index, place.index + 1);
        assert_int_equal(log->last_index, last);
        refill_check(&test);
        refill_assert_whole(&test);
        refill_tear_down(&test);
    }
}

/* Neither in front of the damaged segment's end, nor where this log ends; no state of what is not
 * known to be committed, or may be another entry. */
static void test_of_no_later_start(void **state) {
    (void)state;
    struct entry entries[12], *list[12];
    for (size_t i = 0; i < 12; i++) {
        entries[i] = (struct entry){.index = 21 + i, .term = i < 3 ? 4 : 5 + (log_term)i};
        list[i] = &entries[i];
    }
    struct later_limits limits = later_limits_of(10, 20, 21, list, 12);
    struct start_file place = {.term = 3, .next_offset = 9};
    for (place.index = 1; place.index < 40; place.index++)
        assert_int_equal(later_start_fits(&limits, &place), place.index >= 10 && place.index < 20);
    place.index = 12;
    place.change_index = 13;
    assert_false(later_start_fits(&limits, &place));
    assert_true(later_start_wants(&limits, 20, 1));
    assert_true(later_start_wants(&limits, 21, 1));
    assert_true(later_start_wants(&limits, 23, 4));
    assert_false(later_start_wants(&limits, 23, 5));
    assert_true(later_start_wants(&limits, 24, 8));
    assert_false(later_start_wants(&limits, 24, 4));
    assert_true(later_start_wants(&limits, 30, 14));
    assert_false(later_start_wants(&limits, 31, 15)); /* too many terms to know that of it */
    limits = later_limits_of(0, 20, 21, list, 12);
    place.change_index = 0;
    assert_false(later_start_fits(&limits, &place));
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_later_start),
                                              cmocka_unit_test(test_of_no_later_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
