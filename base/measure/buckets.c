/* The bounds, and adding. */
#include "base/measure/buckets.h"

const struct bucket_bounds bounds_latency = {14,
                                             {500, 1000, 2000, 5000, 10000, 20000, 50000, 100000,
                                              200000, 500000, 1000000, 2000000, 5000000, 10000000},
                                             1e-6};

const struct bucket_bounds bounds_sync = {15,
                                          {100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000,
                                           100000, 200000, 500000, 1000000, 2000000, 5000000},
                                          1e-6};

const struct bucket_bounds bounds_bytes = {
    9,
    {256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216},
    1};

const struct bucket_bounds bounds_count = {9, {1, 2, 5, 10, 20, 50, 100, 500, 2000}, 1};

void buckets_add(struct buckets *buckets, const struct bucket_bounds *bounds, uint64_t value) {
    unsigned bucket = 0;
    while (bucket < bounds->count && value > bounds->upto[bucket])
        bucket++;
    buckets->counts[bucket]++;
    buckets->sum += value;
}
