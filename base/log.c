/*
 * Log lines. What comes from strangers may be in them, so control characters never reach the log: a
 * line stays a line. A line longer than the buffer is cut and ends in "...".
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/text.h"

enum { LINE_SIZE = 2048, LIMIT_US = 1000 * 1000 };

static const char *const level_names[] =
    {[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

/* "2026-11-21T10:00:00.123Z warn  "; returns its length. */
static size_t write_head(struct log *log, enum log_level level, char line[LINE_SIZE]) {
    int64_t wall_ms = env_wall_ms(log->env);
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    size_t len = 0;
    if (wall_ms >= 0 && gmtime_r(&seconds, &parts) != NULL)
        len = strftime(line, LINE_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    int more = snprintf(line + len, LINE_SIZE - len, ".%03dZ %-5s ", (int)(wall_ms % 1000),
                        level_names[level]);
    CHECK(more > 0);
    return len + (size_t)more;
}

/* `left_out` > 0 is said at the end of the line. */
static void write_line(struct log *log, enum log_level level, uint64_t left_out, const char *format,
                       va_list arguments) {
    static const char cut[] = "...";
    enum { TAIL = 64 }; /* kept free for what is said behind the message */
    char line[LINE_SIZE];
    size_t head = write_head(log, level, line);
    size_t room = LINE_SIZE - TAIL - head;
    int wanted = vsnprintf(line + head, room, format, arguments);
    CHECK(wanted >= 0);
    text_make_plain(line + head);
    size_t end = head + strlen(line + head);
    if ((size_t)wanted >= room) {
        memcpy(line + end, cut, sizeof cut);
        end += sizeof cut - 1;
    }
    if (left_out > 0)
        snprintf(line + end, LINE_SIZE - end, " (%llu more like it left out)",
                 (unsigned long long)left_out);
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
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    write_line(log, level, limiter->left_out, format, arguments);
    va_end(arguments);
    *limiter = (struct log_limiter){.next_us = now_us + LIMIT_US};
}
