/*
 * The log of one node: lines on the environment's log, with time, level and the name of an event.
 * No global state.
 *
 *   2026-11-21T10:00:00.123Z warn  lost the connection with broker 2 at 10.0.0.2:9093 [peer_lost]
 *   time=2026-11-21T10:00:00.123Z level=warn event=peer_lost msg="lost the connection with ..."
 *   {"time":"2026-11-21T10:00:00.123Z","level":"warn","event":"peer_lost","message":"lost the ..."}
 *   <4>lost the connection with broker 2 at 10.0.0.2:9093 [peer_lost]
 *
 * The last is for journald, which has the time and wants the level so (sd-daemon(3)).
 * A line says what happened, with the value, and what to do next where something can be done; what
 * all lines of an event have in common stands in its table (base/events/log_events.h). Invariant:
 * of one event at most LOG_BURST lines a second are written, and the next one says how many were
 * left out; if none comes, log_tell_left_out does. What changes who may do what is written always.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/env.h"
#include "base/events/log_events.h"

enum { LOG_BURST = 20 };

/* How lines are written. */
enum log_format { LOG_TEXT, LOG_LOGFMT, LOG_JSON, LOG_JOURNAL };

struct log {
    struct env *env;
    enum log_format format;
    enum log_level level;          /* lines above it are dropped */
    uint64_t lines[LOG_DEBUG + 1]; /* that were written, by level, */
    uint64_t left_out;             /* and that a limit kept back */
    struct log_burst {
        uint64_t until_us;
        uint32_t lines; /* until then */
        uint64_t left_out;
    } bursts[LOG_EVENTS];
};

/* With the level of the event. */
void log_event(struct log *log, enum log_event event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(log, ...) log_event(log, LOGGED_DETAIL, __VA_ARGS__)

/* For what a stranger can cause at will: at most one line a second; those that are left out count
 * with the others of their event. */
struct log_limiter {
    uint64_t next_us;
};
void log_limited(struct log *log, struct log_limiter *limiter, enum log_event event,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A line for each event of which some were left out a second ago and none has come since. Called
 * now and then. */
void log_tell_left_out(struct log *log);

#endif
