/* A bucket is a power of two cut into equal steps. */
#include "client/bench/histogram.h"

#include <stddef.h>

static unsigned exponent_of(uint64_t value) {
    return value < HISTOGRAM_STEPS
               ? 0
               : 63 - (unsigned)__builtin_clzll(value) - 5; /* value >> exponent lies in [32, 64) */
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    unsigned exponent = exponent_of(value);
    size_t bucket = (size_t)exponent * HISTOGRAM_STEPS + (value >> exponent);
    histogram->buckets[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
    histogram->count++;
    histogram->max = value > histogram->max ? value : histogram->max;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
    into->count += from->count;
    into->max = from->max > into->max ? from->max : into->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile) {
    uint64_t wanted = (uint64_t)(quantile * (double)histogram->count), seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted) {
            unsigned exponent = (unsigned)(i / HISTOGRAM_STEPS);
            uint64_t middle = ((uint64_t)(i % HISTOGRAM_STEPS) << exponent) +
                              ((UINT64_C(1) << exponent) >> 1);
            return middle < histogram->max ? middle : histogram->max;
        }
    }
    return histogram->max;
}
