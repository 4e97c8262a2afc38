/* Durations as people write them. */
#ifndef CLIENT_LINE_DURATION_H
#define CLIENT_LINE_DURATION_H

#include <stdint.h>

/* "10s", "500ms", "1.5m", "2h", "2" (seconds) in milliseconds, at least 1 and at most ten years; 0:
 * not a time. */
uint64_t duration_parse(const char *text);

#endif
