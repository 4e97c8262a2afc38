/*
 * How much of something a second, with debts: Kafka's arithmetic
 * (org.apache.kafka.common.metrics.stats.TokenBucket, KIP-599).
 *
 * Happy path: a bucket is full at first and fills at the rate; what is used is taken out, also more
 * than is in it: then whoever comes next has to wait until it is not in debt. Failures: none; a
 * clock that goes back counts as one that stands. Pure: times are arguments.
 */
#ifndef BROKER_QUOTAS_TOKEN_BUCKET_H
#define BROKER_QUOTAS_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/quotas/rate_window.h"

/* All zero: full. */
struct token_bucket {
    bool used;
    int64_t filled_ms;
    double tokens; /* below 0: a debt */
};

/* What is in it now, at `rate` a second: as much as all samples of the shape hold, at the most. */
double token_bucket_fill(struct token_bucket *bucket, const struct rate_shape *shape, double rate,
                         int64_t now_ms);
/* Takes so many out of what token_bucket_fill has left. */
void token_bucket_take(struct token_bucket *bucket, double tokens);
/* How long until that debt is paid; 0: there is none. */
uint64_t token_bucket_wait_ms(const struct token_bucket *bucket, double rate);

#endif
