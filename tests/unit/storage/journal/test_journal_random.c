/* The journal beside a naive model: random records over small files, reopened again and again. */
#include <stdio.h>

#include "tests/unit/storage/fixture_journal_model.h"

static void pressed(void *arg, uint64_t group, uint64_t index) {
    model_sync(arg, group, index);
}

static void open_with_model(struct model *model) {
    journal_fixture_open(model->fixture);
    journal_on_pressure(model->fixture->journal, pressed, model);
}

static void release_all(struct model *model) {
    for (uint64_t id = 1; id <= MODEL_GROUPS; id++)
        journal_recovered_release(model->fixture->journal, id);
}

/* Thousands of records with a clean end now and then: exactly what was recorded comes back. Files
 * are made, reused, and their entries copied forward meanwhile. */
static void test_journal_random_clean(void **state) {
    struct journal_fixture *fixture = *state;
    struct journal_stats stats = {0}, all = {0};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        snprintf(fixture->path, sizeof fixture->path, "%s/clean-%d", fixture->folder, (int)seed);
        fixture->options.max_bytes = (seed + 3) * fixture->options.file_bytes;
        struct model *model = model_new(fixture, seed);
        model->begins = true;
        open_with_model(model);
        for (int life = 0; life < 12; life++) {
            for (int i = 0; i < 600; i++) {
                model_do_any(model, 900);
                if (model_random(model, 20) == 0) model_flush(model);
            }
            model_flush(model);
            journal_stats_get(fixture->journal, &stats);
            all.files_made += stats.files_made;
            all.files_reused += stats.files_reused;
            all.entries_copied_forward += stats.entries_copied_forward;
            journal_fixture_close(fixture);
            open_with_model(model);
            model_compare(model, model->count);
            release_all(model);
        }
        journal_fixture_close(fixture);
        model_free(model);
    }
    assert_true(all.files_made > 5);
    assert_true(all.files_reused > 20);
    assert_true(all.entries_copied_forward > 20);
}

/* Closed at any moment: what comes back is the state after some number of the records, all of those
 * at least that were reported durable. */
static void test_journal_random_abrupt(void **state) {
    struct journal_fixture *fixture = *state;
    fixture->options.max_bytes = 6 * fixture->options.file_bytes;
    struct model *model = model_new(fixture, 99);
    model->begins = true;
    open_with_model(model);
    size_t lost = 0;
    for (int life = 0; life < 150; life++) {
        size_t steps = model_random(model, 150);
        for (size_t i = 0; i < steps; i++) {
            model_do_any(model, 2000);
            if (model_random(model, 10) == 0) model_flush(model);
        }
        size_t count = model->count;
        journal_fixture_close(fixture);
        open_with_model(model);
        lost += count - model_compare(model, model->durable);
        if (model_random(model, 3) > 0) release_all(model);
    }
    assert_true(lost > 0);
    journal_fixture_close(fixture);
    model_free(model);
}

/* Large bodies beside small ones: a round may be larger than a file. */
static void test_journal_random_large_bodies(void **state) {
    struct journal_fixture *fixture = *state;
    struct model *model = model_new(fixture, 5);
    model->begins = true;
    open_with_model(model);
    for (int life = 0; life < 5; life++) {
        for (int i = 0; i < 60; i++) {
            model_do_any(model, model_random(model, 5) == 0 ? 300000 : 300);
            if (model_random(model, 10) == 0) model_flush(model);
        }
        model_flush(model);
        journal_fixture_close(fixture);
        open_with_model(model);
        model_compare(model, model->count);
        release_all(model);
    }
    journal_fixture_close(fixture);
    model_free(model);
}

int main(void) {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_random_clean),
        TEST(test_journal_random_abrupt),
        TEST(test_journal_random_large_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
