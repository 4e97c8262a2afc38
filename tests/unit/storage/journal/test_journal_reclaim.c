/* Room in the journal: owners are asked, uncommitted entries are copied forward, a full journal
 * waits; and waiters. */
#include <stdio.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "storage/journal/journal_internal.h"
#include "storage/journal/journal_runs.h"
#include "tests/unit/storage/fixture_journal_image.h"
#include "tests/unit/storage/fixture_journal_model.h"

/* An owner that syncs when it is asked (or not), and counts. */
struct owner {
    struct model *model;
    bool lazy; /* does nothing */
    unsigned asked;
};

static void asked(void *arg, uint64_t group, uint64_t index) {
    struct owner *owner = arg;
    owner->asked++;
    if (!owner->lazy) model_sync(owner->model, group, index);
}

/* `count` entries of `len` bytes in a group, committed or not, each durable before the next. */
static void fill(struct model *model, uint64_t group, size_t count, uint32_t len, bool commit) {
    for (size_t i = 0; i < count; i++) {
        uint64_t index = model->groups[group - 1].last + 1;
        model_do(model, (struct model_op){MODEL_ENTRY, group, index, 1, len});
        if (commit) model_do(model, (struct model_op){MODEL_COMMIT, group, index, 0, 0});
        model_flush(model);
    }
}

static void open_with(struct journal_fixture *fixture, struct owner *owner, struct model **model) {
    *model = model_new(fixture, 1);
    *owner = (struct owner){.model = *model};
    journal_fixture_open(fixture);
    journal_on_pressure(fixture->journal, asked, owner);
}

static void reopen_and_compare(struct journal_fixture *fixture, struct model *model) {
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    model_compare(model, model->count);
}

static struct journal_stats stats_of(const struct journal_fixture *fixture) {
    struct journal_stats stats;
    journal_stats_get(fixture->journal, &stats);
    return stats;
}

/* While less than half of the limit is live, nobody is asked; a few small files are enough when
 * owners sync by themselves. */
static void test_journal_room_two_files_go_round(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    open_with(fixture, &owner, &model);
    for (int i = 0; i < 100; i++) {
        fill(model, 1, 5, 500, true);
        model_sync(model, 1, UINT64_MAX);
    }
    model_flush(model);
    struct journal_stats stats = stats_of(fixture);
    assert_int_equal(owner.asked, 0);
    assert_true(stats.files_made <= 4);
    assert_true(stats.files_reused > 20);
    assert_true(journal_live_bytes(fixture->journal) <= 2 * fixture->options.file_bytes);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* Owners that sync only when they are asked: the live part stays below three quarters, and nothing
 * waits. */
static void test_journal_room_owners_are_asked(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    fixture->options.max_bytes = 8 * fixture->options.file_bytes;
    open_with(fixture, &owner, &model);
    for (int i = 0; i < 40; i++) {
        for (uint64_t group = 1; group <= MODEL_GROUPS; group++)
            fill(model, group, 8, 900, true);
        assert_true(journal_live_bytes(fixture->journal) <= 6 * fixture->options.file_bytes);
    }
    assert_true(owner.asked > 10);
    assert_int_equal(stats_of(fixture).entries_copied_forward, 0);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* Where groups are few they are asked long before half of the limit is live: a start reads little.
 * With each group more may be, so that it is not asked for less than a sync is worth. */
static void test_journal_room_few_groups(void **state) {
    enum { MIB = 1 << 20, ROUND = 5, MORE = 60 };
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    uint64_t live;
    fixture->options.file_bytes = MIB;
    fixture->options.max_bytes = 64 * MIB;
    open_with(fixture, &owner, &model);
    for (int i = 0; i < 80; i++) {
        fill(model, 1, ROUND, 100000, true);
        assert_true(journal_live_bytes(fixture->journal) <= 11 * MIB);
    }
    assert_in_range(owner.asked, 20, 50);
    reopen_and_compare(fixture, model);
    journal_on_pressure(fixture->journal, asked, &owner);
    for (uint64_t group = 0; group < MORE; group++)
        journal_hard_state(fixture->journal, 1000 + group, 1, 1);
    model_sync(model, 1, UINT64_MAX);
    model_flush(model);
    owner.asked = 0;
    for (live = 0; owner.asked == 0; fill(model, 1, 1, 100000, true))
        live = journal_live_bytes(fixture->journal);
    assert_in_range(live, 14 * MIB, 17 * MIB);
    assert_int_equal(stats_of(fixture).entries_copied_forward, 0);
    model_free(model);
}

/* What is not committed is not copied before half of the limit is live, however early others are
 * asked: it may commit meanwhile. */
static void test_journal_room_few_are_copied(void **state) {
    enum { MIB = 1 << 20 };
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    uint64_t live = 0;
    fixture->options.file_bytes = MIB;
    fixture->options.max_bytes = 64 * MIB;
    open_with(fixture, &owner, &model);
    fill(model, 2, 1, 900, false);
    for (; stats_of(fixture).entries_copied_forward == 0; fill(model, 1, 1, 100000, true))
        live = journal_live_bytes(fixture->journal);
    assert_in_range(live, 30 * MIB, 34 * MIB);
    assert_true(owner.asked > 10);
    fill(model, 1, 20, 100000, true);
    assert_true(journal_live_bytes(fixture->journal) <= 11 * MIB);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* Entries that never commit go round with the ring while others turn it; they are there at the end.
 */
static void test_journal_room_uncommitted_is_copied_forward(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    fixture->options.max_bytes = 5 * fixture->options.file_bytes;
    open_with(fixture, &owner, &model);
    fill(model, 2, 30, 900, false);
    for (int i = 0; i < 60; i++)
        fill(model, 1, 8, 900, true);
    struct journal_stats stats = stats_of(fixture);
    assert_true(stats.entries_copied_forward >= 60);
    assert_true(journal_live_bytes(fixture->journal) <= 4 * fixture->options.file_bytes);
    reopen_and_compare(fixture, model);
    assert_int_equal(journal_recovered(fixture->journal, 2)->entry_count, 30);
    model_free(model);
}

/* Free files count as if they were being made, or are free again. */
static void hide_free_files(const struct journal *journal, bool hide) {
    for (size_t i = 0; i < journal->files.count; i++) {
        struct journal_file *file = journal->files.all[i];
        if (file->generation == (hide ? 0 : UINT64_MAX)) file->generation = hide ? UINT64_MAX : 0;
    }
}

/* While copies wait for a file a small round of an owner may still fit into the present one. What
 * it voids the copies do not bring back. */
static void test_journal_room_copies_wait_for_a_file(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    uint32_t file = (uint32_t)fixture->options.file_bytes;
    open_with(fixture, &owner, &model);
    struct journal *journal = fixture->journal;
    fill(model, 2, 1, file / 2, false);
    uint64_t first = journal->state.generation;
    while (journal->state.generation == first || journal->end - journal->offset > file / 3)
        fill(model, 1, 1, 900, true);
    assert_true(journal->end - journal->offset > file / 4);
    journal->reclaiming = first;
    hide_free_files(journal, true);
    model_do(model, (struct model_op){MODEL_TRUNCATE, 2, 1, 0, 0});
    model_do(model, (struct model_op){MODEL_ENTRY, 2, 1, 2, 100});
    model_flush(model);
    assert_int_equal(stats_of(fixture).entries_copied_forward, 1); /* gathered, and gone */
    hide_free_files(journal, false);
    fill(model, 1, 40, 900, true);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* After a restart what was recovered is copied forward, too, whether its owner has taken it or not.
 */
static void test_journal_room_recovered_is_copied_forward(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    fixture->options.max_bytes = 5 * fixture->options.file_bytes;
    open_with(fixture, &owner, &model);
    fill(model, 2, 20, 900, false);
    fill(model, 3, 20, 900, true);
    reopen_and_compare(fixture, model);
    journal_on_pressure(fixture->journal, asked, &owner);
    journal_recovered_release(fixture->journal, 2);
    for (int i = 0; i < 40; i++)
        fill(model, 1, 8, 900, true);
    assert_true(stats_of(fixture).entries_copied_forward >= 20);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* Truncation and forgetting free files as progress does. */
static void test_journal_room_truncated_and_forgotten(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    open_with(fixture, &owner, &model);
    for (int i = 0; i < 20; i++) {
        fill(model, 1, 20, 900, false);
        model_do(model, (struct model_op){MODEL_TRUNCATE, 1, 1, 0, 0});
        fill(model, 2, 20, 900, true);
        model_do(model, (struct model_op){MODEL_FORGET, 2, 0, 0, 0});
        fill(model, 3, 20, 10, true);
        model_sync(model, 3, UINT64_MAX);
        model_flush(model);
    }
    assert_int_equal(owner.asked, 0);
    assert_true(stats_of(fixture).files_made <= 5);
    reopen_and_compare(fixture, model);
    model_free(model);
}

struct told {
    struct journal_waiter waiter;
    struct env *env;
    unsigned *count;
    unsigned order;
};

static void tell(struct journal_waiter *waiter) {
    struct told *told = (struct told *)waiter;
    told->order = ++*told->count;
}

static void stop_loop(void *arg) {
    env_uv_stop(arg);
}

/* Owners that do not sync: the rounds wait below the limit, and nothing is reported durable
 * meanwhile. As soon as they have synced, everything goes on: their progress overtakes what waits.
 */
static void test_journal_room_full_waits_and_goes_on(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    unsigned count = 0;
    fixture->options.max_bytes = 4 * fixture->options.file_bytes;
    open_with(fixture, &owner, &model);
    owner.lazy = true;
    for (uint64_t index = 1; index <= 400; index++) {
        model_do(model, (struct model_op){MODEL_ENTRY, 1, index, 1, 900});
        model_do(model, (struct model_op){MODEL_COMMIT, 1, index, 0, 0});
    }
    struct told told = {.waiter.durable = tell, .count = &count};
    journal_wait(fixture->journal, &told.waiter);
    struct env_timer *timer = env_timer_new(fixture->env, stop_loop, fixture->env);
    env_timer_start(timer, 400 * 1000);
    env_uv_run(fixture->env);
    assert_int_equal(count, 0);
    assert_true(owner.asked >= 2); /* again and again */
    assert_true(journal_live_bytes(fixture->journal) <= 3 * fixture->options.file_bytes);
    assert_true(journal_disk_bytes(fixture->journal) <= journal_limit_bytes(fixture->journal));
    owner.lazy = false;
    model_flush(model);
    assert_int_equal(count, 1);
    env_timer_free(timer);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* Whatever owners do, the files have no more than the limit, and rounds go on; here they hold as
 * much as they may that is not committed. */
static void test_journal_room_limit_is_hard(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    fixture->options.max_bytes = 8 * fixture->options.file_bytes;
    open_with(fixture, &owner, &model);
    fill(model, 2, journal_usable_bytes(fixture->journal) / 2 / 1000, 900, false);
    for (int i = 0; i < 200; i++) {
        owner.lazy = i % 3 != 0;
        for (int k = 0; k < 20; k++) {
            uint64_t index = model->groups[0].last + 1;
            model_do(model, (struct model_op){MODEL_ENTRY, 1, index, 1, 900});
            model_do(model, (struct model_op){MODEL_COMMIT, 1, index, 0, 0});
        }
        if (!owner.lazy) model_flush(model);
        assert_true(journal_disk_bytes(fixture->journal) <= journal_limit_bytes(fixture->journal));
        assert_int_equal(journal_limit_bytes(fixture->journal), fixture->options.max_bytes);
    }
    owner.lazy = false;
    model_flush(model);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* A limit that was lowered below what is live holds once that is in segments; files that are too
 * many are removed. */
static void test_journal_room_limit_is_lowered(void **state) {
    struct journal_fixture *fixture = *state;
    struct owner owner;
    struct model *model;
    fixture->options.max_bytes = 40 * fixture->options.file_bytes;
    open_with(fixture, &owner, &model);
    owner.lazy = true;
    for (uint64_t group = 1; group <= MODEL_GROUPS; group++)
        fill(model, group, 20, 4000, true);
    fixture->options.max_bytes = 8 * fixture->options.file_bytes;
    reopen_and_compare(fixture, model);
    assert_true(journal_live_bytes(fixture->journal) > fixture->options.max_bytes);
    journal_on_pressure(fixture->journal, asked, &owner);
    for (uint64_t group = 1; group <= MODEL_GROUPS; group++)
        journal_recovered_release(fixture->journal, group);
    owner.lazy = false;
    for (int i = 0; i < 10; i++)
        fill(model, 1, 8, 900, true);
    journal_fixture_run(fixture);
    assert_int_equal(journal_limit_bytes(fixture->journal), fixture->options.max_bytes);
    assert_true(journal_disk_bytes(fixture->journal) <= fixture->options.max_bytes);
    reopen_and_compare(fixture, model);
    model_free(model);
}

/* Waiters are told in the order in which they asked, never inside the call; one that was canceled
 * is not told. */
static void test_journal_room_waiters(void **state) {
    struct journal_fixture *fixture = *state;
    unsigned count = 0;
    struct told told[6];
    journal_fixture_open(fixture);
    for (int i = 0; i < 6; i++)
        told[i] = (struct told){.waiter.durable = tell, .count = &count};
    journal_wait(fixture->journal, &told[0].waiter); /* nothing to wait for */
    journal_hard_state(fixture->journal, 1, 1, 1);
    journal_wait(fixture->journal, &told[1].waiter);
    journal_wait(fixture->journal, &told[2].waiter);
    journal_wait(fixture->journal, &told[3].waiter);
    journal_commit(fixture->journal, 1, 5); /* rides along: a waiter makes it a round */
    journal_wait(fixture->journal, &told[4].waiter);
    journal_wait(fixture->journal, &told[5].waiter);
    journal_wait_cancel(fixture->journal, &told[2].waiter);
    journal_wait_cancel(fixture->journal, &told[5].waiter);
    assert_int_equal(count, 0);
    journal_fixture_run(fixture);
    assert_int_equal(count, 4);
    assert_int_equal(told[0].order, 1);
    assert_int_equal(told[1].order, 2);
    assert_int_equal(told[3].order, 3);
    assert_int_equal(told[4].order, 4);
}

/* Commit, progress and mark alone start no round; many of them are written all the same. */
static void test_journal_room_riders(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    journal_fixture_run(fixture);
    journal_mark(fixture->journal, 1);
    journal_commit(fixture->journal, 1, 1);
    journal_fixture_run(fixture);
    assert_int_equal(stats_of(fixture).rounds, 0);
    assert_int_equal(journal_durable_mark(fixture->journal), 0);
    for (uint64_t mark = 2; mark < 2000; mark++)
        journal_mark(fixture->journal, mark);
    journal_fixture_run(fixture);
    assert_in_range(stats_of(fixture).rounds, 1, 10);
    journal_hard_state(fixture->journal, 1, 1, 0);
    journal_fixture_run(fixture);
    assert_int_equal(journal_durable_mark(fixture->journal), 1999);
}

struct closer {
    struct journal_waiter waiter;
    struct journal_fixture *fixture;
    bool closed;
};

static void close_inside(struct journal_waiter *waiter) {
    struct closer *closer = (struct closer *)waiter;
    journal_close(closer->fixture->journal);
    closer->fixture->journal = NULL;
    closer->closed = true;
}

/* The journal may be closed from a callback of it; later waiters are not told. */
static void test_journal_room_closed_inside(void **state) {
    struct journal_fixture *fixture = *state;
    unsigned count = 0;
    journal_fixture_open(fixture);
    struct closer closer = {.waiter.durable = close_inside, .fixture = fixture};
    struct told told = {.waiter.durable = tell, .count = &count};
    journal_hard_state(fixture->journal, 1, 1, 0);
    journal_wait(fixture->journal, &closer.waiter);
    journal_wait(fixture->journal, &told.waiter);
    journal_fixture_run(fixture);
    assert_true(closer.closed);
    assert_int_equal(count, 0);
}

/* The sequence only grows, over starts, too. */
static void test_journal_room_sequence_grows(void **state) {
    struct journal_fixture *fixture = *state;
    uint64_t before = 0;
    for (uint32_t life = 1; life < 10; life++) {
        journal_fixture_open(fixture);
        assert_true(journal_sequence(fixture->journal) > before);
        for (uint32_t i = 0; i < life; i++) {
            before = journal_sequence(fixture->journal);
            journal_hard_state(fixture->journal, 1, life, i);
            journal_fixture_flush(fixture);
            assert_true(journal_sequence(fixture->journal) > before);
        }
        before = journal_sequence(fixture->journal);
        journal_fixture_close(fixture);
    }
}

/* What was seen of other journals is written without being told of, and comes back, also by way of
 * a checkpoint; the last one of a directory counts. */
static void test_journal_room_witnesses(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    assert_null(journal_witness_of(fixture->journal, 1));
    uint64_t told = journal_sequence(fixture->journal);
    journal_witness(fixture->journal,
                    &(struct journal_witness){.directory = 1, .run = 10, .sequence = 100});
    journal_witness(fixture->journal,
                    &(struct journal_witness){.directory = UINT64_MAX, .run = 20, .sequence = 200});
    journal_witness(fixture->journal,
                    &(struct journal_witness){.directory = 1, .run = 11, .sequence = UINT64_MAX});
    journal_fixture_run(fixture);
    assert_int_equal(stats_of(fixture).rounds, 1);
    assert_int_equal(journal_sequence(fixture->journal), told);
    for (uint32_t term = 1; stats_of(fixture).files_reused == 0; term++) {
        journal_hard_state(fixture->journal, 1, term, 0);
        journal_fixture_flush(fixture);
    }
    for (int life = 0; life < 2; life++) {
        const struct journal_witness *witness = journal_witness_of(fixture->journal, 1);
        assert_non_null(witness);
        assert_int_equal(witness->run, 11);
        assert_int_equal(witness->sequence, UINT64_MAX);
        assert_int_equal(journal_witness_of(fixture->journal, UINT64_MAX)->sequence, 200);
        assert_null(journal_witness_of(fixture->journal, 2));
        journal_fixture_close(fixture);
        journal_fixture_open(fixture);
    }
}

/* A journal covers what any run of it told; an older copy of it does not, however often it is
 * started. */
static void test_journal_room_runs(void **state) {
    enum { LIVES = JOURNAL_RUNS_MAX + 3, COPIED = LIVES - 2 };
    struct journal_fixture *fixture = *state;
    struct journal_witness told[LIVES];
    struct image *old = NULL;
    for (uint32_t life = 0; life < LIVES; life++) {
        journal_fixture_open(fixture);
        for (uint32_t i = 0; i < life; i++)
            assert_true(journal_covers(fixture->journal, told[i].run, told[i].sequence));
        journal_hard_state(fixture->journal, 1, 1 + life, 0);
        journal_fixture_flush(fixture);
        if (life == COPIED) old = image_load(fixture);
        journal_hard_state(fixture->journal, 1, 1 + life, 1);
        journal_fixture_flush(fixture);
        told[life].run = journal_run(fixture->journal);
        told[life].sequence = journal_sequence(fixture->journal);
        assert_int_not_equal(told[life].run, 0);
        assert_true(journal_covers(fixture->journal, told[life].run, told[life].sequence));
        journal_fixture_close(fixture);
    }
    image_store(old, fixture);
    image_free(old);
    for (int life = 0; life < 5; life++) {
        journal_fixture_open(fixture);
        for (uint32_t i = 0; i < LIVES; i++)
            assert_int_equal(journal_covers(fixture->journal, told[i].run, told[i].sequence),
                             i < COPIED);
        journal_fixture_close(fixture);
    }
}

/* What was disowned stays so. */
static void test_journal_room_disowned(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    assert_false(journal_is_disowned(fixture->journal));
    journal_disown(fixture->journal);
    journal_hard_state(fixture->journal, 1, 1000, 0);
    journal_fixture_flush(fixture);
    for (int life = 0; life < 2; life++) {
        journal_fixture_close(fixture);
        journal_fixture_open(fixture);
        assert_true(journal_is_disowned(fixture->journal));
    }
}

/* Five thousand groups: their checkpoints are larger than a small file, and everything still works.
 */
static void test_journal_room_many_groups(void **state) {
    struct journal_fixture *fixture = *state;
    enum { GROUPS = 5000 };
    fixture->options.file_bytes = 1 << 20;
    fixture->options.max_bytes = 64 << 20;
    journal_fixture_open(fixture);
    for (uint64_t index = 1; index <= 8; index++) {
        for (uint64_t group = 1; group <= GROUPS; group++) {
            record_entry(fixture, group, index, 1, 100);
            if (index == 1) journal_hard_state(fixture->journal, group, (uint32_t)group, 1);
            journal_commit(fixture->journal, group, index);
            journal_progress(fixture->journal, group, index / 2, 0, index);
        }
        journal_fixture_flush(fixture);
    }
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    for (uint64_t group = 1; group <= GROUPS; group++) {
        const struct journal_group *recovered = journal_recovered(fixture->journal, group);
        assert_int_equal(recovered->term, group);
        assert_int_equal(recovered->commit, 8);
        assert_int_equal(recovered->entry_count, 4);
        assert_entry(recovered->entries[3], group, 8, 1, 100);
    }
}

int main(void) {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_room_two_files_go_round),
        TEST(test_journal_room_owners_are_asked),
        TEST(test_journal_room_few_groups),
        TEST(test_journal_room_few_are_copied),
        TEST(test_journal_room_uncommitted_is_copied_forward),
        TEST(test_journal_room_copies_wait_for_a_file),
        TEST(test_journal_room_recovered_is_copied_forward),
        TEST(test_journal_room_truncated_and_forgotten),
        TEST(test_journal_room_full_waits_and_goes_on),
        TEST(test_journal_room_limit_is_hard),
        TEST(test_journal_room_limit_is_lowered),
        TEST(test_journal_room_waiters),
        TEST(test_journal_room_riders),
        TEST(test_journal_room_closed_inside),
        TEST(test_journal_room_sequence_grows),
        TEST(test_journal_room_witnesses),
        TEST(test_journal_room_runs),
        TEST(test_journal_room_disowned),
        TEST(test_journal_room_many_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
