/* The naive model of a journal; journal_model.h says what it proves. */
#include "tests/sim/journal_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

/* Records kept before the durable ones, so that a tail lost to damage is still seen to be a prefix.
 */
enum { KEPT_BEFORE_DURABLE = 400 };

struct state {
    struct model_group groups[MODEL_GROUPS];
    uint64_t mark;
};

struct journal_model {
    struct run *run;
    struct state old, now;
    struct model_record *records; /* those behind `old` */
    uint64_t old_count, count;    /* records in `old`; in all */
    uint64_t durable, capacity;
    uint64_t told_progress[MODEL_GROUPS];
};

struct journal_model *journal_model_new(struct run *run) {
    struct journal_model *model = mem_zalloc(sizeof *model);

    model->run = run;
    for (unsigned i = 0; i < MODEL_GROUPS; i++) {
        model->old.groups[i].entries = mem_zalloc(MODEL_ENTRIES * sizeof(struct model_entry));
        model->now.groups[i].entries = mem_zalloc(MODEL_ENTRIES * sizeof(struct model_entry));
    }
    return model;
}

static void apply(struct state *state, const struct model_record *record) {
    struct model_group *group = &state->groups[record->group];

    if (record->kind != MODEL_MARK) group->known = true;
    switch (record->kind) {
    case MODEL_ENTRY:
        CHECK(record->index == group->last + 1 && record->index < MODEL_ENTRIES);
        group->last = record->index;
        group->entries[record->index] = (struct model_entry){record->term, record->detail};
        break;
    case MODEL_HARD_STATE:
        group->term = record->term;
        group->voted_for = record->detail;
        break;
    case MODEL_TRUNCATE:
        CHECK(record->index > group->commit && record->index <= group->last);
        group->last = record->index - 1;
        break;
    case MODEL_COMMIT: group->commit = record->index; break;
    case MODEL_PROGRESS:
        group->progress = record->index;
        if (group->commit < record->index) group->commit = record->index;
        break;
    case MODEL_MARK: state->mark = record->index; break;
    case MODEL_BEGINS:
        CHECK(record->index > group->commit);
        group->last = group->progress = group->commit = record->index;
        break;
    }
}

void journal_model_record(struct journal_model *model, const struct model_record *record) {
    uint64_t kept = model->count - model->old_count;

    model->records = mem_grow(model->records, kept, &model->capacity, sizeof *model->records);
    model->records[kept] = *record;
    model->count++;
    apply(&model->now, record);
    if (record->kind == MODEL_PROGRESS || record->kind == MODEL_BEGINS)
        model->told_progress[record->group] = record->index;
}

const struct model_group *journal_model_now(const struct journal_model *model, unsigned group) {
    return &model->now.groups[group];
}

uint64_t journal_model_count(const struct journal_model *model) {
    return model->count;
}

static void drop_records(struct journal_model *model, uint64_t n) {
    CHECK(n <= model->count - model->old_count);
    model->old_count += n;
    memmove(model->records, model->records + n,
            (model->count - model->old_count) * sizeof *model->records);
}

void journal_model_durable(struct journal_model *model, uint64_t count) {
    CHECK(count <= model->count);
    if (count <= model->durable) return;
    model->durable = count;
    if (count < model->old_count + 2 * KEPT_BEFORE_DURABLE) return;
    uint64_t n = count - KEPT_BEFORE_DURABLE - model->old_count;
    for (uint64_t i = 0; i < n; i++)
        apply(&model->old, &model->records[i]);
    drop_records(model, n);
}

void journal_check_limit(struct run *run, struct node *node, const char *path,
                         const struct journal *journal, uint64_t *most) {
    uint64_t bytes = disk_bytes_in(node_disk(node), path);

    if (*most == 0) *most = bytes;
    if (*most < journal_limit_bytes(journal)) *most = journal_limit_bytes(journal);
    if (bytes > *most)
        run_fail(run, "the journal has %" PRIu64 " bytes on disk, and its limit is %" PRIu64, bytes,
                 *most);
}

uint64_t entry_checksums(const struct entry *entry) {
    /* Not the checksums that it carries: what it really is. */
    return trace_content(entry->header, ENTRY_HEADER_SIZE) * 31 +
           trace_content(entry->body.data, entry->body.len);
}

/* "" when they are equal, else what differs. `told`: the highest progress that was recorded; it
 * overtakes what waits for room. */
static void compare(const struct model_group *model, uint64_t told,
                    const struct journal_group *found, char difference[200]) {
    difference[0] = '\0';
    if (found == NULL) {
        if (model->known) snprintf(difference, 200, "it is not there");
        return;
    }
    uint64_t last = found->progress + found->entry_count;
    if (found->term != model->term || found->voted_for != model->voted_for) {
        snprintf(difference, 200, "term %u vote %" PRIu64 ", expected %u and %" PRIu64, found->term,
                 found->voted_for, model->term, model->voted_for);
        return;
    }
    bool overtook = found->progress > model->progress && found->progress <= told &&
                    found->progress <= model->last;
    uint64_t commit = overtook && found->progress > model->commit ? found->progress : model->commit;
    if (found->commit != commit || (found->progress != model->progress && !overtook) ||
        last != model->last) {
        snprintf(difference, 200,
                 "commit %" PRIu64 " progress %" PRIu64 " last %" PRIu64 ", expected %" PRIu64
                 ", %" PRIu64 ", %" PRIu64,
                 found->commit, found->progress, last, model->commit, model->progress, model->last);
        return;
    }
    for (size_t i = 0; i < found->entry_count; i++) {
        const struct entry *entry = found->entries[i];
        const struct model_entry *expected = &model->entries[found->progress + 1 + i];
        if (entry->index == found->progress + 1 + i && entry->term == expected->term &&
            entry_checksums(entry) == expected->checksums)
            continue;
        snprintf(difference, 200, "entry %" PRIu64 " of term %u is not that of term %u",
                 entry->index, entry->term, expected->term);
        return;
    }
}

static bool same(struct journal_model *model, const struct state *state,
                 const struct journal *journal, char difference[300]) {
    char one[200];

    for (unsigned i = 0; i < MODEL_GROUPS; i++) {
        compare(&state->groups[i], model->told_progress[i], journal_recovered(journal, i + 1), one);
        if (one[0] == '\0') continue;
        snprintf(difference, 300, "group %u: %s", i + 1, one);
        return false;
    }
    if (journal_durable_mark(journal) == state->mark) return true;
    snprintf(difference, 300, "mark %" PRIu64 ", expected %" PRIu64, journal_durable_mark(journal),
             state->mark);
    return false;
}

static void copy_state(struct state *into, const struct state *from) {
    for (unsigned i = 0; i < MODEL_GROUPS; i++) {
        struct model_entry *entries = into->groups[i].entries;
        memcpy(entries, from->groups[i].entries, (from->groups[i].last + 1) * sizeof *entries);
        into->groups[i] = from->groups[i];
        into->groups[i].entries = entries;
    }
    into->mark = from->mark;
}

void journal_model_recovered(struct journal_model *model, const struct journal *journal,
                             bool damaged) {
    char at_durable[300] = "", at_end[300] = "", difference[300];
    uint64_t position = model->old_count, matched = UINT64_MAX;

    /* A record that changes nothing makes two prefixes look alike: the longest one that matches is
     * as good. */
    copy_state(&model->now, &model->old);
    for (;; position++) {
        if (position >= model->durable || damaged) {
            if (same(model, &model->now, journal, difference)) matched = position;
            if (position == model->durable) memcpy(at_durable, difference, sizeof at_durable);
            if (position == model->count) memcpy(at_end, difference, sizeof at_end);
        }
        if (position == model->count) break;
        apply(&model->now, &model->records[position - model->old_count]);
    }
    if (matched == UINT64_MAX)
        run_fail(
            model->run,
            "the journal recovered what is no prefix of its records at or behind the durable one (%" PRIu64
            " of %" PRIu64 "); there: %s; at the end: %s",
            model->durable, model->count, at_durable, at_end);
    run_say(model->run, "recovered %" PRIu64 " records of %" PRIu64 ", durable %" PRIu64, matched,
            model->count, model->durable);
    model->count = matched;
    model->durable = matched; /* whoever starts from it believes it to be on disk */
    copy_state(&model->now, &model->old);
    for (position = model->old_count; position < matched; position++)
        apply(&model->now, &model->records[position - model->old_count]);
    for (unsigned g = 0; g < MODEL_GROUPS; g++) {
        const struct journal_group *found = journal_recovered(journal, g + 1);
        uint64_t progress = found == NULL ? 0 : found->progress;
        if (progress > model->now.groups[g].progress)
            journal_model_record(model, &(struct model_record){MODEL_PROGRESS, g, progress, 0, 0});
        model->told_progress[g] = progress;
    }
    model->durable = model->count;
}
