/*
 * What texts of times are read with, from left to right: numbers and the signs between them
 * (calendar_time.h; the moments and spans of the command line). Pure.
 *
 * Failures: whatever does not fit sets `wrong`, which is looked at once, at the end.
 */
#ifndef BASE_MEASURE_TIME_READER_H
#define BASE_MEASURE_TIME_READER_H

#include <stdbool.h>
#include <stdint.h>

enum { MS_PER_SECOND = 1000, MS_PER_MINUTE = 60 * MS_PER_SECOND, MS_PER_HOUR = 60 * MS_PER_MINUTE };
#define MS_PER_DAY (24 * (int64_t)MS_PER_HOUR)

/* What is left of the text, which is the caller's. */
struct time_reader {
    const char *at, *end;
    bool wrong;
};

/* Moves behind `c`, if that comes next. */
bool time_reader_is(struct time_reader *reader, char c);
bool time_reader_at_digit(const struct time_reader *reader);
/* A number of `min` to `max` digits; at most 18, so that it fits. */
int64_t time_reader_digits(struct time_reader *reader, int min, int max);
/* Nothing was wrong, and nothing is left. */
bool time_reader_is_through(const struct time_reader *reader);

#endif
