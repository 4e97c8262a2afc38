/* A journal in a temporary folder on the real environment, and what its tests need around it. */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_JOURNAL_H
#define TESTS_UNIT_STORAGE_FIXTURE_JOURNAL_H

#include "base/log.h"
#include "storage/journal/journal.h"
#include "tests/unit/unit.h"

struct journal_fixture {
    struct env *env;
    struct log log;
    char folder[64]; /* temporary */
    char path[96];   /* of the journal in it */
    struct journal_options options;
    struct journal *journal; /* NULL while closed */
    struct error_text why;   /* of the last open */
};

int journal_fixture_setup(void **state);    /* *state: struct journal_fixture */
int journal_fixture_teardown(void **state); /* asserts that nothing leaked in the environment */

/* Opens the journal; asserts that it works. */
void journal_fixture_open(struct journal_fixture *fixture);
/* Opens it and returns the error. */
int journal_fixture_try_open(struct journal_fixture *fixture);
/* Closes it and waits until its last write has ended. */
void journal_fixture_close(struct journal_fixture *fixture);
/* Runs the loop until nothing is left to do. */
void journal_fixture_run(struct journal_fixture *fixture);
/* Runs the loop until all that was recorded is durable. */
void journal_fixture_flush(struct journal_fixture *fixture);

/* A sealed entry of `len` bytes that depend on all arguments. */
struct entry *make_entry(uint64_t group, uint64_t index, uint32_t term, size_t len);
/* Makes it, records it, lets go of it. */
void record_entry(struct journal_fixture *fixture, uint64_t group, uint64_t index, uint32_t term,
                  size_t len);
/* Asserts that `entry` is what make_entry makes of these. */
void assert_entry(const struct entry *entry, uint64_t group, uint64_t index, uint32_t term,
                  size_t len);

#endif
