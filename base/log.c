/*
 * Log lines. What comes from strangers may be in them, so control characters never reach the log: a
 * line stays a line. A line longer than the buffer is cut and ends in "...".
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/text.h"

enum {
    LINE_SIZE = 2048,
    TAIL = 128, /* kept free for what is said behind the message */
    TIME_SIZE = 40,
    LIMIT_US = 1000 * 1000,
};

/* "2026-11-21T10:00:00.123Z" */
static void write_time(struct log *log, char into[TIME_SIZE]) {
    int64_t wall_ms = env_wall_ms(log->env);
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    size_t len = 0;
    if (wall_ms >= 0 && gmtime_r(&seconds, &parts) != NULL)
        len = strftime(into, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(into + len, TIME_SIZE - len, ".%03dZ", (int)(wall_ms % 1000));
}

/* What stands before the message; returns its length. */
static size_t write_head(struct log *log, const struct log_event_row *event, char line[LINE_SIZE]) {
    static const int priorities[] = {
        [LOG_ERROR] = 3, [LOG_WARN] = 4, [LOG_INFO] = 6, [LOG_DEBUG] = 7};
    const char *level = log_level_name(event->level);
    char time_text[TIME_SIZE];
    int len;
    write_time(log, time_text);
    switch (log->format) {
    case LOG_TEXT: len = snprintf(line, LINE_SIZE, "%s %-5s ", time_text, level); break;
    case LOG_LOGFMT:
        len = snprintf(line, LINE_SIZE, "time=%s level=%s event=%s msg=\"", time_text, level,
                       event->name);
        break;
    case LOG_JSON:
        len = snprintf(line, LINE_SIZE,
                       "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\",\"message\":\"",
                       time_text, level, event->name);
        break;
    default: len = snprintf(line, LINE_SIZE, "<%d>", priorities[event->level]);
    }
    CHECK(len > 0);
    return (size_t)len;
}

/* The message, which is plain, between quotes or not: cut where there is no more room for it.
 * Returns its end. */
static size_t write_message(const struct log *log, const char *message, char line[LINE_SIZE],
                            size_t at) {
    static const char cut[] = "...";
    bool quoted = log->format == LOG_LOGFMT || log->format == LOG_JSON;
    for (; *message != '\0'; message++) {
        if (at + 2 + sizeof cut > LINE_SIZE - TAIL) {
            while (((unsigned char)line[at - 1] & 0xc0) == 0x80)
                at--; /* not in the middle of a character */
            if ((unsigned char)line[at - 1] >= 0xc0) at--;
            memcpy(line + at, cut, sizeof cut - 1);
            return at + sizeof cut - 1;
        }
        if (quoted && (*message == '"' || *message == '\\')) line[at++] = '\\';
        line[at++] = *message;
    }
    return at;
}

/* What stands behind it; `left_out` > 0 is said. */
static void write_end(const struct log *log, const struct log_event_row *event, uint64_t left_out,
                      char *into, size_t room) {
    static const char *const forms[] = {[LOG_TEXT] = " (%llu more like it left out)",
                                        [LOG_LOGFMT] = "\" left_out=%llu",
                                        [LOG_JSON] = "\",\"left_out\":%llu}",
                                        [LOG_JOURNAL] = " (%llu more like it left out)"};
    static const char *const ends[] = {
        [LOG_TEXT] = "", [LOG_LOGFMT] = "\"", [LOG_JSON] = "\"}", [LOG_JOURNAL] = ""};
    bool quoted = log->format == LOG_LOGFMT || log->format == LOG_JSON;
    int len = left_out > 0 ? snprintf(into, room, forms[log->format], (unsigned long long)left_out)
                           : snprintf(into, room, "%s", ends[log->format]);
    if (!quoted && len >= 0 && event->level != LOG_DEBUG)
        snprintf(into + len, room - (size_t)len, " [%s]", event->name);
}

/* The message is plain. */
static void write_message_line(struct log *log, const struct log_event_row *event,
                               uint64_t left_out, const char *message) {
    char line[LINE_SIZE];
    size_t end = write_message(log, message, line, write_head(log, event, line));
    write_end(log, event, left_out, line + end, LINE_SIZE - end);
    log->lines[event->level]++;
    env_log_line(log->env, line);
}

static void write_line(struct log *log, const struct log_event_row *event, uint64_t left_out,
                       const char *format, va_list arguments) {
    char message[LINE_SIZE];
    int wanted = vsnprintf(message, sizeof message, format, arguments);
    CHECK(wanted >= 0);
    text_make_plain(message);
    write_message_line(log, event, left_out, message);
}

/* False: it is one too many, and counted as such. Else *left_out is how many were since the last
 * one. */
static bool may_write(struct log *log, struct log_limiter *limiter, enum log_event event,
                      uint64_t *left_out) {
    struct log_burst *burst = &log->bursts[event];
    uint64_t now_us = env_now_us(log->env);
    bool early = limiter != NULL && now_us < limiter->next_us;
    bool any_number = event == LOGGED_DETAIL || log_event_is_kept(event);
    if (now_us >= burst->until_us) {
        burst->until_us = now_us + LIMIT_US;
        burst->lines = 0;
    }
    if (early || (burst->lines >= LOG_BURST && !any_number)) {
        burst->left_out++;
        log->left_out++;
        return false;
    }
    burst->lines++;
    *left_out = burst->left_out;
    burst->left_out = 0;
    if (limiter != NULL) limiter->next_us = now_us + LIMIT_US;
    return true;
}

void log_event(struct log *log, enum log_event event, const char *format, ...) {
    const struct log_event_row *row = &log_event_table()[event];
    uint64_t left_out;
    if (row->level > log->level || !may_write(log, NULL, event, &left_out)) return;
    va_list arguments;
    va_start(arguments, format);
    write_line(log, row, left_out, format, arguments);
    va_end(arguments);
}

void log_limited(struct log *log, struct log_limiter *limiter, enum log_event event,
                 const char *format, ...) {
    const struct log_event_row *row = &log_event_table()[event];
    uint64_t left_out;
    if (row->level > log->level || !may_write(log, limiter, event, &left_out)) return;
    va_list arguments;
    va_start(arguments, format);
    write_line(log, row, left_out, format, arguments);
    va_end(arguments);
}

void log_tell_left_out(struct log *log) {
    uint64_t now_us = env_now_us(log->env);
    for (int event = 0; event < LOG_EVENTS; event++) {
        struct log_burst *burst = &log->bursts[event];
        if (burst->left_out == 0 || now_us < burst->until_us) continue;
        write_message_line(log, &log_event_table()[event], burst->left_out,
                           "there was more of it than the log has lines for");
        *burst = (struct log_burst){.until_us = now_us + LIMIT_US, .lines = 1};
    }
}
