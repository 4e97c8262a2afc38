/*
 * Points in time as people write them: milliseconds since 1970 (9 or 10 digits: seconds), a date,
 * RFC 3339 with or without a zone (then UTC), "now", and
 * "-1h" before now.
 */
#ifndef CLIENT_LINE_MOMENT_H
#define CLIENT_LINE_MOMENT_H

#include <stddef.h>
#include <stdint.h>

/* What the texts may be, for sentences and help. */
#define MOMENT_FORMS \
    "s or ms since 1970, 2026-11-28, 2026-11-28T10:00 (UTC, or with a zone), now, -30s, -30m, -1h or -2d"

/* The moment that the first `len` bytes of `text` name, in ms since 1970; never negative. `now_ms`
 * is what "now" means. ERR_NONE, or ERR_INVALID: not one of the forms, no day of the calendar, or
 * before 1970. */
int moment_parse(const char *text, size_t len, int64_t now_ms, int64_t *ms);

/* A span such as "90s", "1h", "250ms" or "2d", in ms. ERR_NONE, or ERR_INVALID. */
int moment_span(const char *text, size_t len, int64_t *ms);

/* Now, in ms since 1970. */
int64_t moment_now(void);

#endif
