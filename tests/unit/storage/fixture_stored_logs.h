/*
 * A log store in a temporary folder, small in all its limits, and up to LOGS logs of it that are
 * open.
 *
 * stored_set_up begins a test, stored_tear_down ends it and asserts that the loop closed clean; in
 * between the store may be closed and opened again. Log i is that of group i + 1.
 */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_STORED_LOGS_H
#define TESTS_UNIT_STORAGE_FIXTURE_STORED_LOGS_H

#include "storage/log/log_internal.h"
#include "tests/unit/storage/fixture_folder.h"

enum { LOGS = 40 };

struct stored_logs {
    struct folder folder;
    struct dice dice;
    struct log_store_options options;
    struct log_store *store;
    struct partition_log *logs[LOGS];
    char path[96];
    uint64_t durable_for; /* index that the watched log must reach; 0: none */
};

/* Of the logs; their argument is the struct stored_logs. */
extern const struct partition_log_events stored_events;

struct stored_logs *stored_set_up(void);
void stored_tear_down(struct stored_logs *f);
void stored_open(struct stored_logs *f); /* the store, with f->options */
void stored_close(struct stored_logs *f);
struct partition_log *stored_open_log(struct stored_logs *f, uint64_t group);
void stored_open_logs(struct stored_logs *f, unsigned n);

/* One entry of a few records. */
void stored_append(struct stored_logs *f, unsigned i, size_t value_max);
/* Until all of it is durable in the journal. */
void stored_settle(struct stored_logs *f, unsigned i);
void stored_flush(struct stored_logs *f);
/* Logs that wait for a need keep the loop alive. */
void stored_run_a_while(struct stored_logs *f);
/* Whether the group has a directory, with that behind its name. */
bool stored_group_exists(struct stored_logs *f, uint64_t group, const char *suffix);

#endif
