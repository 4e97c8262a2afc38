/*
 * What a journal must give back: a naive model of its records.
 *
 * Every record is applied to a list in the order of the calls. Rounds become durable in that order,
 * so what recovery finds must be exactly the state behind some prefix of the list, the same one for
 * every group, and no shorter than what was reported durable. The model keeps the state at some
 * point before the durable one, and the records since.
 */
#ifndef SIM_JOURNAL_MODEL_H
#define SIM_JOURNAL_MODEL_H

#include "storage/journal/journal.h"
#include "tests/sim/run.h"

enum { MODEL_GROUPS = 4, MODEL_ENTRIES = 20000 };

enum model_kind {
    MODEL_ENTRY,
    MODEL_HARD_STATE,
    MODEL_TRUNCATE,
    MODEL_COMMIT,
    MODEL_PROGRESS,
    MODEL_MARK,
    MODEL_BEGINS
};

struct model_record {
    enum model_kind kind;
    unsigned group; /* place in the model */
    uint64_t index; /* of the entry, truncation, commit, progress; or the mark */
    uint32_t term;
    uint64_t detail; /* vote, or checksums of an entry */
};

struct model_entry {
    uint32_t term;
    uint64_t checksums;
};

struct model_group {
    bool known;
    uint32_t term;
    uint64_t voted_for, commit, progress, last;
    struct model_entry *entries; /* [index], up to last */
};

struct journal_model;
struct journal_model *journal_model_new(struct run *run);
/* Group ids are place + 1. */
void journal_model_record(struct journal_model *model, const struct model_record *record);
/* The state behind all records. */
const struct model_group *journal_model_now(const struct journal_model *model, unsigned group);
uint64_t journal_model_count(const struct journal_model *model);
/* The first `count` records are durable. */
void journal_model_durable(struct journal_model *model, uint64_t count);
/* Fails the run unless the journal recovered a prefix that is long enough; what was not recovered
 * is forgotten by the model. `damaged`: a bit was flipped; then a shorter prefix will do. */
void journal_model_recovered(struct journal_model *model, const struct journal *journal,
                             bool damaged);
/* The journal in `path` has no more on disk than it may, or might earlier in this life: *most,
 * which begins with what it had. */
void journal_check_limit(struct run *run, struct node *node, const char *path,
                         const struct journal *journal, uint64_t *most);
uint64_t entry_checksums(const struct entry *entry);

#endif
