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
    TAIL = 64, /* kept free for what is said behind the message */
    TIME_SIZE = 40,
    LIMIT_US = 1000 * 1000,
};

static const char *const level_names[] =
    {[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

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
static size_t write_head(struct log *log, enum log_level level, char line[LINE_SIZE]) {
    static const char *const formats[] = {
        [LOG_TEXT] = "%s %-5s ",
        [LOG_LOGFMT] = "time=%s level=%s msg=\"",
        [LOG_JSON] = "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\""};
    static const int priorities[] = {
        [LOG_ERROR] = 3, [LOG_WARN] = 4, [LOG_INFO] = 6, [LOG_DEBUG] = 7};
    char time_text[TIME_SIZE];
    int len;
    write_time(log, time_text);
    switch (log->format) {
    case LOG_LOGFMT:
    case LOG_JSON:
    case LOG_TEXT:
        len = snprintf(line, LINE_SIZE, formats[log->format], time_text, level_names[level]);
        break;
    default: len = snprintf(line, LINE_SIZE, "<%d>", priorities[level]);
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

/* `left_out` > 0 is said at the end of the line. */
static void write_line(struct log *log, enum log_level level, uint64_t left_out, const char *format,
                       va_list arguments) {
    static const char *const forms[] = {[LOG_TEXT] = " (%llu more like it left out)",
                                        [LOG_LOGFMT] = "\" left_out=%llu",
                                        [LOG_JSON] = "\",\"left_out\":%llu}",
                                        [LOG_JOURNAL] = " (%llu more like it left out)"};
    static const char *const ends[] = {
        [LOG_TEXT] = "", [LOG_LOGFMT] = "\"", [LOG_JSON] = "\"}", [LOG_JOURNAL] = ""};
    char line[LINE_SIZE], message[LINE_SIZE];
    int wanted = vsnprintf(message, sizeof message, format, arguments);
    CHECK(wanted >= 0);
    text_make_plain(message);
    size_t end = write_message(log, message, line, write_head(log, level, line));
    if (left_out > 0)
        snprintf(line + end, LINE_SIZE - end, forms[log->format], (unsigned long long)left_out);
    else
        snprintf(line + end, LINE_SIZE - end, "%s", ends[log->format]);
    log->lines[level]++;
    env_log_line(log->env, line);
}

void log_write(struct log *log, enum log_level level, const char *format, ...) {
    if (level > log->level) return;
    va_list arguments;
    va_start(arguments, format);
    write_line(log, level, 0, format, arguments);
    va_end(arguments);
}

void log_limited(struct log *log, struct log_limiter *limiter, enum log_level level,
                 const char *format, ...) {
    if (level > log->level) return;
    uint64_t now_us = env_now_us(log->env);
    if (now_us < limiter->next_us) {
        limiter->left_out++;
        log->left_out++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    write_line(log, level, limiter->left_out, format, arguments);
    va_end(arguments);
    *limiter = (struct log_limiter){.next_us = now_us + LIMIT_US};
}
