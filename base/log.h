/*
 * The log of one node: lines on the environment's log, with time and level. No global state.
 *
 *   2026-11-21T10:00:00.123Z warn  peer 2 at 10.0.0.2:9093 is not reachable; trying again
 *   time=2026-11-21T10:00:00.123Z level=warn msg="peer 2 at 10.0.0.2:9093 ..."
 *   {"time":"2026-11-21T10:00:00.123Z","level":"warn","message":"peer 2 at 10.0.0.2:9093 ..."}
 *   <4>peer 2 at 10.0.0.2:9093 is not reachable; trying again
 *
 * The last is for journald, which has the time and wants the level so (sd-daemon(3)).
 * A line says what happened, with the value, and what to do next where something can be done.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/env.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* How lines are written. */
enum log_format { LOG_TEXT, LOG_LOGFMT, LOG_JSON, LOG_JOURNAL };

struct log {
    struct env *env;
    enum log_format format;
    enum log_level level;          /* lines above it are dropped */
    uint64_t lines[LOG_DEBUG + 1]; /* that were written, by level, */
    uint64_t left_out;             /* and that a limiter kept back */
};

void log_write(struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(log, ...) log_write(log, LOG_ERROR, __VA_ARGS__)
#define log_warn(log, ...) log_write(log, LOG_WARN, __VA_ARGS__)
#define log_info(log, ...) log_write(log, LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_write(log, LOG_DEBUG, __VA_ARGS__)

/* For what a stranger can cause at will: at most one line a second; the next one tells how many
 * were left out. */
struct log_limiter {
    uint64_t next_us;
    uint64_t left_out;
};
void log_limited(struct log *log, struct log_limiter *limiter, enum log_level level,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
