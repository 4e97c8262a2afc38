/* See the header. */
#include "fixture_journal_model.h"

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

void model_free(struct model *model) {
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
        group->entries[op->index] = (struct model_entry){op->term, op->len};
        break;
    case MODEL_HARD_STATE:
        group->term = op->term;
        group->voted_for = op->index;
        break;
    case MODEL_TRUNCATE: group->last = op->index - 1; break;
    case MODEL_COMMIT:
        if (op->index > group->commit) group->commit = op->index;
        break;
    case MODEL_PROGRESS: group->progress = op->index; break;
    case MODEL_FORGET: memset(group, 0, sizeof *group); break;
    default: fail();
    }
}

void model_do(struct model *model, struct model_op op) {
    if (model->count == model->capacity) {
        model->capacity = model->capacity == 0 ? 1024 : 2 * model->capacity;
        model->ops = realloc(model->ops, model->capacity * sizeof *model->ops);
        assert_non_null(model->ops);
    }
    model->ops[model->count++] = op;
    play(model, &op);
    struct journal *journal = model->fixture->journal;
    switch (op.kind) {
    case MODEL_ENTRY: record_entry(model->fixture, op.group, op.index, op.term, op.len); break;
    case MODEL_HARD_STATE: journal_hard_state(journal, op.group, op.term, op.index); break;
    case MODEL_TRUNCATE: journal_truncate(journal, op.group, op.index); break;
    case MODEL_COMMIT: journal_commit(journal, op.group, op.index); break;
    case MODEL_PROGRESS: journal_progress(journal, op.group, op.index, (int64_t)op.index * 3, op.index * 7); break;
    case MODEL_FORGET: journal_forget(journal, op.group); break;
    case MODEL_MARK: journal_mark(journal, op.index); break;
    }
}

void model_do_any(struct model *model, size_t most) {
    uint64_t id = 1 + model_random(model, MODEL_GROUPS);
    struct model_group *group = group_of(model, id);
    uint32_t term = group->term == 0 ? 1 : group->term;
    uint64_t uncommitted = group->last - (group->commit < group->last ? group->commit : group->last);
    switch (model_random(model, 12)) {
    case 0: model_do(model, (struct model_op){MODEL_HARD_STATE, id, model_random(model, 4), term + 1, 0}); break;
    case 1:
        if (uncommitted == 0) break;
        model_do(model, (struct model_op){MODEL_TRUNCATE, id, group->last - model_random(model, uncommitted), 0, 0});
        break;
    case 2:
    case 3:
        if (uncommitted == 0) break;
        model_do(model,
                 (struct model_op){MODEL_COMMIT, id, group->commit + 1 + model_random(model, uncommitted), 0, 0});
        break;
    case 4: model_do(model, (struct model_op){MODEL_MARK, 0, model->mark + 1, 0, 0}); break;
    case 5:
        if (model_random(model, 8) == 0) model_sync(model, id, UINT64_MAX);
        break;
    default: {
        uint32_t len = (uint32_t)model_random(model, most);
        if (uncommitted < 40 && group->last + 1 < MODEL_ENTRIES)
            model_do(model, (struct model_op){MODEL_ENTRY, id, group->last + 1, term, len});
    }
    }
}

void model_sync(struct model *model, uint64_t group, uint64_t index) {
    struct model_group *of = group_of(model, group);
    uint64_t to = of->commit < of->last ? of->commit : of->last;
    if (to > index) to = index;
    if (to > of->progress) model_do(model, (struct model_op){MODEL_PROGRESS, group, to, 0, 0});
}

struct model_waiter {
    struct journal_waiter waiter;
    struct model *model;
    size_t count;
};

static void told(struct journal_waiter *waiter) {
    struct model_waiter *told = (struct model_waiter *)waiter;
    assert_true(told->count >= told->model->durable);
    told->model->durable = told->count;
    free(told);
}

void model_wait(struct model *model) {
    struct model_waiter *waiter = calloc(1, sizeof *waiter);
    assert_non_null(waiter);
    *waiter = (struct model_waiter){.waiter.durable = told, .model = model, .count = model->count};
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
    if (recovered->entry_count != (group->last > group->progress ? group->last - group->progress : 0)) return false;
    for (size_t i = 0; i < recovered->entry_count; i++, index++) {
        const struct entry *entry = recovered->entries[i];
        const struct model_entry *expected = &group->entries[index];
        if (entry->index != index || entry->term != expected->term || entry->body.len != expected->len) return false;
    }
    return true;
}

static bool same_group(const struct model_group *group, const struct journal_group *recovered) {
    if (recovered == NULL || !group->known) return (recovered != NULL) == group->known;
    return recovered->term == group->term && recovered->voted_for == group->voted_for &&
           recovered->commit == group->commit && recovered->progress == group->progress &&
           (group->progress == 0 || (recovered->progress_segment == (int64_t)group->progress * 3 &&
                                     recovered->progress_position == group->progress * 7)) &&
           same_entries(group, recovered);
}

static bool same(const struct model *model) {
    struct journal *journal = model->fixture->journal;
    if (journal_durable_mark(journal) != model->mark) return false;
    for (uint64_t id = 1; id <= MODEL_GROUPS; id++)
        if (!same_group(&model->groups[id - 1], journal_recovered(journal, id))) return false;
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
    memset(model->groups, 0, MODEL_GROUPS * sizeof *model->groups);
    model->mark = 0;
    for (size_t n = 0; n <= count && found == SIZE_MAX; n++) {
        if (n > 0) play(model, &model->ops[n - 1]);
        if (n >= least && same(model)) found = n;
    }
    if (found == SIZE_MAX) fail_msg("not the state after %zu to %zu operations", least, count);
    assert_bodies(model);
    model->count = model->durable = found;
    return found;
}
