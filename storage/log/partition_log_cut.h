/*
 * Cutting off, at a start, what a log wrote behind its last synced position: nobody was promised
 * it, and what stays must not follow it.
 *
 * Happy path: segments behind the kept ones are removed, the active one and its index are cut.
 * Failures: what the disk says, as a sentence; repeating it later is harmless, except after a
 * failed sync. Called while the log is opened, on any thread.
 */
#ifndef STORAGE_LOG_PARTITION_LOG_CUT_H
#define STORAGE_LOG_PARTITION_LOG_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct partition_log;

/* Segments have the base offsets `bases`, ascending; the first `kept` of `count` stay, and the last
 * of those is the log's active one. `sync_failed` is set if a sync failed: another one may say that
 * it is done when it is not, so the process has to end. */
int partition_log_cut(struct partition_log *log, const int64_t *bases, size_t count, size_t kept,
                      bool *sync_failed, struct error_text *why);

#endif
