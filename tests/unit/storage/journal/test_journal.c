/* The journal as its owners see it: what is durable when, and what comes back. */
#include <string.h>

#include "tests/unit/storage/fixture_journal.h"

/* A journal that was just made knows nothing; after a clean end it opens again, also when it must be there. */
static void test_journal_empty(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    assert_null(journal_recovered(fixture->journal, 1));
    journal_fixture_close(fixture);
    fixture->options.must_exist = true;
    journal_fixture_open(fixture);
    assert_null(journal_recovered(fixture->journal, 1));
}

/* Entries, hard states, commit, progress and mark come back as they were recorded. */
static void test_journal_everything_comes_back(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    for (uint64_t index = 1; index <= 20; index++)
        record_entry(fixture, 7, index, 3, index * 50);
    journal_hard_state(fixture->journal, 7, 4, 2);
    journal_hard_state(fixture->journal, 9, 1, 0);
    journal_commit(fixture->journal, 7, 15);
    journal_progress(fixture->journal, 7, 5, 100, 4242);
    journal_mark(fixture->journal, 77);
    journal_fixture_flush(fixture);
    assert_int_equal(journal_durable_mark(fixture->journal), 77);
    journal_fixture_close(fixture);

    journal_fixture_open(fixture);
    const struct journal_group *group = journal_recovered(fixture->journal, 7);
    assert_non_null(group);
    assert_int_equal(group->term, 4);
    assert_int_equal(group->voted_for, 2);
    assert_int_equal(group->commit, 15);
    assert_int_equal(group->progress, 5);
    assert_int_equal(group->progress_segment, 100);
    assert_int_equal(group->progress_position, 4242);
    assert_int_equal(group->entry_count, 15);
    for (size_t i = 0; i < group->entry_count; i++)
        assert_entry(group->entries[i], 7, 6 + i, 3, (6 + i) * 50);
    assert_int_equal(journal_recovered(fixture->journal, 9)->term, 1);
    assert_int_equal(journal_durable_mark(fixture->journal), 77);
    journal_recovered_release(fixture->journal, 7);
    assert_null(journal_recovered(fixture->journal, 7));
}

/* Impossible sizes become the nearest possible ones; others may be chosen at every start. */
static void test_journal_sizes(void **state) {
    struct journal_fixture *fixture = *state;
    static const uint64_t sizes[] = {0, 1, 100001, 1 << 20, 40000};
    uint64_t index = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fixture->options.file_bytes = fixture->options.max_bytes = sizes[i];
        journal_fixture_open(fixture);
        if (i > 0) assert_int_equal(journal_recovered(fixture->journal, 1)->entry_count, index);
        for (int n = 0; n < 10; n++)
            record_entry(fixture, 1, ++index, 1, 700);
        journal_fixture_flush(fixture);
        journal_fixture_close(fixture);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_empty),
        TEST(test_journal_everything_comes_back),
        TEST(test_journal_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
