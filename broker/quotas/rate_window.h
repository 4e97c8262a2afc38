/*
 * How much of something a second: Kafka's arithmetic (org.apache.kafka.common.metrics.stats.Rate
 * over SampledStat, QuotaUtils), to the last bit.
 *
 * Happy path: what is counted goes into the sample of the moment; one that is complete is followed
 * by the next, the oldest of `samples` + 1 going. The rate is the sum of those that are not too
 * old, over the time that they are of, which is `samples` - 1 whole ones at least, so that a burst
 * after a rest is not a rate. Failures: none; a clock that goes back counts as one that stands.
 * Pure: times are arguments.
 */
#ifndef BROKER_QUOTAS_RATE_WINDOW_H
#define BROKER_QUOTAS_RATE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

enum { RATE_SAMPLES_MAX = 100 };

struct rate_shape {
    uint32_t samples;   /* quota.window.num: 1 to RATE_SAMPLES_MAX */
    uint32_t sample_ms; /* quota.window.size.seconds */
};

struct rate_sample {
    int64_t start_ms, last_ms;
    double sum;
};

/* All zero at first; rate_window_size() bytes. */
struct rate_window {
    uint32_t count, current;
    struct rate_sample samples[];
};

size_t rate_window_size(const struct rate_shape *shape);
void rate_record(struct rate_window *window, const struct rate_shape *shape, double value,
                 int64_t now_ms);
double rate_of(struct rate_window *window, const struct rate_shape *shape, int64_t now_ms);
/* How long somebody has to be quiet so that the rate is that limit again; 0: it is not above. */
uint64_t rate_throttle_ms(struct rate_window *window, const struct rate_shape *shape, double limit,
                          int64_t now_ms);

#endif
