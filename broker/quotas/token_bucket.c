/* Filled when it is looked at. The order of the arithmetic is that of Kafka, to the last bit. */
#include "broker/quotas/token_bucket.h"

double token_bucket_fill(struct token_bucket *bucket, const struct rate_shape *shape, double rate,
                         int64_t now_ms) {
    double most = shape->samples * (shape->sample_ms / 1000.0) * rate;
    if (!bucket->used) {
        *bucket = (struct token_bucket){.used = true, .filled_ms = now_ms, .tokens = most};
    } else if (now_ms > bucket->filled_ms) {
        bucket->tokens += rate * ((double)(now_ms - bucket->filled_ms) / 1000.0);
        bucket->filled_ms = now_ms;
    }
    if (bucket->tokens > most) bucket->tokens = most;
    return bucket->tokens;
}

void token_bucket_take(struct token_bucket *bucket, double tokens) {
    bucket->tokens -= tokens;
}

uint64_t token_bucket_wait_ms(const struct token_bucket *bucket, double rate) {
    static const double longest_ms = 1e15;
    double wait_ms = bucket->tokens < 0 ? -bucket->tokens / rate * 1000.0 : 0;
    return (uint64_t)((wait_ms < longest_ms ? wait_ms : longest_ms) + 0.5);
}
