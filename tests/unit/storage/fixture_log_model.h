/*
 * A log and its model: a naive array of the entries that were appended, with which everything that
 * the log answers is compared.
 *
 * log_model_start opens store and log (again); log_model_stop closes both, after a flush (clean) or
 * at once. After an abrupt stop the log may have lost what was not reported durable, be it entries
 * or a truncation, and the model follows it; anything else fails the test.
 */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_LOG_MODEL_H
#define TESTS_UNIT_STORAGE_FIXTURE_LOG_MODEL_H

#include "storage/log/log_internal.h"
#include "tests/unit/storage/fixture_folder.h"

enum { LOG_MODEL_GROUP = 0x2a };

struct log_model {
    struct folder folder;
    struct dice dice;
    struct log_store_options options;
    struct log_store *store;
    struct partition_log *log;
    struct entry **entries; /* entries[i - 1] has index i */
    size_t room;
    struct entry *
        *ghosts; /* truncated, and perhaps back after an abrupt stop: the truncation may be lost */
    size_t ghost_count;
    uint64_t last, commit;
    uint64_t durable; /* as reported */
    uint32_t term, durable_term;
    uint64_t voted_for, version, durable_version;
    uint64_t waiting_for; /* durable index, 0: nothing */
    int64_t end_offset, time;
    int64_t log_start; /* where searches begin */
    /* Entries before it, and records before that offset, are gone from the log. */
    uint64_t first;
    int64_t start_offset;
    bool cleans;          /* segments may stay below `first`: start_offset is where they begin */
    bool has_state;       /* an applier keeps its state; may be set before log_model_start */
    uint64_t state_index; /* of the state that was found at the last start; 0: none was */
    unsigned starts_moved;
    unsigned installs; /* times that another log has taken its place; each stops the loop */
    size_t value_max;
    bool done;
    int error; /* of the last read, fetch, search */
    unsigned truncations, reopens;
    unsigned damages; /* files that were reported, and where the last one was */
    uint64_t damaged_at;
};

/* A folder, small segments and journal files; nothing is open. */
void log_model_open(struct log_model *model, uint64_t seed);
void log_model_close(struct log_model *model);
void log_model_start(struct log_model *model);
void log_model_stop(struct log_model *model, bool clean);
/* The same without comparing: true if the log opened; else `why`. */
bool log_model_try_start(struct log_model *model, struct error_text *why);

void log_model_append(struct log_model *model, unsigned n);
void log_model_append_one(struct log_model *model, enum entry_type type);
/* The next entry of the log; takes the reference over. */
void log_model_append_entry(struct log_model *model, struct entry *entry);
void log_model_truncate(struct log_model *model, uint64_t index);
void log_model_commit(struct log_model *model, uint64_t index);
void log_model_vote(struct log_model *model, uint32_t term, uint64_t voted_for);
void log_model_settle(struct log_model *model); /* until everything is durable in the journal */
void log_model_flush(
    struct log_model *model); /* until everything committed is synced in segments */

void log_model_write_behind(
    struct log_model *model); /* until everything committed is written, synced or not */

/* The applier gives the state that it was asked for. */
void log_model_keep(struct log_model *model);
/* Whole segments below the offset and up to the index may go, and all steps for it are waited for.
 */
void log_model_run(struct log_model *model); /* the loop, a few milliseconds */
void log_model_drop(struct log_model *model, int64_t offset, uint64_t index);

/* Each waits until it is done and sets model->error. */
void log_model_read(struct log_model *model, uint64_t first, uint64_t last, uint64_t max_bytes,
                    struct partition_log_read *read);
void log_model_fetch(struct log_model *model, int64_t offset, int64_t end, uint64_t max_bytes,
                     struct partition_log_fetch *fetch);
void log_model_search(struct log_model *model, int64_t timestamp, int64_t end,
                      struct partition_log_search *search);

/* The offset behind the last committed record. */
int64_t log_model_watermark(const struct log_model *model);
/* All positions, terms, changes; every entry read back. */
void log_model_check(struct log_model *model);
/* One fetch from `offset`, with only what lies below `end`, compared with the model. Returns the
 * offset to go on with. */
int64_t log_model_check_fetch(struct log_model *model, int64_t offset, int64_t end,
                              uint64_t max_bytes);
void log_model_check_search(struct log_model *model, int64_t timestamp, int64_t end);

char *log_model_group_path(const struct log_model *model); /* mem_free */

#endif
