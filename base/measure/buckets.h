/*
 * Counts of how long, or how large: for metrics, cheap enough for every request.
 *
 * Bounds say where buckets end, in the unit in which values are added (microseconds); one more
 * bucket takes all above. Adding is a short search and two stores. Nothing fails; whoever owns it
 * reads it on the same thread, and copies it to give it to another.
 */
#ifndef BASE_MEASURE_BUCKETS_H
#define BASE_MEASURE_BUCKETS_H

#include <stdint.h>

enum { BUCKETS_MAX = 15 };

struct bucket_bounds {
    uint8_t count; /* of bounds */
    uint64_t upto[BUCKETS_MAX];
    double unit; /* what one of it is in the unit of the metric: 1e-6 of microseconds in seconds */
};

/* 0.5 ms to 10 s: requests, turns of a loop. */
extern const struct bucket_bounds bounds_latency;
/* 0.1 ms to 5 s: disks. */
extern const struct bucket_bounds bounds_sync;

/* 256 bytes to 16 MiB; 1 to 2,000 of something. */
extern const struct bucket_bounds bounds_bytes;
extern const struct bucket_bounds bounds_count;

struct buckets {
    uint64_t counts[BUCKETS_MAX + 1]; /* each on its own, not summed */
    uint64_t sum;
};

void buckets_add(struct buckets *buckets, const struct bucket_bounds *bounds, uint64_t value);

#endif
