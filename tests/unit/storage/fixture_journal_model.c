/* The list of what was recorded, its replay, and the comparison. */
#include "tests/unit/storage/fixture_journal_model.h"

#include <stdlib.h>
#include <string.h>

struct model *model_new(struct journal_fixture *fixture, uint64_t seed) {
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->fixture = fixture;
    model->groups = calloc(MODEL_GROUPS, sizeof *model->groups);
    assert_non_null(model->groups);
    model->random = seed * 2654435769u + 1;
    return model;
}

struct model_waiter {
    struct journal_waiter waiter;
    struct model *model;
    struct model_waiter *next;
    size_t count;
};

/* The journal that they waited for is closed. */
static void forget_waiters(struct model *model) {
    while (model->waiting != NULL) {
        struct model_waiter *waiter = model->waiting;
        model->waiting = waiter->next;
        free(waiter);
    }
}

void model_free(struct model *model) {
    forget_waiters(model);
    free(model->groups);
    free(model->ops);
    free(model);
}

uint64_t model_random(struct model *model, uint64_t below) {
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random % below;
}

static struct model_group *group_of(struct model *model, uint64_t group) {
    assert_in_range(group, 1, MODEL_GROUPS);
    return &model->groups[group - 1];
}

static void play(struct model *model, const struct model_op *op) {
    if (op->kind == MODEL_MARK) {
        if (op->index > model->mark) model->mark = op->index;
        return;
    }
    struct model_group *group = group_of(model, op->group);
    group->known = true;
    switch (op->kind) {
    case MODEL_ENTRY:
        assert_int_equal(op->index, group->last + 1);
        assert_true(op->index < MODEL_ENTRIES);
        group->last = op->index;
        group->entries[op->index] = (struct model_entry){op->term, op->len,
                                                         (size_t)(op - model->ops)};
        break;
    case MODEL_HARD_STATE:
        group->term = op->term;
        group->voted_for = op->index;
        break;
    case MODEL_TRUNCATE: group->last = op->index - 1; break;
    case MODEL_COMMIT:
        if (op->index > group->commit) group->commit = op->index;
        break;
    case MODEL_PROGRESS:
        group->progress = op->index;
        if (group->commit < op->index) group->commit = op->index;
        break;
    case MODEL_FORGET: memset(group, 0, sizeof *group); break;
    case MODEL_BEGINS:
        group->last = group->progress = op->index;
        group->begun = (size_t)(op - model->ops) + 1;
        if (group->commit < op->index) group->commit = op->index;
        break;
    default: fail();
    }
}

static void add_op(struct model *model, struct model_op op) {
    if (model->count == model->capacity) {
        model->capacity = model->capacity == 0 ? 1024 : 2 * model->capacity;
        model->ops = realloc(model->ops, model->capacity * sizeof *model->ops);
        assert_non_null(model->ops);
    }
    model->ops[model->count++] = op;
    play(model, &model->ops[model->count - 1]);
    if (op.kind == MODEL_PROGRESS || op.kind == MODEL_BEGINS)
        model->told_progress[op.group - 1] = op.index;
}

void model_do(struct model *model, struct model_op op) {
    add_op(model, op);
    struct journal *journal = model->fixture->journal;
    switch (op.kind) {
    case MODEL_ENTRY:
        record_entry(model->fixture, op.group, op.index, op.term, op.len);
        model_wait(model);
        break;
    case MODEL_HARD_STATE: journal_hard_state(journal, op.group, op.term, op.index); break;
    case MODEL_TRUNCATE: journal_truncate(journal, op.group, op.index); break;
    case MODEL_COMMIT: journal_commit(journal, op.group, op.index); break;
    case MODEL_PROGRESS:
        journal_progress(journal, op.group, op.index, (int64_t)op.index * 3, op.index * 7);
        break;
    case MODEL_FORGET: journal_forget(journal, op.group); break;
    case MODEL_MARK: journal_mark(journal, op.index); break;
    case MODEL_BEGINS:
        journal_log_begins(journal, op.group, op.index, (int64_t)op.index * 3, op.index * 7);
        model_wait(model);
        break;
    }
}

/* What owners keep below half of what is usable. */
static uint64_t uncommitted_bytes(const struct model *model) {
    uint64_t bytes = 0;
    for (size_t g = 0; g < MODEL_GROUPS; g++) {
        const struct model_group *group = &model->groups[g];
        for (uint64_t index = group->commit + 1; index <= group->last; index++)
            bytes += group->entries[index].len + ENTRY_HEADER_SIZE;
    }
    return bytes;
}

/* Behind what it had, or in the midst of what had not committed. */
static void begin_anew(struct model *model, uint64_t id) {
    const struct model_group *group = group_of(model, id);
    uint64_t uncommitted = group->last > group->commit ? group->last - group->commit : 0;
    if (group->commit > group->progress && group->last > group->progress) return;
    if (group->begun > model->durable) return; /* its owner waits for that */
    uint64_t index = group->commit + 1 + model_random(model, uncommitted + 20);
    if (index > group->progress && index + 1 < MODEL_ENTRIES)
        model_do(model, (struct model_op){MODEL_BEGINS, id, index, 0, 0});
}

void model_do_any(struct model *model, size_t most) {
    uint64_t id = 1 + model_random(model, MODEL_GROUPS);
    struct model_group *group = group_of(model, id);
    uint32_t term = group->term == 0 ? 1 : group->term;
    uint64_t uncommitted = group->last -
                           (group->commit < group->last ? group->commit : group->last);
    switch (model_random(model, 12)) {
    case 0:
        model_do(model,
                 (struct model_op){MODEL_HARD_STATE, id, model_random(model, 4), term + 1, 0});
        break;
    case 1:
        if (uncommitted == 0) break;
        model_do(model, (struct model_op){MODEL_TRUNCATE, id,
                                          group->last - model_random(model, uncommitted), 0, 0});
        break;
    case 2:
    case 3:
        if (uncommitted == 0) break;
        model_do(model,
                 (struct model_op){MODEL_COMMIT, id,
                                   group->commit + 1 + model_random(model, uncommitted), 0, 0});
        break;
    case 4: model_do(model, (struct model_op){MODEL_MARK, 0, model->mark + 1, 0, 0}); break;
    case 5:
        if (model_random(model, 8) == 0) model_sync(model, id, UINT64_MAX);
        if (model->begins && model_random(model, 10) == 0) begin_anew(model, id);
        break;
    default: {
        uint32_t len = (uint32_t)model_random(model, most);
        uint64_t after = uncommitted_bytes(model) + len + ENTRY_HEADER_SIZE;
        if (after <= journal_usable_bytes(model->fixture->journal) / 2 &&
            group->last + 1 < MODEL_ENTRIES)
            model_do(model, (struct model_op){MODEL_ENTRY, id, group->last + 1, term, len});
    }
    }
}

void model_sync(struct model *model, uint64_t group, uint64_t index) {
    struct model_group *of = group_of(model, group);
    uint64_t to = of->commit < of->last ? of->commit : of->last;
    if (to > index) to = index;
    while (to > of->progress &&
           of->entries[to].op >= model->durable) /* segments never have what is not durable */
        to--;
    if (to > of->progress) model_do(model, (struct model_op){MODEL_PROGRESS, group, to, 0, 0});
}

static void told(struct journal_waiter *waiter) {
    struct model_waiter *told = (struct model_waiter *)waiter;
    assert_true(told->count >= told->model->durable);
    assert_ptr_equal(told->model->waiting, told); /* in order */
    told->model->waiting = told->next;
    told->model->durable = told->count;
    free(told);
}

void model_wait(struct model *model) {
    struct model_waiter *waiter = calloc(1, sizeof *waiter);
    assert_non_null(waiter);
    *waiter = (struct model_waiter){.waiter.durable = told, .model = model, .count = model->count};
    struct model_waiter **end = &model->waiting;
    while (*end != NULL)
        end = &(*end)->next;
    *end = waiter;
    journal_wait(model->fixture->journal, &waiter->waiter);
}

void model_flush(struct model *model) {
    size_t count;
    do { /* the owners may be asked meanwhile, and record progress */
        count = model->count;
        journal_fixture_flush(model->fixture);
    } while (count < model->count);
    model->durable = count;
}

/* ---- Comparing ---- */

static bool same_entries(const struct model_group *group, const struct journal_group *recovered) {
    uint64_t index = recovered->progress + 1;
    if (recovered->entry_count !=
        (group->last > recovered->progress ? group->last - recovered->progress : 0))
        return false;
    for (size_t i = 0; i < recovered->entry_count; i++, index++) {
        const struct entry *entry = recovered->entries[i];
        const struct model_entry *expected = &group->entries[index];
        if (entry->index != index || entry->term != expected->term ||
            entry->body.len != expected->len)
            return false;
    }
    return true;
}

/* Progress may have overtaken what waited for room: `told` is the last that was recorded. */
static bool same_group(const struct model_group *group, const struct journal_group *recovered,
                       uint64_t told) {
    if (recovered == NULL || !group->known) return (recovered != NULL) == group->known;
    uint64_t progress = recovered->progress;
    return recovered->term == group->term && recovered->voted_for == group->voted_for &&
           recovered->commit == (progress > group->commit ? progress : group->commit) &&
           progress >= group->progress && progress <= told && progress <= group->last &&
           (progress == 0 || (recovered->progress_segment == (int64_t)progress * 3 &&
                              recovered->progress_position == progress * 7)) &&
           same_entries(group, recovered);
}

static bool same(const struct model *model) {
    struct journal *journal = model->fixture->journal;
    if (journal_durable_mark(journal) != model->mark) return false;
    for (uint64_t id = 1; id <= MODEL_GROUPS; id++)
        if (!same_group(&model->groups[id - 1], journal_recovered(journal, id),
                        model->told_progress[id - 1]))
            return false;
    return true;
}

/* The bytes, too: once the point is found. */
static void assert_bodies(const struct model *model) {
    for (uint64_t id = 1; id <= MODEL_GROUPS; id++) {
        const struct journal_group *recovered = journal_recovered(model->fixture->journal, id);
        for (size_t i = 0; recovered != NULL && i < recovered->entry_count; i++) {
            const struct entry *entry = recovered->entries[i];
            assert_entry(entry, id, entry->index, entry->term, entry->body.len);
        }
    }
}

size_t model_compare(struct model *model, size_t least) {
    size_t count = model->count, found = SIZE_MAX;
    forget_waiters(model);
    memset(model->groups, 0, MODEL_GROUPS * sizeof *model->groups);
    model->mark = 0;
    for (size_t n = 0; n <= count && found == SIZE_MAX; n++) {
        if (n > 0) play(model, &model->ops[n - 1]);
        if (n >= least && same(model)) found = n;
    }
    if (found == SIZE_MAX) fail_msg("not the state after %zu to %zu operations", least, count);
    assert_bodies(model);
    model->count = found;
    for (uint64_t id = 1; id <= MODEL_GROUPS; id++) {
        const struct journal_group *recovered = journal_recovered(model->fixture->journal, id);
        uint64_t progress = recovered == NULL ? 0 : recovered->progress;
        model->told_progress[id - 1] = progress;
        if (progress > model->groups[id - 1].progress)
            add_op(model, (struct model_op){MODEL_PROGRESS, id, progress, 0, 0});
    }
    model->durable = model->count;
    return found;
}
