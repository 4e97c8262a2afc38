/* Opening, closing and feeding the journal of a test. */
#include "tests/unit/storage/fixture_journal.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env_uv/env_uv.h"

int journal_fixture_setup(void **state) {
    struct journal_fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(env_uv_new(&fixture->env, 2), ERR_NONE);
    fixture->log = (struct log){.env = fixture->env, .level = LOG_ERROR};
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/drave-journal-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/journal", fixture->folder);
    fixture->options = (struct journal_options){.file_bytes = 64 * 1024,
                                                .max_bytes = 16 * 64 * 1024};
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int journal_fixture_teardown(void **state) {
    struct journal_fixture *fixture = *state;
    if (fixture->journal != NULL) journal_fixture_close(fixture);
    assert_true(env_uv_free(fixture->env));
    nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

int journal_fixture_try_open(struct journal_fixture *fixture) {
    fixture->why.text[0] = '\0';
    int error = journal_open(fixture->env, &fixture->log, fixture->path, &fixture->options,
                             &fixture->journal, &fixture->why);
    if (error != ERR_NONE) fixture->journal = NULL;
    return error;
}

void journal_fixture_open(struct journal_fixture *fixture) {
    int error = journal_fixture_try_open(fixture);
    if (error != ERR_NONE) fail_msg("open: %s (%s)", fixture->why.text, error_phrase(error));
}

void journal_fixture_close(struct journal_fixture *fixture) {
    journal_close(fixture->journal);
    fixture->journal = NULL;
    journal_fixture_run(fixture);
}

void journal_fixture_run(struct journal_fixture *fixture) {
    env_uv_run(fixture->env);
}

struct flush {
    struct journal_waiter waiter;
    struct env *env;
    bool done;
};

static void flushed(struct journal_waiter *waiter) {
    struct flush *flush = (struct flush *)waiter;
    flush->done = true;
    env_uv_stop(flush->env);
}

void journal_fixture_flush(struct journal_fixture *fixture) {
    struct flush flush = {.waiter.durable = flushed, .env = fixture->env};
    journal_wait(fixture->journal, &flush.waiter);
    assert_false(flush.done);
    env_uv_run(fixture->env);
    assert_true(flush.done);
}

/* ---- Entries ---- */

static void fill(uint8_t *into, size_t len, uint64_t group, uint64_t index, uint32_t term) {
    uint64_t x = group * 0x9e3779b97f4a7c15u ^ index * 0xbf58476d1ce4e5b9u ^
                 term * 0x94d049bb133111ebu;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        into[i] = (uint8_t)x;
    }
}

struct entry *make_entry(uint64_t group, uint64_t index, uint32_t term, size_t len) {
    struct buffer *buffer = buffer_new(NULL, len);
    fill(buffer->data, len, group, index, term);
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = 1,
                              .base_offset = (int64_t)(index * 10 % 1000000007),
                              .records = 10,
                              .max_timestamp = 1000,
                              .raw = {buffer, buffer->data, len}};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group, index, term);
    return entry;
}

void record_entry(struct journal_fixture *fixture, uint64_t group, uint64_t index, uint32_t term,
                  size_t len) {
    struct entry *entry = make_entry(group, index, term, len);
    journal_entry(fixture->journal, entry);
    entry_unref(entry);
}

void assert_entry(const struct entry *entry, uint64_t group, uint64_t index, uint32_t term,
                  size_t len) {
    struct entry *expected = make_entry(group, index, term, len);
    assert_int_equal(entry->index, index);
    assert_memory_equal(entry->header, expected->header, ENTRY_HEADER_SIZE);
    assert_int_equal(entry->body.len, len);
    assert_memory_equal(entry->body.data, expected->body.data, len);
    entry_unref(expected);
}
