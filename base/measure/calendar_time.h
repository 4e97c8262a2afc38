/*
 * Points in time as a calendar and a clock name them: "2026-11-28", "2026-11-28T10:00",
 * "2026-11-28T10:00:00.5Z", "2026-11-28 10:00+02:00" (RFC 3339, where a zone, the seconds or the
 * whole time may be missing: UTC, 0, midnight). Pure.
 *
 * Failures: false for what is none of it, no day of the calendar, or before 1970.
 */
#ifndef BASE_MEASURE_CALENDAR_TIME_H
#define BASE_MEASURE_CALENDAR_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `len` bytes of text; *ms since 1970, not negative. */
bool calendar_time_read(const char *text, size_t len, int64_t *ms);

#endif
