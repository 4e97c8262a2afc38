/* The journal as its owners see it: what is durable when, and what comes back. */
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "tests/unit/storage/fixture_journal.h"

/* A journal that was just made knows nothing; after a clean end it opens again, also when it must
 * be there. */
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

/* Files of many megabytes, of which one is read after the other in pieces: rounds lie in two of
 * them, and one is larger than any. What is synced does not come back, wherever that is said. */
static void test_journal_large_files(void **state) {
    struct journal_fixture *fixture = *state;
    enum { ENTRIES = 50, LARGE = 21, SYNCED = 30 };
    static const size_t lens[] = {300 * 1000, 4096, 700 * 1000 + 1};
    fixture->options.file_bytes = 16 << 20;
    fixture->options.max_bytes = 256 << 20;
    journal_fixture_open(fixture);
    for (uint64_t index = 1; index <= ENTRIES; index++) {
        record_entry(fixture, 1, index, 1, index == LARGE ? 9 << 20 : lens[index % 3]);
        record_entry(fixture, 2, index, 1, 100);
        journal_fixture_flush(fixture);
        if (index == SYNCED + 5) journal_progress(fixture->journal, 1, SYNCED, 0, 4242);
    }
    for (int starts = 0; starts < 2; starts++) {
        journal_fixture_close(fixture);
        journal_fixture_open(fixture);
        const struct journal_group *group = journal_recovered(fixture->journal, 1);
        assert_int_equal(group->progress, SYNCED);
        assert_int_equal(group->entry_count, ENTRIES - SYNCED);
        for (uint64_t index = SYNCED + 1; index <= ENTRIES; index++)
            assert_entry(group->entries[index - SYNCED - 1], 1, index, 1, lens[index % 3]);
        group = journal_recovered(fixture->journal, 2);
        assert_int_equal(group->entry_count, ENTRIES);
        for (uint64_t index = 1; index <= ENTRIES; index++)
            assert_entry(group->entries[index - 1], 2, index, 1, 100);
    }
}

/* ---- Many who wait for one round ---- */

enum { WAITERS = 30, CANCELLED = 20, AGAIN = WAITERS, CLIENTS = 100 };

static struct crowd {
    struct journal_fixture *fixture;
    struct journal_waiter waiters[WAITERS];
    struct env_task other;                                      /* takes its turns beside them */
    struct env_task clients[CLIENTS];                           /* who do so, too, and with work */
    size_t told[WAITERS + 1], count, turns, client_turns, busy; /* busy: so many of the clients */
} crowd;

static void spin_us(uint64_t us) {
    uint64_t end_us = env_now_us(crowd.fixture->env) + us;
    while (env_now_us(crowd.fixture->env) < end_us) {}
}

static void take_turn(struct env_task *task) {
    if (++crowd.turns < 100000)
        env_yield(crowd.fixture->env, task); /* a test that has failed ends all the same */
}

static void client_works(struct env_task *task) {
    spin_us(1000);
    if (++crowd.client_turns < 100000) env_yield(crowd.fixture->env, task);
}

/* Not before: how long the disk takes is not what is counted. */
static void others_begin(void) {
    crowd.other.run = take_turn;
    env_yield(crowd.fixture->env, &crowd.other);
    for (size_t i = 0; i < crowd.busy; i++) {
        crowd.clients[i].run = client_works;
        env_yield(crowd.fixture->env, &crowd.clients[i]);
    }
}

static void others_end(void) {
    env_defer_cancel(crowd.fixture->env, &crowd.other);
    for (size_t i = 0; i < crowd.busy; i++)
        env_defer_cancel(crowd.fixture->env, &crowd.clients[i]);
}

static void told(struct journal_waiter *waiter) {
    size_t number = (size_t)(waiter - crowd.waiters);
    bool again = number == 0 && crowd.count > 0;
    if (crowd.count == 0) others_begin();
    crowd.told[crowd.count++] = again ? AGAIN : number;
    if (number == 0 && !again) journal_wait(crowd.fixture->journal, waiter);
    if (number == 1) journal_wait_cancel(crowd.fixture->journal, &crowd.waiters[CANCELLED]);
    if (again) env_uv_stop(crowd.fixture->env);
    spin_us(1000);
}

static void wait_in_a_crowd(struct journal_fixture *fixture, size_t busy) {
    memset(&crowd, 0, sizeof crowd);
    crowd.fixture = fixture;
    crowd.busy = busy;
    record_entry(fixture, 1, 1, 1, 100);
    for (size_t i = 0; i < WAITERS; i++) {
        crowd.waiters[i].durable = told;
        journal_wait(fixture->journal, &crowd.waiters[i]);
    }
}

/* When one round makes much durable, those who waited are told in their order, over several turns
 * of the loop, in which others run, too. Who is cancelled meanwhile is not told, who waits again is
 * told behind the others. */
static void test_journal_tells_over_turns(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    wait_in_a_crowd(fixture, 0);
    env_uv_run(fixture->env);
    others_end();
    assert_int_equal(crowd.count, WAITERS);
    for (size_t i = 0; i < CANCELLED; i++)
        assert_int_equal(crowd.told[i], i);
    for (size_t i = CANCELLED + 1; i < WAITERS; i++)
        assert_int_equal(crowd.told[i - 1], i);
    assert_int_equal(crowd.told[WAITERS - 1], AGAIN);
    assert_true(crowd.turns >= 5);
}

/* What clients want, however much it is, does not keep those waiting whose round is durable: votes
 * and answers to brokers are among them. */
static void test_journal_tells_beside_busy_clients(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    wait_in_a_crowd(fixture, CLIENTS);
    env_uv_run(fixture->env);
    others_end();
    assert_int_equal(crowd.count, WAITERS);
    assert_in_range(crowd.client_turns, 0, WAITERS * CLIENTS / 10);
}

static void stop_soon(void *arg) {
    env_uv_stop(arg);
}

/* A journal that is closed in the middle tells nobody any more. */
static void test_journal_closed_while_it_tells(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    wait_in_a_crowd(fixture, 0);
    struct env_timer *soon = env_timer_new(fixture->env, stop_soon, fixture->env);
    while (crowd.count == 0) {
        env_timer_start(soon, 0);
        env_uv_run(fixture->env);
    }
    assert_in_range(crowd.count, 1, WAITERS - 2);
    size_t before = crowd.count;
    others_end();
    env_timer_free(soon);
    journal_fixture_close(fixture);
    assert_int_equal(crowd.count, before);
}

int main(void) {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_empty),
        TEST(test_journal_everything_comes_back),
        TEST(test_journal_sizes),
        TEST(test_journal_large_files),
        TEST(test_journal_tells_over_turns),
        TEST(test_journal_tells_beside_busy_clients),
        TEST(test_journal_closed_while_it_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
