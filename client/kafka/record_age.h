/*
 * How old the first record at or after an offset is: what a consumer that stands there has to catch
 * up with, in time.
 *
 * Happy path: one record of each partition is fetched through librdkafka (which unfolds whatever
 * codec it has). Failures: a partition that does not answer within the time keeps -1.
 */
#ifndef CLIENT_KAFKA_RECORD_AGE_H
#define CLIENT_KAFKA_RECORD_AGE_H

#include <stddef.h>
#include <stdint.h>

struct invocation;

struct record_age {
    const char *topic;
    int32_t partition;
    int64_t offset;    /* from here on; there must be a record */
    int64_t timestamp; /* set by the call: ms since 1970, -1: not known */
};

void record_ages(const struct invocation *in, uint64_t wait_ms, struct record_age *items,
                 size_t count);

#endif
