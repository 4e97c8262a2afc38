/* A log compared with a naive array: random operations, reopened again and again. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/journal/journal_internal.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

/* The journal knows no less of what is synced than the log that was opened with it: what it records
 * next may stand on that. */
static void check_progress(struct log_model *model) {
    struct journal_state *state = &log_store_journal(model->store)->state;
    assert_true(journal_state_group(state, LOG_MODEL_GROUP)->asked_progress >= model->log->synced);
}

/* The watermark, or any offset below it. */
static int64_t some_end(struct log_model *model) {
    int64_t watermark = log_model_watermark(model);
    return dice_below(&model->dice, 2) ? watermark
                                       : (int64_t)dice_below(&model->dice, (uint64_t)watermark + 1);
}

static void step(struct log_model *model) {
    struct dice *dice = &model->dice;
    switch (dice_below(dice, 15)) {
    case 0:
    case 1:
    case 2:
    case 3: log_model_append(model, 1 + (unsigned)dice_below(dice, 6)); break;
    case 4: {
        uint64_t committed = model->commit < model->last ? model->commit : model->last;
        if (committed < model->last)
            log_model_truncate(model, committed + 1 + dice_below(dice, model->last - committed));
        break;
    }
    case 5:
    case 6:
    case 7:
        log_model_commit(model, model->commit + dice_below(dice, model->last - model->commit + 1));
        break;
    case 8: log_model_vote(model, model->term + 1, dice_below(dice, 4)); break;
    case 9: log_model_settle(model); break;
    case 10: {
        int64_t end = some_end(model);
        int64_t from = (int64_t)dice_below(dice, (uint64_t)end + 1);
        if (from >= model->start_offset)
            log_model_check_fetch(model, from, end, dice_below(dice, 5000));
        break;
    }
    case 11:
        model->log_start = dice_below(dice, 2)
                               ? 0
                               : (int64_t)dice_below(dice, (uint64_t)model->end_offset + 1);
        log_model_check_search(
            model, dice_below(dice, 3) ? model->time - (int64_t)dice_below(dice, 40000) : -3,
            some_end(model));
        model->log_start = 0;
        break;
    case 12:
        if (dice_below(dice, 8) == 0) log_model_flush(model);
        break;
    case 14: {
        if (!model->has_state || dice_below(dice, 4)) break;
        if (dice_below(dice, 3) == 0) partition_log_roll(model->log);
        uint64_t committed = model->commit < model->last ? model->commit : model->last;
        int64_t offset = (int64_t)dice_below(dice, (uint64_t)log_model_watermark(model) + 1);
        uint64_t index = dice_below(dice, committed + 1);
        if (dice_below(dice, 2))
            log_model_drop(model, offset, index);
        else
            partition_log_drop_prefix(model->log, offset, index, 0);
        break;
    }
    case 13:
        if (dice_below(dice, 6)) break;
        log_model_stop(model, dice_below(dice, 3) == 0);
        model->options.segment_bytes = 2048 << dice_below(dice, 3);
        log_model_start(model);
        log_model_check(model);
        check_progress(model);
        break;
    }
}

/* Whatever is done, and whenever it is opened again, a log says and gives what an array would. */
static void test_partition_log_is_like_an_array(void **state) {
    (void)state;
    unsigned truncations = 0, reopens = 0, starts_moved = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct log_model model;
        log_model_open(&model, seed);
        if (seed % 3 == 0) model.options.tail_cache_bytes = 0;
        if (seed % 4 == 0) model.options.tail_cache_bytes = 1 << 20;
        model.has_state = seed % 2 == 0;
        log_model_start(&model);
        for (int i = 0; i < 600; i++)
            step(&model);
        truncations += model.truncations;
        reopens += model.reopens;
        starts_moved += model.starts_moved;
        log_model_commit(&model, model.last);
        log_model_stop(&model, true);
        log_model_start(&model);
        assert_int_equal(partition_log_commit_index(model.log), model.last);
        log_model_check(&model);
        for (int64_t offset = model.start_offset; offset < model.end_offset;)
            offset = log_model_check_fetch(&model, offset, model.end_offset, 700);
        log_model_stop(&model, false);
        log_model_close(&model);
    }
    assert_true(truncations > 200 && reopens > 100 && starts_moved > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partition_log_is_like_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
