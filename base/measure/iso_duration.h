/*
 * Durations as ISO 8601 and Java's Duration have them, "P7D", "PT1H30M", "P1DT0.5S", in whole
 * milliseconds. Pure.
 *
 * Failures: false for what is none, has a sign that makes it negative, or is longer than 64 bits of
 * nanoseconds hold (292 years).
 */
#ifndef BASE_MEASURE_ISO_DURATION_H
#define BASE_MEASURE_ISO_DURATION_H

#include <stdbool.h>
#include <stdint.h>

bool iso_duration_read(const char *text, int64_t *ms);

#endif
