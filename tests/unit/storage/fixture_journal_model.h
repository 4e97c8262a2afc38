/* A naive journal: the list of everything that was recorded, played back up to any point and
 * compared with what the real one recovers. */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_JOURNAL_MODEL_H
#define TESTS_UNIT_STORAGE_FIXTURE_JOURNAL_MODEL_H

#include "tests/unit/storage/fixture_journal.h"

enum { MODEL_GROUPS = 5, MODEL_ENTRIES = 20000 };

struct model_entry {
    uint32_t term, len;
    size_t op; /* that recorded it */
};

struct model_group {
    bool known;
    uint32_t term;
    uint64_t voted_for, commit, progress, last;
    size_t begun; /* so many operations there were when it began anew */
    struct model_entry entries[MODEL_ENTRIES]; /* by index */
};

enum model_kind {
    MODEL_ENTRY,
    MODEL_HARD_STATE,
    MODEL_TRUNCATE,
    MODEL_COMMIT,
    MODEL_PROGRESS,
    MODEL_FORGET,
    MODEL_MARK,
    MODEL_BEGINS
};

struct model_op {
    enum model_kind kind;
    uint64_t group, index;
    uint32_t term, len;
};

struct model {
    struct journal_fixture *fixture;
    struct model_op *ops;
    size_t count, capacity;
    size_t durable; /* as many were reported */
    struct model_waiter *waiting;
    struct model_group *groups;           /* MODEL_GROUPS, after all ops; group ids are 1, 2, ... */
    uint64_t told_progress[MODEL_GROUPS]; /* the last recorded, whatever became of it */
    uint64_t mark;
    uint64_t random;
    bool begins; /* logs begin anew now and then; may be set before the first operation */
};

struct model *model_new(struct journal_fixture *fixture, uint64_t seed);
void model_free(struct model *model);
uint64_t model_random(struct model *model, uint64_t below);

/* Records it in the journal and in the list; waits for entries. */
void model_do(struct model *model, struct model_op op);
/* One random operation that makes sense now. `most`: bytes of a body. */
void model_do_any(struct model *model, size_t most);
/* Asks to be told when all so far is durable; `durable` is set then. */
void model_wait(struct model *model);
/* Waits until all is durable. */
void model_flush(struct model *model);
/* Progress of a group up to its commit index, but not above `index`: what an owner does when it is
 * pressed. */
void model_sync(struct model *model, uint64_t group, uint64_t index);

/* Asserts that the opened journal has exactly the state after the first n operations, least <= n <=
 * count; returns n and forgets all operations behind. */
size_t model_compare(struct model *model, size_t least);

#endif
